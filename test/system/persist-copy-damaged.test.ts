/** persist-copy from a disk that doesn't give all that it holds, and to one. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { blankroot } from "../support/blankroot.ts";
import { CopyMachine } from "../support/copies.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { writeProfile } from "../support/profile.ts";
import { spoil } from "../support/spoil.ts";

const MIB = 1024 ** 2;
/** A block of metadata holds nine files of that size. */
const HEALTHY = "healthy ".repeat(200);
const RARE = "a rare text ".repeat(2000);

/** A root, and a persist root on a disk of its own, so that one can be damaged alone. */
class TwoDisks implements Disposable {
  readonly machine = new CopyMachine(128 * MIB);
  readonly scratch = new Scratch();
  readonly device = makeBtrfs(this.scratch, "other-disk", 128 * MIB);
  readonly persist = mountAt(this.scratch, "other", this.device);

  get root(): string {
    return this.machine.root;
  }

  write(path: string, text = HEALTHY): void {
    this.machine.write(path, text);
  }

  damageRoot(content: string): void {
    const { root, persist, device } = this.machine;
    for (const dir of [root, persist]) sh(["umount", dir]);
    spoil(device, content);
    sh(["mount", "-o", "subvol=root", device, root]);
  }

  damagePersist(content: string): void {
    sh(["umount", this.persist]);
    spoil(this.device, content);
    sh(["mount", this.device, this.persist]);
  }

  copy(...words: string[]) {
    return blankroot(["persist-copy", "--root", this.root, "--persist", this.persist, ...words]);
  }

  [Symbol.dispose](): void {
    this.machine[Symbol.dispose]();
    this.scratch[Symbol.dispose]();
  }
}

describePrivileged("persist-copy from a failing disk", () => {
  test("leaves out a file whose content can't be read, and copies the others", () => {
    using disks = new TwoDisks();
    disks.machine.write("/bad", RARE);
    disks.machine.write("/good");
    writeFileSync(`${disks.persist}/bad`, RARE);
    disks.damageRoot(RARE);
    const compared = disks.copy("/bad", "/good");
    expect(compared.stderr).toContain(
      "1 of 2 paths had to be left out:\n    /bad: it can't be compared with its copy (EIO)",
    );
    expect(compared.status).toBe(4);
    expect(readdirSync(disks.persist)).toEqual(["bad", "good"]);
    for (const words of [["--update"], []]) {
      if (words.length === 0) rmSync(`${disks.persist}/bad`);
      const ran = disks.copy(...words, "/bad", "/good");
      expect(ran.stderr).toContain(
        "1 of 1 path had to be left out:\n    /bad: it can't be read (EIO)",
      );
      expect(ran.status).toBe(4);
    }
    expect(readdirSync(disks.persist)).toEqual(["good"]);
  });

  test("leaves out a directory that can't be listed, and says so before and after", () => {
    using disks = new TwoDisks();
    const rare = "rare-name".repeat(20);
    // In blocks apart from what stays healthy: the top, all others, and the directory itself.
    for (let file = 0; file < 100; file++) disks.write(`/d/good/${file}`);
    for (let file = 0; file < 300; file++) disks.write(`/d/bad/${"long".repeat(40)}-${file}`, "");
    disks.write(`/d/bad/${rare}`, "");
    for (let file = 0; file < 100; file++) disks.write(`/elsewhere/${file}`);
    for (let file = 100; file < 200; file++) disks.write(`/d/good/${file}`);
    disks.damageRoot(rare);
    // The control: it can be looked at and not be listed.
    sh(["stat", `${disks.root}/d/bad`]);
    expect(() => readdirSync(`${disks.root}/d/bad`)).toThrow("EIO");
    const plan = JSON.parse(disks.copy("--dry-run", "--json", "/d").stdout);
    const paths = plan.left_out.map(({ path }: { path: string }) => path);
    expect(paths).toEqual(["/d/bad"]);
    const ran = disks.copy("--json", "/d");
    expect(ran.stderr).toMatch(/\n +\/d\/bad: it can't be listed \(EIO\)/);
    expect(ran.status).toBe(4);
    const events = ran.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.filter(({ action }) => action === "left-out")).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ action: "summary", done: 202, left_out: 1 });
    expect(readdirSync(`${disks.persist}/d`)).toEqual(["good"]);
    expect(readdirSync(`${disks.persist}/d/good`)).toHaveLength(200);
  });

  test("leaves out what a list names and the disk doesn't give", () => {
    using disks = new TwoDisks();
    const spoiled = "spoiled ".repeat(200);
    for (let file = 0; file < 60; file++) {
      disks.write(`/${file}`, file < 20 || file > 40 ? HEALTHY : spoiled);
    }
    disks.damageRoot(spoiled);
    expect(() => sh(["stat", `${disks.root}/30`])).toThrow("Input/output error");
    const more = '[persist]\nroot = "/persist"\ndirectories = []\nfiles = ["/1", "/30", "/59"]\n';
    const profile = writeProfile(disks.scratch, { device: disks.machine.device, more });
    const ran = disks.copy("--profile", profile);
    expect(ran.stderr).toContain(
      "1 of 3 paths had to be left out:\n    /30: it can't be looked at (EIO)",
    );
    expect(ran.status).toBe(4);
    expect(readdirSync(disks.persist)).toEqual(["1", "59"]);
  });
});

describePrivileged("persist-copy to a failing disk", () => {
  test("leaves a copy alone that can't be read, until --update replaces it", () => {
    using disks = new TwoDisks();
    disks.machine.write("/d/file", RARE);
    disks.machine.write("/d/other");
    expect(disks.copy("/d/file").status).toBe(0);
    disks.damagePersist(RARE);
    const ran = disks.copy("/d");
    expect(ran.stderr).toContain("/d/file: it can't be compared with its copy (EIO)");
    expect(ran.status).toBe(4);
    expect(readdirSync(`${disks.persist}/d`)).toEqual(["file", "other"]);
    expect(() => readFileSync(`${disks.persist}/d/file`)).toThrow("EIO");
    expect(disks.copy("--update", "/d").status).toBe(0);
    expect(readFileSync(`${disks.persist}/d/file`, "utf8")).toBe(RARE);
  });
});
