/** The command line that the kernel was started with. */
import { readFileSync } from "node:fs";

export function commandLine(): string {
  return readFileSync("/proc/cmdline", "utf8").trim();
}
