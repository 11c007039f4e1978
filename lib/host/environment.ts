/**
 * The environment of the programs that we start: the caller's, in the C locale.
 *
 * The executable's stub keeps from us whatever could change what runs, LD_PRELOAD or
 * BUN_OPTIONS (launcher/stub.c). Other programs get every variable as it came: the
 * kernel still has them.
 */
import { readFileSync } from "node:fs";
import { COMMIT } from "../version.ts";

type Environment = Record<string, string | undefined>;

let original: Environment | undefined;

export function childEnvironment(): Environment {
  if (COMMIT === undefined) return { ...process.env, LC_ALL: "C" };
  original ??= parseEnvironment(readFileSync("/proc/self/environ"));
  return { ...original, LC_ALL: "C" };
}

/** Of /proc/PID/environ (proc(5)): "NAME=value", each ended by NUL. The first of a name counts. */
export function parseEnvironment(bytes: Uint8Array): Environment {
  const environment: Environment = Object.create(null);
  for (const entry of new TextDecoder().decode(bytes).split("\0")) {
    const equals = entry.indexOf("=");
    if (equals < 1) continue;
    environment[entry.slice(0, equals)] ??= entry.slice(equals + 1);
  }
  return environment;
}
