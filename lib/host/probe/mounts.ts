/** What is mounted in our mount namespace: /proc/self/mountinfo, see proc_pid_mountinfo(5). */
import { readFileSync } from "node:fs";
import type { Mount } from "../../facts.ts";

/** In the order they were mounted in: of two at one place the later is on top. */
export function probeMounts(): Mount[] {
  const text = readFileSync("/proc/self/mountinfo", "latin1");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseMount);
}

/** Parses one line of mountinfo. Optional fields end with a lone dash. */
export function parseMount(line: string): Mount {
  const fields = line.split(" ");
  const dash = fields.indexOf("-", 6);
  const field = (index: number) => fields[index] ?? "";
  return {
    id: Number(field(0)),
    parentId: Number(field(1)),
    majorMinor: field(2),
    root: decodeOctal(field(3)),
    mountPoint: decodeOctal(field(4)),
    options: field(5).split(","),
    fsType: field(dash + 1),
    source: decodeOctal(field(dash + 2)),
    superOptions: field(dash + 3).split(","),
  };
}

/** The kernel writes space, tab, newline and backslash as \ooo. */
function decodeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
