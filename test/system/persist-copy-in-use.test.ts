import { expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { copyLine, copyPlan } from "../../tools/copy-schema.ts";
import { blankroot, COMMAND, MAIN, succeed } from "../support/blankroot.ts";
import { CopyMachine } from "../support/copies.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { meanwhile } from "../support/meanwhile.ts";
import { describePrivileged } from "../support/privileged.ts";
import type { Strike } from "../support/struck-libc.ts";

const MIB = 1024 ** 2;
const PRELOAD = join(import.meta.dir, "../support/struck-libc.ts");

/** Runs persist-copy with something happening in the middle. */
function struck(machine: CopyMachine, strike: Strike, ...words: string[]) {
  const argv = [process.execPath, "--preload", PRELOAD, MAIN, ...machine.words(...words)];
  const env = { ...process.env, STRIKE: JSON.stringify(strike) };
  const child = Bun.spawnSync(argv, { env, stdout: "pipe", stderr: "pipe" });
  return { status: child.exitCode, stdout: `${child.stdout}`, stderr: `${child.stderr}` };
}

function eventsOf(stdout: string) {
  const lines = stdout.trim().split("\n");
  return lines.map((line) => copyLine.parse(JSON.parse(line)));
}

/** As soon as the first copy is made: the snapshot is taken, and most is still to be copied. */
const FIRST_FILE = { call: "utimensat", nth: 1, when: "before" } as const;

describePrivileged("persist-copy takes all from one instant", () => {
  test("whatever is written, replaced and deleted meanwhile, and says what was", () => {
    using m = new CopyMachine(128 * MIB);
    for (const name of ["equal", "kept"]) m.write(`/d/${name}`, "old");
    expect(m.copy("/d").status).toBe(0);
    for (const name of ["a", "gone", "grows", "moved", "z", "sub/f"]) m.write(`/d/${name}`, "old");
    const shell = [
      `cd ${m.root}/d`,
      "rm gone",
      "echo more >>grows",
      "cp moved fresh && mv fresh moved",
      "echo new >new",
      "mkdir newer",
      "echo in >newer/in",
      "echo changed >>equal",
      "chmod 700 sub",
    ].join(" && ");
    const ran = struck(m, { ...FIRST_FILE, shell }, "--json", "/d");
    expect(ran.status).toBe(0);
    const copies = readdirSync(`${m.persist}/d`).sort();
    expect(copies).toEqual(["a", "equal", "gone", "grows", "kept", "moved", "sub", "z"]);
    for (const name of copies.filter((each) => each !== "sub"))
      expect(readFileSync(`${m.persist}/d/${name}`, "utf8")).toBe("old");
    expect(ran.stderr).toContain("7 paths changed since the snapshot was taken");
    expect(ran.stderr).toContain("/d/grows: written to");
    const since = eventsOf(ran.stdout).filter(({ action }) => action === "written-since");
    expect(
      since.map((event) => "path" in event && "reason" in event && [event.path, event.reason]),
    ).toEqual([
      ["/d/new", "new"],
      ["/d/newer", "new"],
      ["/d/equal", "written to"],
      ["/d/gone", "gone"],
      ["/d/grows", "written to"],
      ["/d/moved", "replaced"],
      ["/d/sub", "changed"],
    ]);
    expect(m.namesAtTop()).toEqual(["persist", "root"]);
  });

  test("of a file whose two halves are always alike, never one of each", async () => {
    using m = new CopyMachine(256 * MIB);
    using scratch = new Scratch();
    const other = mountAt(scratch, "other", makeBtrfs(scratch, "other-disk", 512 * MIB));
    const halves = ["/d/first", "/d/second"].map((path) => m.write(path, "0"));
    for (let file = 0; file < 300; file++) m.write(`/d/middle${file}`);
    // The second is never ahead of the first, and never more than one behind.
    await using _ = meanwhile('i=$((i + 1)); echo $i >"$0"; echo $i >"$1"', ...halves);
    for (let round = 0; round < 5; round++) {
      const words = ["persist-copy", "--root", m.root, "--persist", other, "/d"];
      expect(blankroot(words).status).toBe(0);
      const [first, second] = ["first", "second"].map((name) =>
        Number(readFileSync(`${other}/d/${name}`, "utf8")),
      );
      // A file that is empty for a moment, between two counts, is one of that instant.
      if (first !== 0 && second !== 0) expect([0, 1]).toContain(first! - second!);
      rmSync(`${other}/d`, { recursive: true });
    }
  });

  test("also in nested subvolumes, which a snapshot doesn't hold", () => {
    using m = new CopyMachine(128 * MIB);
    sh(["btrfs", "subvolume", "create", `${m.root}/outer`]);
    sh(["btrfs", "subvolume", "create", `${m.root}/outer/inner`]);
    sh(["chown", "5:6", `${m.root}/outer/inner`]);
    for (const path of ["/outer/a", "/outer/inner/b", "/outer/inner/deep/c"]) m.write(path, "old");
    const shell = `echo new >${m.root}/outer/inner/deep/c`;
    const ran = struck(m, { ...FIRST_FILE, shell }, "--verify", "/outer");
    expect(ran.stderr).toContain("/outer/inner/deep/c: written to");
    expect(ran.stderr).toContain("read back and right");
    expect(readFileSync(`${m.persist}/outer/inner/deep/c`, "utf8")).toBe("old");
    expect(sh(["stat", "--format=%u:%g", `${m.persist}/outer/inner`])).toBe("5:6\n");
    expect(m.namesAtTop()).toEqual(["persist", "root"]);
  });

  test("of nested subvolumes as they are when the root's is taken, and says that they are apart", () => {
    using m = new CopyMachine(128 * MIB);
    m.write("/d/first");
    expect(m.copy("/d").status).toBe(0);
    for (const path of ["/d/deep/er/outer", "/d/deep/er/outer/in\ner", "/else"]) {
      mkdirSync(dirname(`${m.root}${path}`), { recursive: true });
      sh(["btrfs", "subvolume", "create", `${m.root}${path}`]);
    }
    const paths = ["/d/deep/er/outer/f", "/d/deep/er/outer/in\ner/f"];
    for (const path of paths) m.write(path, "old");
    // What is first looked at has a copy to be compared with: nothing nested was met yet.
    const shell = paths.map((path) => `echo new >'${m.root}${path}'`).join("; ");
    const strike = { call: "listxattr", nth: 1, when: "before", shell } as const;
    const ran = struck(m, strike, "--json", "/d");
    expect(ran.stderr).toContain("each nested subvolume is of an instant of its own");
    expect(ran.stderr).toContain("/d/deep/er/outer/in\\ner/f: written to");
    for (const path of paths) expect(readFileSync(`${m.persist}${path}`, "utf8")).toBe("old");
    expect(eventsOf(ran.stdout)[0]).toEqual({
      action: "source",
      frozen: true,
      subvolumes: [
        { path: "/d/deep/er/outer", frozen: true },
        { path: "/d/deep/er/outer/in\ner", frozen: true },
      ],
    });
    expect(m.namesAtTop()).toEqual(["persist", "root"]);
  });

  test("but for --live and where there can be no snapshot, which it says", () => {
    using m = new CopyMachine(128 * MIB);
    m.write("/d/f");
    const live = m.copy("--live", "--json", "/d");
    expect(live.stderr).toContain("copying live, so that files are not of one instant: --live");
    expect(eventsOf(live.stdout)[0]).toMatchObject({ action: "source", frozen: false });
    // Something that is not ours lies where snapshots go.
    const top = mountAt(m.scratch, "top", m.device);
    mkdirSync(`${top}/.blankroot-copy/theirs`, { recursive: true, mode: 0o700 });
    m.write("/d/g");
    const ran = m.copy("/d");
    expect(ran.stderr).toContain("copying live");
    expect(ran.stderr).toContain("theirs is no snapshot of ours");
    expect(ran.status).toBe(0);
    expect(readdirSync(`${top}/.blankroot-copy`)).toEqual(["theirs"]);
    sh(["umount", top]);
    expect(readFileSync(`${m.persist}/d/g`, "utf8")).toBe("/d/g");
  });
});

describePrivileged("persist-copy's snapshot", () => {
  test("is closed to others, and no root to whoever looks for one", () => {
    using m = new CopyMachine(128 * MIB);
    m.write("/d/f");
    const top = mountAt(m.scratch, "top", m.device);
    const log = m.scratch.path("log");
    const look = [
      `stat --format=%a:%u ${top}/.blankroot-copy`,
      `for s in ${top}/.blankroot-copy/*; do btrfs property get -ts $s ro; done`,
      `find ${top} -mindepth 1 -maxdepth 1 -inum 256 -printf '%f\\n' | sort`,
    ].join("; ");
    const shell = `{ ${look}; } >${log}`;
    expect(struck(m, { ...FIRST_FILE, shell }, "/d").status).toBe(0);
    expect(readFileSync(log, "utf8")).toBe("700:0\nro=true\npersist\nroot\n");
    sh(["umount", top]);
  });

  test("of a killed run goes with the next one, and never another's", () => {
    using m = new CopyMachine(128 * MIB);
    m.write("/d/f");
    const words = m.words("/d").map((word) => `'${word}'`);
    const other = m.scratch.mkdir("other-persist");
    const others = words.join(" ").replace(m.persist, other);
    const top = mountAt(m.scratch, "top", m.device);
    const count = `ls ${top}/.blankroot-copy | wc -l`;
    // Killed in the middle of a run, another one is at work, whose snapshot stays.
    const kill = `${process.execPath} --preload ${PRELOAD} ${MAIN} ${others}`;
    const strike = JSON.stringify({ ...FIRST_FILE }).replaceAll('"', '\\"');
    const shell = `STRIKE="${strike}" ${kill} || ${count} >${m.scratch.path("both")}`;
    expect(struck(m, { ...FIRST_FILE, shell }, "/d").status).toBe(0);
    expect(readFileSync(m.scratch.path("both"), "utf8")).toBe("2\n");
    expect(readdirSync(`${top}/.blankroot-copy`)).toHaveLength(1);
    succeed(...m.words("/d"));
    expect(existsSync(`${top}/.blankroot-copy`)).toBe(false);
    sh(["umount", top]);
  });

  test("goes when the run is interrupted", () => {
    using m = new CopyMachine(128 * MIB);
    for (let file = 0; file < 3000; file++) m.write(`/d/${file % 10}/${file}`);
    const ran = struck(m, { ...FIRST_FILE, shell: "kill -TERM $PPID" }, "/d");
    expect(ran.status).toBe(143);
    expect(m.namesAtTop()).toEqual(["persist", "root"]);
    expect(readdirSync(m.persist)).toEqual([]);
  });
});

describePrivileged("persist-copy names who writes", () => {
  test("by any mount of the subvolume, with process and unit", async () => {
    using m = new CopyMachine(128 * MIB);
    const file = m.write("/var/db");
    m.write("/var/read");
    m.write("/other/log");
    const again = mountAt(m.scratch, "again", m.device, "subvol=root");
    // Opened by a path that leads there no longer.
    renameSync(file, `${m.root}/var/db.moved`);
    const open = 'exec 3>>"$0" 4<"$1" 5>>"$2"; echo open; read line';
    const files = ["var/db.moved", "var/read", "other/log"].map((path) => `${again}/${path}`);
    await using writer = Bun.spawn(["sh", "-c", open, ...files], { stdin: "pipe", stdout: "pipe" });
    await writer.stdout.getReader().read();
    renameSync(`${m.root}/var/db.moved`, file);
    const plan = () => copyPlan.parse(JSON.parse(m.copy("--dry-run", "--json", "/var").stdout));
    const inUse = plan().in_use.filter(({ pid }) => pid === writer.pid);
    expect(inUse.map(({ path, program }) => [path, program])).toEqual([["/var/db", "sh"]]);
    const ran = m.copy("--json", "/var");
    expect(ran.stderr).toContain("copied as after a crash, for they are being written to:");
    expect(ran.stderr).toContain(`/var/db: sh (${writer.pid})`);
    expect(ran.stderr).not.toContain("/var/read:");
    const told = eventsOf(ran.stdout).filter(({ action }) => action === "in-use");
    expect(told).toContainEqual({ action: "in-use", ...inUse[0]! });
  });

  test("and whoever writes through memory", async () => {
    using m = new CopyMachine(128 * MIB);
    const file = m.write("/var/mapped", "x".repeat(8192));
    const map = `const bytes = Bun.mmap(process.argv[1], { shared: true });
bytes[0] = 1;
console.log("ready");
setTimeout(() => bytes, 60_000);`;
    await using writer = Bun.spawn([process.execPath, "--eval", map, file], { stdout: "pipe" });
    await writer.stdout.getReader().read();
    const program = readFileSync(`/proc/${writer.pid}/comm`, "utf8").trim();
    const { stdout } = m.copy("--dry-run", "/var");
    expect(stdout).toContain(`in use    /var/mapped: ${program} (${writer.pid})`);
  });
});

describePrivileged("persist-copy --verify", () => {
  test("names copies that are not as their originals", () => {
    using m = new CopyMachine(128 * MIB);
    for (const name of ["a", "content", "mode", "names", "gone"]) m.write(`/d/${name}`);
    sh(["ln", `${m.root}/d/names`, `${m.root}/d/other`]);
    // When all is in place, and before it is read back.
    const shell = [
      `cd ${m.persist}/d`,
      "printf spoiled >content",
      "chmod 600 mode",
      "cp -a names n && mv n names",
      "rm gone",
    ].join(" && ");
    const ran = struck(
      m,
      { call: "syncfs", nth: 2, when: "after", shell },
      "--verify",
      "--json",
      "/d",
    );
    expect(ran.status).toBe(4);
    expect(ran.stderr).toContain("Cannot trust 5 of 7 paths, read back from the disk:");
    const wrong = eventsOf(ran.stdout).flatMap((event) =>
      event.action === "not-verified" ? [`${event.path}: ${event.reason}`] : [],
    );
    expect(wrong.sort()).toEqual([
      "/d/content: its copy differs in content, mtime",
      "/d/gone: its copy is gone",
      "/d/mode: its copy differs in mode",
      "/d/other: its copy is no hard link to that of /d/names",
      "/d: its copy differs in mtime",
    ]);
  });

  test("reads what the disk has, not what is kept in memory", () => {
    using m = new CopyMachine(128 * MIB);
    using scratch = new Scratch();
    const device = makeBtrfs(scratch, "other-disk", 128 * MIB);
    const other = mountAt(scratch, "other", device);
    const content = Buffer.from("a rare text ".repeat(20_000));
    writeFileSync(m.write("/d/rare"), content);
    m.write("/d/good");
    // The image behind the loop device is spoiled once the copy is on it.
    const script = scratch.path("spoil.ts");
    writeFileSync(
      script,
      `import { openSync, readFileSync, writeSync } from "node:fs";
const image = process.argv[2]!;
const at = readFileSync(image).indexOf("a rare text ".repeat(100));
writeSync(openSync(image, "r+"), "!", at + 5000);`,
    );
    const spoil = `${process.execPath} ${script} ${scratch.path("other-disk")}`;
    const shell = `sync; ${spoil}; echo 1 >/proc/sys/vm/drop_caches`;
    const words = ["persist-copy", "--root", m.root, "--persist", other, "--verify", "/d"];
    const argv = [process.execPath, "--preload", PRELOAD, MAIN, ...words];
    const strike = { call: "syncfs", nth: 2, when: "after", shell };
    const env = { ...process.env, STRIKE: JSON.stringify(strike) };
    const ran = Bun.spawnSync(argv, { env, stdout: "pipe", stderr: "pipe" });
    expect(`${ran.stderr}`).toMatch(/\/d\/rare.*EIO/);
    expect(ran.exitCode).toBe(4);
  });
});

describePrivileged("persist-copy to a full persist root", () => {
  test("leaves whole files and no rest of others, and finishes once there is room", () => {
    using m = new CopyMachine(512 * MIB);
    using scratch = new Scratch();
    const small = mountAt(scratch, "small", makeBtrfs(scratch, "small-disk", 128 * MIB));
    const filler = `${small}/filler`;
    Bun.spawnSync(["sh", "-c", 'head -c 70M /dev/urandom >"$0"; sync', filler]);
    for (let file = 0; file < 40; file++) {
      writeFileSync(m.write(`/data/${file % 3}/${file}`), Buffer.alloc(MIB, file));
    }
    const words = ["persist-copy", "--root", m.root, "--persist", small, "/data"];
    const ran = blankroot(words);
    expect(ran.status).toBe(4);
    expect(ran.stderr).toContain("ENOSPC");
    expect(ran.stderr).toContain("What is there is whole; another run does the rest");
    expect(sh(["find", small, "-name", "*", "-type", "f", "-size", "-1024k"])).toBe("");
    expect(readdirSync(small)).toEqual(["filler"]);
    rmSync(filler);
    sh(["btrfs", "filesystem", "sync", small]);
    expect(succeed(...words, "--verify").stderr).toContain("40 files copied");
    expect(m.namesAtTop()).toEqual(["persist", "root"]);
  });
});

describePrivileged("persist-copy, killed at any moment", () => {
  test("leaves only what the next run finishes", async () => {
    using m = new CopyMachine(512 * MIB);
    const delays = [0, 5, 15, 30, 50, 80, 120, 180, 250, 350, 500, 700];
    for (let file = 0; file < 2000; file++) m.write(`/data/${file % 20}/${file}`, "x".repeat(3000));
    for (const delay of delays) {
      const child = Bun.spawn([...COMMAND, ...m.words("/data")], { stderr: "ignore" });
      await Bun.sleep(150 + delay);
      child.kill("SIGKILL");
      await child.exited;
      const unfinished = ["-name", ".blankroot-unfinished", "-prune", "-o"];
      const odd = [...unfinished, "-type", "f", "!", "-size", "3000c", "-print"];
      expect(sh(["find", m.persist, ...odd])).toBe("");
    }
    succeed(...m.words("--verify", "/data"));
    expect(m.differences("/data")).toBe("");
    expect(m.namesAtTop()).toEqual(["persist", "root"]);
    expect(readdirSync(m.persist)).toEqual(["data"]);
  });
});
