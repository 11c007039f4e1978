/** persist-copy from a disk that doesn't give all that it holds, and to one. */
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
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

/** /d/good and /d/bad, which has the names of many files and the rare one. */
function fillBad(disks: TwoDisks, rare: string): void {
  // In blocks apart from what stays healthy: the top, all others, and the directory itself.
  for (let file = 0; file < 100; file++) disks.write(`/d/good/${file}`);
  for (let file = 0; file < 300; file++) {
    // Amid the others: the last name is read to open a directory at all.
    if (file === 150) disks.write(`/d/bad/${rare}`, "");
    disks.write(badName(file), "");
  }
  for (let file = 0; file < 100; file++) disks.write(`/elsewhere/${file}`);
  for (let file = 100; file < 200; file++) disks.write(`/d/good/${file}`);
}

function badName(file: number): string {
  return `/d/bad/${"long".repeat(40)}-${file}`;
}

function isToBeHad(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
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
    fillBad(disks, rare);
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

  test("leaves out what has attributes that can't be read", () => {
    using disks = new TwoDisks();
    const makers = {
      directory: (path: string) => mkdirSync(path),
      file: (path: string) => writeFileSync(path, ""),
      fifo: (path: string) => void sh(["mkfifo", path]),
    };
    for (const [name, make] of Object.entries(makers)) {
      // Some blocks of the others between them.
      for (let file = 0; file < 30; file++) disks.write(`/d/other/${name}-${file}`);
      make(`${disks.root}/d/${name}`);
      // Each fills a block of its own, and in the order of their hashes the rare one is amid them.
      for (const attribute of ["healthy", "rare", "third"]) {
        const value = attribute === "rare" ? RARE : HEALTHY.repeat(10);
        const words = ["-h", "-n", `trusted.${attribute}`, "-v", value.slice(0, 15_000)];
        sh(["setfattr", ...words, `${disks.root}/d/${name}`]);
      }
    }
    for (let file = 0; file < 30; file++) disks.write(`/d/other/last-${file}`);
    mkdirSync(`${disks.persist}/d/directory`, { recursive: true });
    disks.damageRoot(RARE.slice(0, 15_000));
    // The control: all can be looked at, and their attributes can't be had.
    for (const name of ["directory", "file", "fifo"]) {
      sh(["stat", `${disks.root}/d/${name}`]);
      const words = ["-h", "-n", "trusted.rare", `${disks.root}/d/${name}`];
      expect(() => sh(["getfattr", ...words])).toThrow("Input/output error");
    }
    for (const words of [["--live"], []]) {
      const ran = disks.copy("--update", ...words, "/d");
      expect(ran.stderr).toMatch(
        /3 of \d+ paths had to be left out:(\n +\/d\/(directory|file|fifo): it can't be read \(EIO\)){3}\n/,
      );
      expect(ran.status).toBe(4);
      expect(readdirSync(`${disks.persist}/d`)).toEqual(["directory", "other"]);
      expect(readdirSync(`${disks.persist}/d/other`)).toHaveLength(120);
    }
  });

  test("names a path once, however often it was named, and copies what can be had of it", () => {
    using disks = new TwoDisks();
    const rare = "rare-name".repeat(20);
    fillBad(disks, rare);
    disks.damageRoot(rare);
    expect(() => readdirSync(`${disks.root}/d/bad`)).toThrow("EIO");
    const names = Array.from({ length: 300 }, (_, file) => badName(file));
    const had = names.find((path) => isToBeHad(`${disks.root}${path}`));
    const ran = disks.copy(had!, "/d/bad", "/d", "/d/bad");
    expect(ran.stderr).toContain(
      "1 of 205 paths had to be left out:\n    /d/bad: it can't be listed (EIO)\n",
    );
    expect(ran.status).toBe(4);
    expect(readdirSync(`${disks.persist}/d/bad`)).toHaveLength(1);
  });

  test("never takes a subvolume that can't be opened for an empty directory", () => {
    using disks = new TwoDisks();
    disks.write("/d/good");
    sh(["btrfs", "subvolume", "create", `${disks.root}/d/nested`]);
    disks.write("/d/nested/file", RARE.slice(0, 2000));
    disks.damageRoot(RARE.slice(0, 2000));
    // The first finds none in its place, but the empty directory of a snapshot.
    for (const words of [["/d"], ["/d", "/d/nested/file"]]) {
      const ran = disks.copy(...words);
      expect(ran.stderr).toMatch(/\n +\/d\/nested: it can't be looked at \(EIO\)/);
      const isFileTold = ran.stderr.includes("/d/nested/file: its directory can't be looked at");
      expect(isFileTold).toBe(words.length === 2);
      expect(ran.status).toBe(4);
      expect(readdirSync(`${disks.persist}/d`)).toEqual(["good"]);
    }
  });

  test("makes a directory immutable by the run that has put all into it", () => {
    using disks = new TwoDisks();
    const there = `${disks.root}/d`;
    for (const name of ["bad", "good"]) disks.write(`/d/${name}`, name === "bad" ? RARE : HEALTHY);
    sh(["chattr", "+i", there]);
    disks.damageRoot(RARE);
    for (const _ of ["a first run", "another"]) {
      const ran = disks.copy("/d");
      expect(ran.stderr).toContain("/d/bad: it can't be read (EIO)");
      expect(ran.status).toBe(4);
    }
    sh(["chattr", "-i", there]);
    rmSync(`${there}/bad`);
    writeFileSync(`${there}/bad`, "mended");
    sh(["chattr", "+i", there]);
    expect(disks.copy("/d").status).toBe(0);
    expect(readFileSync(`${disks.persist}/d/bad`, "utf8")).toBe("mended");
    expect(sh(["lsattr", "-d", `${disks.persist}/d`])).toContain("i--");
    for (const directory of [there, `${disks.persist}/d`]) sh(["chattr", "-i", directory]);
  });

  test("names what --verify can't read back, and reads back all else", () => {
    using machine = new CopyMachine(128 * MIB);
    machine.write("/d/bad", RARE);
    machine.write("/d/good");
    for (const dir of [machine.root, machine.persist]) sh(["umount", dir]);
    spoil(machine.device, RARE);
    sh(["mount", "-o", "subvol=root", machine.device, machine.root]);
    sh(["mount", "-o", "subvol=persist", machine.device, machine.persist]);
    // What is shared isn't read: the copy is as damaged as its original.
    const ran = machine.copy("--verify", "/d");
    expect(ran.stderr).toContain(
      "Cannot trust 1 of 3 paths, read back from the disk:\n    /d/bad: it can't be compared with its copy (EIO)\n",
    );
    expect(ran.status).toBe(4);
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
