/**
 * Applies a plan: its checks again, then step by step, stopping at the first
 * that fails. Nothing is tried twice and nothing is skipped.
 */
import { closeSync, constants, fsyncSync, openSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Failure, Interruption, Refusal } from "../fault.ts";
import {
  type AwaitPartitionsStep,
  type Check,
  type CommandStep,
  type DeleteSubvolumeStep,
  type Plan,
  type Step,
  usesTop,
  type Word,
} from "../plan.ts";
import { visible } from "../text.ts";
import { deleteSubvolume } from "./delete-subvolume.ts";
import { type DetachedMount, mountDetached } from "./detached.ts";
import { awaitPartition } from "./probe/partition-node.ts";
import { run } from "./spawn.ts";

/** Where the plan's file system is mounted in a child that inherits it as its first extra descriptor. */
const TOP_PATH = "/proc/self/fd/3";

/** What words are replaced by while the plan runs. */
interface Names {
  readonly partitions: Map<number, string>;
  readonly top: DetachedMount | undefined;
}

/**
 * @param announce is told the reason of each step that changes something, before it runs
 * @throws Refusal if a check no longer holds: nothing was touched.
 *   Failure if a step fails: those before it were done, those after it were not.
 */
export async function applyPlan(plan: Plan, announce: (why: string) => void): Promise<void> {
  const unmounted: Names = { partitions: new Map(), top: undefined };
  // Mounting writes: first it must be known that this is the file system meant.
  for (const check of plan.checks.filter((each) => !usesTop(each))) {
    await refuseUnless(check, unmounted);
  }
  using top = plan.topOf === undefined ? undefined : mountDetached(plan.topOf, "/", "read-write");
  const names: Names = { partitions: new Map(), top };
  // What is made belongs to the new system: a private umask of the caller's is not meant for it.
  process.umask(0o022);
  for (const check of plan.checks.filter(usesTop)) await refuseUnless(check, names);
  for (const [index, step] of plan.steps.entries()) {
    // What changes something is told; what only looks is heard of when it fails.
    if (step.kind !== "check") announce(step.why);
    try {
      await applyStep(step, names);
    } catch (error) {
      throw index === 0 && error instanceof Refusal ? error : halfway(plan, index, error);
    }
  }
}

/** Runs a plan's checks and nothing else. */
async function refuseUnless(check: Check, names: Names): Promise<void> {
  const have = await observe(check, names).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    throw new Refusal(`Cannot go on: ${check.what} can't be seen: ${error.message}`, {
      cause: error,
      hint: "Nothing was touched",
    });
  });
  if (have === check.expected) return;
  throw new Refusal(
    `Cannot go on: ${check.what} is "${visible(have)}", the plan was made for "${visible(check.expected)}"`,
    { hint: "Nothing was touched. Make the plan again" },
  );
}

async function applyStep(step: Step, names: Names): Promise<void> {
  if (step.kind === "await-partitions") return nameParts(step, names);
  if (step.kind === "command") return runCommand(step, names);
  if (step.kind === "delete-subvolume") return deleteById(step, names);
  const have = await observe(step.check, names);
  if (have === step.check.expected) return;
  const { what, expected } = step.check;
  throw new Failure(`Cannot go on: ${what} is "${visible(have)}", expected "${visible(expected)}"`);
}

function deleteById({ id }: DeleteSubvolumeStep, { top }: Names): void {
  if (top === undefined) throw new Failure(`Cannot delete subvolume ${id}: nothing is mounted`);
  deleteSubvolume(top.fd, id);
}

async function observe(check: Check, names: Names): Promise<string> {
  const accept = check.accept === undefined ? {} : { accept: check.accept };
  const { stdout } = await run(resolve(check.argv, names), { ...accept, ...inherit(names) });
  return stdout.replace(/\n+$/, "");
}

async function nameParts(step: AwaitPartitionsStep, names: Names): Promise<void> {
  for (const partition of step.partitions) {
    const node = await awaitPartition(step.kernelName, partition, step.timeoutMs);
    names.partitions.set(partition.number, node);
  }
}

async function runCommand(step: CommandStep, names: Names): Promise<void> {
  const program = async () => {
    const stdin = step.stdin === undefined ? {} : { stdin: step.stdin };
    return (await run(resolve(step.argv, names), { ...stdin, ...inherit(names) })).stdout;
  };
  if (step.saveTo === undefined) await program();
  else await keepOutput(step.saveTo, program);
}

/** The file is whole and on the disk, its name too, or it isn't there. */
async function keepOutput(path: string, program: () => Promise<string>): Promise<void> {
  // Created before the program runs: a file that can't be kept must stop us early.
  const file = createFile(path);
  try {
    writeFileSync(file, await program());
    fsyncSync(file);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(file);
  }
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function createFile(path: string): number {
  try {
    return openSync(path, "wx", 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Refusal(`Cannot make the new file ${visible(path)}: ${code}`, { cause: error });
  }
}

function inherit(names: Names): { inherit?: number[] } {
  return names.top === undefined ? {} : { inherit: [names.top.fd] };
}

function resolve(argv: readonly Word[], names: Names): string[] {
  return argv.map((word) => {
    if (typeof word === "string") return word;
    if ("top" in word) return word.top === "" ? TOP_PATH : `${TOP_PATH}/${word.top}`;
    const node = names.partitions.get(word.partition);
    if (node === undefined)
      throw new Failure(`Cannot go on: partition ${word.partition} has no node yet`);
    return node;
  });
}

function halfway(plan: Plan, index: number, error: unknown): Error {
  if (error instanceof Interruption) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new Failure(
    `Cannot finish ${plan.script}, ${index} of ${plan.steps.length} steps done: ${reason}`,
    {
      cause: error,
      hint: `The steps before "${plan.steps[index]!.why.split("\n")[0]}" were done, it and those after were not`,
    },
  );
}
