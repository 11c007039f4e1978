/** Asks for the agreement to erase: `--apply=TOKEN`, else on the terminal, else not at all. */
import { describeContents } from "../disk-text.ts";
import { refusalOfSilence, refuseUnlessToken, renderQuestion } from "../erase.ts";
import type { Disk } from "../facts.ts";
import { Refusal } from "../fault.ts";
import { ask, canAsk } from "./ask.ts";

export interface Agreement {
  readonly disk: Disk;
  /** What will be done, a line each. */
  readonly plan: readonly string[];
  /** The value of --apply. */
  readonly apply: string | undefined;
  /** What it comes to, if not that all of the disk is erased. */
  readonly consequence?: string;
}

/** @throws Refusal unless the disk's token was given */
export async function agreeToErase({ disk, plan, apply, consequence }: Agreement): Promise<void> {
  if (apply !== undefined) return refuseUnlessToken(disk, apply);
  if (!canAsk()) throw refusalOfSilence(disk);
  process.stderr.write(renderQuestion(disk, describeContents(disk.contents), plan, consequence));
  const word = await ask("  Type the token to go on: ");
  if (word === undefined || word === "") {
    throw new Refusal(`Cannot erase ${disk.node}: no token was typed`);
  }
  refuseUnlessToken(disk, word);
}
