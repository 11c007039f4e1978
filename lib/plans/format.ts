/**
 * The plan of format-disk: a GPT with ESP, swap and btrfs on an idle disk.
 *
 * One sfdisk script writes the whole table, so there is no state with half of
 * it; power lost later leaves a table, which the next run refuses to overwrite
 * without --wipe.
 */

import { dirname } from "node:path/posix";
import { describeContents } from "../disk-text.ts";
import type { Disk, DiskIds, LabelBearer } from "../facts.ts";
import { ESP_TYPE } from "../filesystem.ts";
import { type Layout, layOut, type Slice } from "../layout.ts";
import type { Check, Plan, Step } from "../plan.ts";
import type { Profile } from "../profile.ts";
import { shellQuote, visible } from "../text.ts";
import { refuseUnsafe } from "./format-refusals.ts";
import { labelsOf } from "./labels.ts";
import { lockIsFree, withLock } from "./lock.ts";

/** Partition types of the Discoverable Partitions Specification. */
const SWAP_TYPE = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F";
const LINUX_TYPE = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";
const NODE_TIMEOUT_MS = 20_000;

export interface FormatFacts {
  readonly profileFile: string;
  readonly disk: Disk;
  readonly labelsElsewhere: readonly LabelBearer[];
  /** That nobody else has come to bear the labels since. */
  readonly labelChecks: readonly Check[];
  readonly ids: DiskIds;
  readonly udevRuns: boolean;
  /** Whether mkfs.btrfs takes --device-uuid; btrfs-progs before 6.3 doesn't. */
  readonly choosesDeviceUuid: boolean;
  /** Where the old table is to be kept: a name without control characters, for it is shown to be pasted. */
  readonly tableFile: string;
  /** What would keep that file from being made anew. */
  readonly tableFileFault: string | undefined;
  /** Whether the user has agreed to lose what is on the disk. */
  readonly wipe: boolean;
}

/** @throws Refusal */
export function planFormat(profile: Profile, facts: FormatFacts): Plan {
  const { disk } = facts;
  refuseUnsafe(profile, facts);
  const layout = layOut(profile, disk);
  return {
    script: "format-disk",
    summary: `erase ${disk.node} and lay it out as ESP${layout.swap ? ", swap" : ""} and btrfs`,
    profileFile: facts.profileFile,
    notes: notesOf(facts),
    checks: [
      ...disk.checks,
      ...facts.labelChecks,
      ...tableFileChecks(facts),
      lockIsFree(disk.node, "another program"),
    ],
    steps: [
      ...saveTable(facts),
      writeTable(disk, layout, facts.ids),
      ...showPartitions(disk, layout, facts.udevRuns),
      ...makeFileSystems(profile, layout, facts),
    ],
  };
}

function notesOf({ disk, tableFile }: FormatFacts): string[] {
  const lost = describeContents(disk.contents);
  if (lost.length === 0) return ["the disk is blank: it holds no table and no known signature"];
  const kept = disk.contents.isReadable
    ? [
        `the old partition table will be kept in ${visible(tableFile)}; on an installer that lies in memory and is gone with the next reboot, so copy it elsewhere if it matters`,
        `this writes it back, the table alone and never the data: sfdisk ${shellQuote(disk.node)} <${shellQuote(tableFile)}`,
      ]
    : [];
  return [...lost.map((line) => `to be lost: ${line}`), ...kept];
}

/** That the file can be made still, where and when the plan runs. */
function tableFileChecks({ disk, tableFile }: FormatFacts): Check[] {
  if (!disk.contents.isReadable) return [];
  const folder = dirname(tableFile);
  return [
    {
      what: `the new file ${visible(tableFile)}, which may not exist`,
      argv: ["test", "!", "-e", tableFile],
      expected: "",
    },
    {
      what: `the folder ${visible(folder)}, which must be there and writable`,
      argv: ["test", "-w", folder],
      expected: "",
    },
  ];
}

function saveTable({ disk, tableFile }: FormatFacts): Step[] {
  if (!disk.contents.isReadable) return [];
  return [
    {
      kind: "command",
      why: `Keep the old partition table in ${visible(tableFile)}`,
      argv: ["sfdisk", "--dump", disk.node],
      saveTo: tableFile,
    },
  ];
}

function writeTable(disk: Disk, layout: Layout, ids: DiskIds): Step {
  const sectors = (bytes: number) => bytes / disk.sectorSizeBytes;
  const line = (slice: Slice, type: string, uuid: string, name: string) =>
    `${slice.number}: start=${sectors(slice.startBytes)}, size=${sectors(slice.sizeBytes)}, type=${type}, uuid=${uuid}, name="${name}"`;
  const script = [
    "label: gpt",
    `label-id: ${ids.disk}`,
    "unit: sectors",
    `sector-size: ${disk.sectorSizeBytes}`,
    "",
    line(layout.esp, ESP_TYPE, ids.espPartition, "ESP"),
    ...(layout.swap === undefined ? [] : [line(layout.swap, SWAP_TYPE, ids.swapPartition, "swap")]),
    line(layout.btrfs, LINUX_TYPE, ids.btrfsPartition, "btrfs"),
  ];
  return {
    kind: "command",
    why: "Write the new table; what the old partitions held is gone from here on",
    // sfdisk opens the disk with O_EXCL, and so writes nothing while anybody holds a part of it,
    // in whatever mount namespace; its own --lock would wait without bound.
    argv: [
      ...withLock(disk.node),
      "sfdisk",
      "--quiet",
      "--wipe",
      "always",
      "--wipe-partitions",
      "always",
      disk.node,
    ],
    runs: ["sfdisk"],
    stdin: `${script.join("\n")}\n`,
  };
}

function showPartitions(disk: Disk, layout: Layout, udevRuns: boolean): Step[] {
  const partitions = [layout.esp, layout.swap, layout.btrfs].filter((slice) => slice !== undefined);
  const wait = {
    kind: "await-partitions",
    why: "Wait until the kernel shows the partitions as they were written",
    kernelName: disk.kernelName,
    partitions,
    timeoutMs: NODE_TIMEOUT_MS,
  } as const;
  const show: Step[] = [
    {
      kind: "command",
      why: "Tell the kernel, which may not know this kind of table by itself",
      argv: ["partx", "--update", disk.node],
    },
    wait,
  ];
  if (!udevRuns) return show;
  const settle: Step = {
    kind: "command",
    why: "Let udev finish: it removes and makes nodes again while it looks at a new table",
    argv: ["udevadm", "settle", "--timeout=20"],
  };
  return [...show, settle, { ...wait, why: "See that the nodes are still there" }];
}

function makeFileSystems(profile: Profile, layout: Layout, facts: FormatFacts): Step[] {
  const { ids } = facts;
  const labels = labelsOf(profile);
  const steps: Step[] = [
    {
      kind: "command",
      why: "Make the ESP's file system",
      argv: [
        "mkfs.fat",
        "-F",
        "32",
        "-n",
        labels.esp,
        "-i",
        ids.fatVolume,
        { partition: layout.esp.number },
      ],
    },
  ];
  if (layout.swap !== undefined) {
    steps.push({
      kind: "command",
      why: "Make the swap area",
      argv: [
        "mkswap",
        "--label",
        labels.swap,
        "--uuid",
        ids.swap,
        { partition: layout.swap.number },
      ],
    });
  }
  steps.push({
    kind: "command",
    why: "Make the btrfs file system",
    argv: [
      "mkfs.btrfs",
      "--quiet",
      // The partition is this plan's own; whoever holds its node open still sees the old one's content.
      "--force",
      "--label",
      labels.btrfs,
      "--uuid",
      ids.btrfs,
      ...(facts.choosesDeviceUuid ? ["--device-uuid", ids.btrfsDevice] : []),
      { partition: layout.btrfs.number },
    ],
  });
  return steps;
}
