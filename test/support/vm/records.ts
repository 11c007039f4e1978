/** What the boots of a small system have left on its disk. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type RollbackResult, readResult } from "../../../lib/boot/rollback-result.ts";
import type { Scratch } from "../disk.ts";
import { onTop, STATE } from "./system.ts";
import { textOf } from "./text-of.ts";

/** What the activation puts into an empty root; see systemd-stage1.ts. */
const ACTIVATED = ["/etc/os-release"];

export interface Disk {
  /** By their order. */
  readonly boots: readonly BootRecord[];
  /** The state that each old root holds, by the name of the root. */
  readonly oldRoots: readonly (readonly [name: string, state: string | undefined])[];
  /** Names at the top of the file system. */
  readonly top: readonly string[];
  /** The state in the root now. */
  readonly state: string | undefined;
}

export interface BootRecord {
  readonly bootId: string;
  /** What stage 2 found in its root beside folders, which stage 1 makes to mount something there. */
  readonly root: readonly string[];
  /** The state that an earlier boot had left in this boot's root. */
  readonly stateBefore: string | undefined;
  /** Of `/`, those of the mount and those of the file system. */
  readonly rootOptions: readonly string[];
  /** The subvolume at `/`. */
  readonly subvolume: string;
  readonly result: RollbackResult | undefined;
  /** Units in the order in which systemd had started them. */
  readonly started: readonly string[];
  /** All of stage 1's journal, where there is one. */
  readonly messages: readonly string[];
}

export function readDisk(scratch: Scratch, image: string): Disk {
  return onTop(scratch, image, (top) => {
    const olds = namesIn(join(top, "old_roots"));
    const boots = namesIn(join(top, "persist/boots")).sort((a, b) => Number(a) - Number(b));
    return {
      boots: boots.map((name) => readBoot(join(top, "persist/boots", name))),
      oldRoots: olds.map((name) => [name, textOf(join(top, "old_roots", name, STATE))] as const),
      top: namesIn(top),
      state: textOf(join(top, "root", STATE)),
    };
  });
}

function readBoot(dir: string): BootRecord {
  const text = (name: string) => textOf(join(dir, name));
  const mounts = (text("mounts") ?? "").split("\n").map((line) => line.split(" "));
  // The last one at a place is the one that is seen.
  const root = mounts.filter((fields) => fields[4] === "/").at(-1) ?? [];
  const result = text("result");
  const journal = readJournal(text("journal.json") ?? "");
  return {
    bootId: text("boot-id") ?? "",
    root: (text("root") ?? "")
      .split("\n")
      .filter((path) => path !== "" && !ACTIVATED.includes(path)),
    stateBefore: text("state-before"),
    rootOptions: [root[5] ?? "", root.at(-1) ?? ""].join().split(","),
    subvolume: root[3] ?? "",
    result: result === undefined ? undefined : readResult(result),
    started: startedUnits(journal),
    messages: journal.map(({ MESSAGE }) => String(MESSAGE)),
  };
}

/** The message of systemd that a unit was started (systemd.journal-fields(7), sd-messages.h). */
const UNIT_STARTED = "39f53479d3a045ac8e11786248231fbf";

function startedUnits(journal: readonly JournalEntry[]): string[] {
  return journal
    .filter((entry) => entry.MESSAGE_ID === UNIT_STARTED)
    .map((entry) => entry.UNIT ?? "");
}

type JournalEntry = Readonly<Record<string, string>>;

/** As journalctl writes it with --output json: an object a line. */
function readJournal(text: string): JournalEntry[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as JournalEntry);
}

function namesIn(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir).sort() : [];
}
