/**
 * The plan: a list of typed steps, made by a pure function from profile and
 * facts. The same value is printed as a script or as JSON, or applied; there is
 * no other path to the machine, so what was shown is what runs.
 *
 * A plan holds programs with their words, and the few things between them that
 * are no single program (waiting for a partition's node). Each step says why.
 */

/** A word of a command: text, or a thing that has its name only when the plan runs. */
export type Word =
  | string
  /** The node of a partition the plan made, such as /dev/nvme0n1p2. */
  | { readonly partition: number }
  /** A path below the top of the plan's file system, mounted for the plan alone. */
  | { readonly top: string };

/** Something that must be so: the program's output is exactly this, else nothing may go on. */
export interface Check {
  /** A noun phrase, such as "size of /dev/vda in bytes". */
  readonly what: string;
  readonly argv: readonly Word[];
  /** Statuses that are no failure; 0 alone unless given. */
  readonly accept?: readonly number[];
  /** stdout without trailing newlines. */
  readonly expected: string;
}

export type Step =
  | CommandStep
  /** A check between the steps: what was done must show. */
  | { readonly kind: "check"; readonly why: string; readonly check: Check }
  /** Waits until the kernel shows the partitions just written, then names them. */
  | AwaitPartitionsStep
  | DeleteSubvolumeStep;

export interface CommandStep {
  readonly kind: "command";
  readonly why: string;
  readonly argv: readonly Word[];
  /** Programs that it runs besides its first word, such as what flock runs. */
  readonly runs?: readonly string[];
  readonly stdin?: string;
  /** Writes stdout to this new file, which must not exist, 0600. */
  readonly saveTo?: string;
}

export interface AwaitPartitionsStep {
  readonly kind: "await-partitions";
  readonly why: string;
  /** Kernel name of the disk, such as "nvme0n1". */
  readonly kernelName: string;
  readonly partitions: readonly WrittenPartition[];
  readonly timeoutMs: number;
}

/**
 * Deletes a subvolume of the plan's file system by its id. No command, for btrfs(8)
 * follows the path of a mount that nobody sees to "/", and would delete there.
 */
export interface DeleteSubvolumeStep {
  readonly kind: "delete-subvolume";
  readonly why: string;
  readonly id: number;
}

/** Told by number, start and size: names differ by driver, links under /dev/disk lag. */
export interface WrittenPartition {
  readonly number: number;
  readonly startBytes: number;
  readonly sizeBytes: number;
}

export interface Plan {
  /** The script that made it, such as "format-disk". */
  readonly script: string;
  /** One sentence: what it will do. */
  readonly summary: string;
  /** The profile it was made from. */
  readonly profileFile: string;
  /** What the user must know before agreeing, a line each. */
  readonly notes: readonly string[];
  /** What the plan was made for; run again just before the first step. */
  readonly checks: readonly Check[];
  /** Where words of `top` lead: this device's top, mounted where nobody else sees it. */
  readonly topOf?: string;
  readonly steps: readonly Step[];
}

/** The programs a plan runs, checks included. */
export function programsOf(plan: Pick<Plan, "checks" | "steps">): string[] {
  const argvs = [
    ...plan.checks.map((check) => check.argv),
    ...plan.steps.flatMap((step) => {
      if (step.kind === "command") return [step.argv, ...(step.runs ?? []).map((name) => [name])];
      if (step.kind === "delete-subvolume") return [["btrfs"]];
      return step.kind === "check" ? [step.check.argv] : [];
    }),
  ];
  return [...new Set(argvs.map((argv) => String(argv[0])))];
}

/** Whether a check looks below the top: such a one has to wait until that is mounted. */
export function usesTop({ argv }: Check): boolean {
  return argv.some((word) => typeof word !== "string" && "top" in word);
}
