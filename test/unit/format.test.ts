import { describe, expect, test } from "bun:test";
import type { Disk } from "../../lib/facts.ts";
import { Refusal } from "../../lib/fault.ts";
import { diskIds } from "../../lib/ids.ts";
import { toJson } from "../../lib/plan-json.ts";
import { toShell } from "../../lib/plan-shell.ts";
import { type FormatFacts, planFormat } from "../../lib/plans/format.ts";
import { plan as planSchema } from "../../tools/plan-schema.ts";
import { exampleProfile } from "../support/example.ts";
import { idleDisk } from "../support/facts.ts";

const SEED = "00000000-0000-4000-8000-000000000001";
const facts: FormatFacts = {
  profileFile: "host.toml",
  disk: idleDisk,
  labelsElsewhere: [],
  labelChecks: [],
  ids: diskIds(SEED),
  udevRuns: true,
  choosesDeviceUuid: true,
  tableFile: "/root/vda-table.sfdisk",
  tableFileFault: undefined,
  wipe: false,
};
const profile = exampleProfile();

test("planFormat() prints as a script that a person can read and run", () => {
  expect(toShell(planFormat(profile, facts))).toMatchSnapshot();
});

test("planFormat() prints as JSON that holds every step", () => {
  const plan = planFormat(profile, facts);
  expect(planSchema.parse(JSON.parse(toJson(plan))).steps).toHaveLength(plan.steps.length);
});

test("planFormat() is the same plan for the same seed and another for another", () => {
  const again = planFormat(profile, { ...facts, ids: diskIds(SEED.toUpperCase()) });
  expect(again).toEqual(planFormat(profile, facts));
  const other = diskIds("00000000-0000-4000-8000-000000000002");
  expect(planFormat(profile, { ...facts, ids: other })).not.toEqual(again);
});

const contents: Disk["contents"] = {
  table: "gpt",
  isReadable: true,
  whole: undefined,
  partitions: [
    {
      number: 1,
      startBytes: 1024 ** 2,
      sizeBytes: 1024 ** 3,
      type: "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
      name: "evil\x1b[2J",
      signature: { type: "ext4", label: "photos", uuid: undefined },
    },
  ],
};

test("planFormat() keeps the old table and lists what goes when told to wipe", () => {
  const plan = planFormat(profile, { ...facts, wipe: true, disk: { ...idleDisk, contents } });
  expect(plan.steps[0]).toMatchObject({ saveTo: facts.tableFile });
  expect(plan.notes.join("\n")).toContain('ext4 labelled "photos"');
  expect(plan.notes.join("\n")).toContain(`sfdisk /dev/vda <${facts.tableFile}`);
});

test("planFormat() tells how the old table comes back in a line that can be pasted", () => {
  const tableFile = "/root/it's my table";
  const disk = { ...idleDisk, contents };
  const { notes } = planFormat(profile, { ...facts, wipe: true, disk, tableFile });
  expect(notes.slice(-2)).toEqual([
    "the old partition table will be kept in /root/it's my table; on an installer that lies in memory and is gone with the next reboot, so copy it elsewhere if it matters",
    "this writes it back, the table alone and never the data: sfdisk /dev/vda <'/root/it'\\''s my table'",
  ]);
});

describe("planFormat() refuses", () => {
  const mounted = { node: "/dev/vda1", how: "mounted at /mnt", vital: undefined };
  const hibernated = { type: "swsuspend", label: undefined, uuid: undefined };
  test.each<[string, Partial<Disk>, RegExp]>([
    [
      "a mounted disk",
      { uses: [mounted] },
      /\/dev\/vda1 is mounted at \/mnt, expected an idle disk$/,
    ],
    [
      "the disk of the running system",
      { uses: [{ ...mounted, how: "mounted at /", vital: "running system" }] },
      /it carries the running system: /,
    ],
    ["a partition", { kind: "partition" }, /it is a partition, expected a whole disk$/],
    ["a mapped device", { kind: "mapped" }, /it is a mapped device/],
    ["a read-only disk", { readOnly: true }, /it is read-only/],
    ["a disk too small", { sizeBytes: 1024 ** 3 }, /needs at least/],
    [
      "a disk that is not blank",
      { contents },
      /partition 1 "evil\\x1b\[2J", 1 GiB: ext4 labelled "photos"/,
    ],
    [
      "a file system without a table",
      {
        contents: {
          ...contents,
          table: undefined,
          partitions: [],
          whole: { ...hibernated, type: "xfs" },
        },
      },
      /the whole disk: xfs/,
    ],
    [
      "a hibernated system",
      {
        contents: {
          ...contents,
          partitions: [{ ...contents.partitions[0]!, signature: hibernated }],
        },
      },
      /hibernated system/,
    ],
  ])("%s", (_, change, message) => {
    const refused = () => planFormat(profile, { ...facts, disk: { ...idleDisk, ...change } });
    expect(refused).toThrow(message);
    expect(refused).toThrow(Refusal);
  });

  test.each([
    ["BUTTER-BOOT", "Butter"],
    ["Butter-swap", "Butter"],
    ["Butter", "Butter"],
  ])("the label %s when another disk bears it", (label) => {
    const labelsElsewhere = [{ label, uuid: undefined, node: "/dev/sdb1" }];
    expect(() => planFormat(profile, { ...facts, labelsElsewhere })).toThrow(
      `the label "${label}" is borne by /dev/sdb1 already`,
    );
  });

  test("a UUID that another disk bears", () => {
    const uuid = facts.ids.btrfs;
    const labelsElsewhere = [{ label: "Other", uuid, node: "/dev/sdb3" }];
    expect(() => planFormat(profile, { ...facts, labelsElsewhere })).toThrow(
      `the UUID ${uuid} is borne by /dev/sdb3 already`,
    );
  });

  test("a file for the old table that can't be made, where there is a table to keep", () => {
    const fault = { ...facts, wipe: true, tableFileFault: "it exists already" };
    expect(() => planFormat(profile, { ...fault, disk: { ...idleDisk, contents } })).toThrow(
      "can't be kept in /root/vda-table.sfdisk, expected a new file: it exists already",
    );
    expect(() => planFormat(profile, fault)).not.toThrow();
  });

  test.each([
    ["encryption", { encryption: { mapper: "cryptroot" } }, /disk\.encryption/],
    ["a swap file", { swap: { kind: "file", size: 1024 ** 3 } }, /disk\.swap\.kind = "file"/],
  ] as const)("%s, which is not there yet", (_, disk, message) => {
    expect(() => planFormat(exampleProfile({ disk }), facts)).toThrow(message);
  });
});
