import { expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { copyLine } from "../../tools/copy-schema.ts";
import { blankroot } from "../support/blankroot.ts";
import { CopyMachine } from "../support/copies.ts";
import { attachLoop, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { struckRun } from "../support/struck.ts";

const MIB = 1024 ** 2;
const STAGE = ".blankroot-unfinished";

function leftOut(stdout: string): string[] {
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => copyLine.parse(JSON.parse(line)));
  return events.flatMap((event) => (event.action === "left-out" ? [event.path] : []));
}

/** Root's own, beside what a user has, in a persist root where his directory is already. */
function furnish(m: CopyMachine): string {
  for (const path of ["/home/u/a", "/home/u/new/b", "/zz/important"]) m.write(path);
  const home = `${m.persist}/home/u`;
  mkdirSync(home, { recursive: true });
  for (const dir of [`${m.root}/home/u`, home]) sh(["chown", "-R", "1000:1000", dir]);
  return home;
}

describePrivileged("persist-copy, where something stands in the way of new files", () => {
  test.each<[string, (dir: string) => void]>([
    ["a user's directory", (dir) => sh(["chown", "1000:1000", dir])],
    ["a closed directory with something in it", (dir) => sh(["chmod", "700", dir])],
  ])("leaves out what is beside it and copies all else: %s", (_, plant) => {
    using m = new CopyMachine(128 * MIB);
    const obstacle = `${furnish(m)}/${STAGE}`;
    mkdirSync(obstacle);
    writeFileSync(`${obstacle}/theirs`, "theirs");
    plant(obstacle);
    const note = `/home/u/${STAGE} of the persist root is in the way`;
    expect(m.copy("--dry-run", "/home/u", "/zz").stdout).toContain(note);
    for (let run = 0; run < 2; run++) {
      const ran = m.copy("--json", "/home/u", "/zz");
      expect(ran.status).toBe(4);
      expect(ran.stderr).toContain(note);
      expect(ran.stderr).toContain("Stop or remove what is named");
      expect(leftOut(ran.stdout)).toEqual(["/home/u/a", "/home/u/new", "/home/u/new/b"]);
      expect(readFileSync(`${m.persist}/zz/important`, "utf8")).toBe("/zz/important");
    }
    expect(readdirSync(`${m.persist}/home/u`)).toEqual([STAGE]);
    expect(readFileSync(`${obstacle}/theirs`, "utf8")).toBe("theirs");
    rmSync(obstacle, { recursive: true });
    expect(m.copy("/home/u", "/zz").status).toBe(0);
    expect(m.differences("/home")).toBe("");
  });

  test("also where that comes after the look", () => {
    using m = new CopyMachine(128 * MIB);
    const obstacle = `${furnish(m)}/${STAGE}`;
    const strike = { call: "mkdirat", nth: 2, when: "before", shell: `mkdir ${obstacle}` } as const;
    const ran = struckRun(m.words("/home/u", "/zz"), strike);
    expect(ran.stderr).toContain(`/home/u/a: Cannot make ${STAGE} beside /home/u/a: EEXIST`);
    expect(ran.status).toBe(4);
    expect(existsSync(`${m.persist}/zz/important`)).toBe(true);
    rmdirSync(obstacle);
    expect(m.copy("/home/u", "/zz").status).toBe(0);
  });

  test("and where a user puts a link in the place of his directory, before or after", () => {
    for (const [call, nth] of [
      ["mkdirat", 2],
      ["syncfs", 1],
    ] as const) {
      using m = new CopyMachine(128 * MIB);
      const home = furnish(m);
      mkdirSync(`${home}/c`);
      for (const path of ["/home/u/c/f", "/home/u/d/f"]) m.write(path);
      const shell = `cd ${home}; mv c away; ln -s /etc c; [ -e d ] || ln -s /etc d`;
      const words = m.words("/home/u", "/zz");
      const ran = struckRun(words, { call, nth, when: "before", shell });
      expect(ran.stderr).toMatch(/\/home\/u\/c.*: (Cannot open|something else took its place)/);
      expect(ran.stderr).toContain("/home/u/d: Cannot put /home/u/d in its place: EEXIST");
      expect(ran.stderr).toContain("/home/u/d/f: its directory was left out");
      expect(ran.status).toBe(4);
      expect(readFileSync(`${m.persist}/zz/important`, "utf8")).toBe("/zz/important");
      expect(readFileSync(`${home}/new/b`, "utf8")).toBe("/home/u/new/b");
    }
  });
});

/** A mounted ext4. */
function makeExt4({ scratch }: CopyMachine): string {
  const device = attachLoop(scratch, "ext4", { sizeBytes: 64 * MIB });
  sh(["mkfs.ext4", "-q", device]);
  const dir = scratch.mkdir("small");
  sh(["mount", device, dir]);
  return dir;
}

describePrivileged("persist-copy to a file system that can't hold an attribute", () => {
  test("leaves out what has a flag that it doesn't know, a directory too, and copies all else", () => {
    using m = new CopyMachine(128 * MIB);
    const small = makeExt4(m);
    for (const path of ["/d/a", "/d/plain/f"]) m.write(path);
    // As systemd makes its journal on btrfs.
    sh(["sh", "-euc", 'mkdir "$0"; chattr +C "$0"; echo log >"$0/log"', `${m.root}/d/journal`]);
    const ran = blankroot(["persist-copy", "--root", m.root, "--persist", small, "--json", "/d"]);
    expect(ran.stderr).toMatch(/\/d\/journal: Cannot set the flags of the copy of [^ ]+: E\w+/);
    expect(leftOut(ran.stdout).sort()).toEqual(["/d/journal", "/d/journal/log"]);
    expect(ran.status).toBe(4);
    const names = sh(["find", `${small}/d`, "-mindepth", "1", "-printf", "%P\n"]);
    expect(names.trim().split("\n").sort()).toEqual(["a", "plain", "plain/f"]);
  });

  test("leaves out what has it, whole, and copies all else", () => {
    using m = new CopyMachine(128 * MIB);
    const small = makeExt4(m);
    for (const path of ["/d/a", "/d/big", "/d/large/f", "/d/sub/z"]) m.write(path);
    sh(["mkfifo", `${m.root}/d/fifo`]);
    const value = "x".repeat(12_000);
    const give = (name: string, key: string) =>
      sh(["setfattr", "-n", key, "-v", value, `${m.root}/d/${name}`]);
    give("big", "user.big");
    give("large", "user.big");
    give("fifo", "trusted.big");
    const words = ["persist-copy", "--root", m.root, "--persist", small, "--json", "/d"];
    const ran = blankroot(words);
    expect(ran.stderr).toContain("/d/big: Cannot set the extended attribute user.big: ENOSPC");
    expect(leftOut(ran.stdout).sort()).toEqual(["/d/big", "/d/fifo", "/d/large", "/d/large/f"]);
    expect(ran.status).toBe(4);
    const names = sh(["find", `${small}/d`, "-mindepth", "1", "-printf", "%P\\n"]);
    expect(names.trim().split("\n").sort()).toEqual(["a", "sub", "sub/z"]);
    for (const name of ["big", "large", "fifo"]) {
      sh(["setfattr", "-x", name === "fifo" ? "trusted.big" : "user.big", `${m.root}/d/${name}`]);
    }
    expect(blankroot(words).status).toBe(0);
  });
});
