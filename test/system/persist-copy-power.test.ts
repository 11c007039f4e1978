/**
 * A power loss at any moment of a copy: the persist root's disk as it is just then, taken
 * while the run stands still, and mounted afterwards. Only what was sent to the disk is on
 * it. The worst moment is made each time: a commit that another program's work asks for,
 * which brings names to the disk and not the content that waits in memory.
 *
 * Which of the last writes a disk loses or reorders behind a commit is tried in test/vm/.
 */
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { succeed } from "../support/blankroot.ts";
import { CopyMachine } from "../support/copies.ts";
import { attachLoop, detachLoop, makeBtrfs, mountAt, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { struckRun } from "../support/struck.ts";
import type { Strike } from "../support/struck-libc.ts";

const MIB = 1024 ** 2;
const OLD = "an older text ".repeat(20_000);
const NEW = "a newer text ".repeat(20_000);
const NAMES = ["deep", "file", "fresh", "link", "replaced", "small"];

const MOMENTS: Array<Pick<Strike, "call" | "when">> = [
  { call: "syncfs", when: "before" },
  { call: "syncfs", when: "after" },
  { call: "linkat", when: "after" },
  { call: "renameat2", when: "after" },
  { call: "unlinkat", when: "after" },
];

/** So large that their content is not kept beside their names, but for one. */
function furnish(m: CopyMachine, persist: string): void {
  for (const name of ["file", "fresh/f", "replaced"]) m.write(`/d/${name}`, NEW);
  m.write("/d/small", "small");
  m.write("/d/deep/er/file", NEW);
  sh(["ln", `${m.root}/d/file`, `${m.root}/d/deep/other-name`]);
  symlinkSync("nowhere", `${m.root}/d/link`);
  mkdirSync(`${persist}/d/deep`, { recursive: true });
  writeFileSync(`${persist}/d/replaced`, OLD);
  sh(["btrfs", "subvolume", "create", `${persist}/empty`]);
  sh(["sync", "--file-system", persist]);
}

/** Names and contents that are neither as they were nor as they are to be. */
function torn(dir: string): string[] {
  const unfinished = ["-name", ".blankroot-unfinished", "-prune", "-o"];
  const files = sh(["find", dir, ...unfinished, "-type", "f", "-print"]).split("\n");
  const halves = files.filter(Boolean).filter((file) => {
    const wanted = file.endsWith("small")
      ? ["small"]
      : file.endsWith("replaced")
        ? [OLD, NEW]
        : [NEW];
    return !wanted.includes(readFileSync(file, "utf8"));
  });
  const names = readdirSync(`${dir}/d`).filter((name) => !name.startsWith(".blankroot-"));
  return [...halves, ...names.filter((name) => !NAMES.includes(name))];
}

describePrivileged("persist-copy, when the power goes", () => {
  test.each(MOMENTS)(
    "$when each $call, leaves whole files under whole names, and is finished by the next run",
    (moment) => {
      using m = new CopyMachine(128 * MIB);
      const other = mountAt(m.scratch, "other", makeBtrfs(m.scratch, "disk-of-other", 128 * MIB));
      furnish(m, other);
      const images = m.scratch.mkdir("images");
      const count = `$(ls ${images} | wc -l)`;
      // Brings to the disk the content of nothing but what it is taken of.
      const commit = `btrfs subvolume snapshot ${other}/empty ${other}/commit-${count} >/dev/null`;
      const take = `cp --sparse=always ${m.scratch.path("disk-of-other")} ${images}/${count}`;
      const shell = `${take}; ${commit}; ${take}`;
      const words = ["persist-copy", "--root", m.root, "--persist", other, "--update", "/d"];
      const ran = struckRun(words, { ...moment, nth: "each", shell });
      expect(ran.stderr).toContain("[success]");
      sh(["umount", other]);
      const taken = readdirSync(images);
      expect(taken.length).toBeGreaterThan(1);
      for (const name of taken) {
        const image = `${images}/${name}`;
        const device = attachLoop(m.scratch, name, { sizeBytes: 128 * MIB, image });
        sh(["mount", "-t", "btrfs", device, other]);
        expect({ [name]: torn(other) }).toEqual({ [name]: [] });
        succeed(...words, "--verify");
        const differences = ["rsync", "-aHAX", "--checksum", "-n", "-i", "--delete"];
        expect(sh([...differences, `${m.root}/d/`, `${other}/d/`])).toBe("");
        sh(["umount", other]);
        detachLoop(device);
      }
    },
    300_000,
  );
});
