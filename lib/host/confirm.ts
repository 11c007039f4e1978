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
  /** What is agreed to, as errors say it: "Cannot erase /dev/sda". */
  readonly verb?: string;
}

/** @throws Refusal unless the disk's token was given */
export async function agreeToErase(agreement: Agreement): Promise<void> {
  const { disk, plan, apply, consequence, verb = "erase" } = agreement;
  if (apply !== undefined) return refuseUnlessToken(disk, apply, verb);
  if (!canAsk()) throw refusalOfSilence(disk, verb);
  process.stderr.write(renderQuestion(disk, describeContents(disk.contents), plan, consequence));
  const word = await ask("  Type the token to go on: ");
  if (word === undefined || word === "") {
    throw new Refusal(`Cannot ${verb} ${disk.node}: no token was typed`);
  }
  refuseUnlessToken(disk, word, verb);
}
