/** The command line as the kernel has it: argv decoded by the runtime loses bytes that are not UTF-8. */
import { readFileSync } from "node:fs";

/** The last `count` words of this process's command line, as bytes. */
export function rawArguments(count: number): Uint8Array[] {
  const line = readFileSync("/proc/self/cmdline");
  const words: Uint8Array[] = [];
  let start = 0;
  for (let end = line.indexOf(0); end !== -1; end = line.indexOf(0, start)) {
    words.push(Uint8Array.prototype.slice.call(line, start, end));
    start = end + 1;
  }
  return words.slice(words.length - count);
}
