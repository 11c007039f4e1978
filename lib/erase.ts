/**
 * The agreement to erase: whoever wants it repeats the disk's own token. A
 * serial number can't be mistyped into another disk the way sda and sdb can.
 */
import { describeDisk } from "./disk-text.ts";
import type { Disk } from "./facts.ts";
import { Refusal } from "./fault.ts";
import { visible } from "./text.ts";

/** @throws Refusal unless the word is the disk's token */
export function refuseUnlessToken(disk: Disk, word: string, verb = "erase"): void {
  if (word === disk.token) return;
  throw new Refusal(
    `Cannot ${verb} ${visible(disk.node)}: "${visible(word)}" is not the token of this disk`,
    { hint: `It is ${describeDisk(disk)}; its token is ${disk.token}` },
  );
}

/** Where nobody can be asked and nothing was said. */
export function refusalOfSilence(disk: Disk, verb = "erase"): Refusal {
  return new Refusal(
    `Cannot ${verb} ${visible(disk.node)}: nobody agreed to it, expected --apply=TOKEN or a terminal to ask on`,
    { hint: `It is ${describeDisk(disk)}; if this is the one, add --apply=${disk.token}` },
  );
}

/** What stands above the question. */
export function renderQuestion(
  disk: Disk,
  contents: readonly string[],
  plan: readonly string[],
  consequence = "All of it will be erased",
): string {
  return [
    "",
    `  disk    ${describeDisk(disk)}`,
    ...contents.map((line, index) => `  ${index === 0 ? "holds " : "      "}  ${line}`),
    ...plan.map((line, index) => `  ${index === 0 ? "plan  " : "      "}  ${visible(line)}`),
    "",
    `  ${consequence}. Its token is ${disk.token}`,
    "",
  ].join("\n");
}
