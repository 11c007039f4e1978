/** persist-copy of so many files that a second thread makes some of the copies. */
import { expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { NewFileFlags } from "../../lib/host/copy/flags.ts";
import { CopyHelper } from "../../lib/host/copy/helper.ts";
import type { CopyAction } from "../../lib/plans/copy.ts";
import { CopyMachine } from "../support/copies.ts";
import { attachLoop, makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { spoil } from "../support/spoil.ts";
import { struckRun } from "../support/struck.ts";
import type { Strike } from "../support/struck-libc.ts";

const MIB = 1024 ** 2;
const DIRECTORIES = 60;
const FILES_EACH = 20;
const FILES = DIRECTORIES * FILES_EACH;
const HELPER = new URL("../../scripts/persist-copy-helper.ts", import.meta.url);
const SILENT = new URL("../support/silent-helper.ts", import.meta.url);

function fileOf(index: number): string {
  return `/d/${index % DIRECTORIES}/file-${index}`;
}

function fill(m: CopyMachine, text = (index: number) => `text of ${index} `.repeat(300)): void {
  for (let index = 0; index < FILES; index++) m.write(fileOf(index), text(index));
}

/** A file of every kind that differs from a plain one, in directories full of plain ones. */
function furnish({ root }: CopyMachine): void {
  const at = (path: string) => join(root, path);
  const odd = Buffer.from([0x2f, 0x64, 0x2f, 0x31, 0x2f, 0xff, 0x0a, 0x22, 0x24, 0x28, 0x29]);
  writeFileSync(Buffer.concat([Buffer.from(root), odd]), "odd");
  chmodSync(at("/d/1/file-1"), 0o4751);
  chownSync(at("/d/2/file-2"), 1000, 100);
  chmodSync(at("/d/2/file-2"), 0o6711);
  sh(["setfattr", "-n", "user.note", "-v", "kept", at("/d/3/file-3")]);
  sh(["setfacl", "-m", "u:1234:r", at("/d/4/file-4")]);
  sh(["setcap", "cap_net_raw+ep", at("/d/5/file-5")]);
  truncateSync(at("/d/6/file-6"), 3 * MIB);
  linkSync(at("/d/7/file-7"), at("/d/8/other-name"));
  symlinkSync("nowhere", at("/d/9/link"));
  writeFileSync(at("/d/10/large"), Buffer.alloc(3 * MIB, "large"));
  writeFileSync(at("/d/11/empty"), "");
  sh(["chattr", "+A", at("/d/12/file-12")]);
  sh(["touch", "--date=1969-07-20T20:17:40.123456789Z", at("/d/13/file-13")]);
  sh(["sh", "-euc", 'rm "$0"; touch "$0"; chattr +C "$0"; echo nocow >"$0"', at("/d/14/file-14")]);
}

/** How many files the first thread copied, which is slowed down by the counting. */
function countedRun(m: CopyMachine, ...words: string[]) {
  const counted = m.scratch.path("counted");
  writeFileSync(counted, "");
  const shell = `printf x >>${counted}`;
  const strike = { call: "openat", nth: "each", when: "after", shell } as const;
  const ran = struckRun(m.words(...words), strike);
  // Each file is opened twice: the original, and the copy.
  return { ran, byFirst: readFileSync(counted).length / 2 };
}

describePrivileged("persist-copy in two threads", () => {
  test("keeps all of each file, as one thread does", () => {
    using m = new CopyMachine();
    fill(m);
    furnish(m);
    const { ran, byFirst } = countedRun(m, "/d");
    expect(ran.stderr).toContain(`${FILES + 3} files copied`);
    // The control: the other thread copied most.
    expect(byFirst).toBeLessThan(FILES / 2);
    expect(m.differences("/d")).toBe("");
    const flags = (dir: string) =>
      ["12/file-12", "14/file-14"].map((name) => sh(["lsattr", `${dir}/d/${name}`]).split(" ")[0]);
    expect(flags(m.persist)).toEqual(flags(m.root));
    expect(m.copy("/d").stderr).toContain("0 files copied");
  });

  test("leaves out what the other thread can't read, and copies all else", () => {
    using m = new CopyMachine(128 * MIB);
    using scratch = new Scratch();
    const other = mountAt(scratch, "other", makeBtrfs(scratch, "other-disk", 128 * MIB));
    const content = "a rare text ".repeat(2000);
    const bad = [3, 400, 800, 1199];
    fill(m, (index) => (bad.includes(index) ? content : "plain"));
    for (const dir of [m.root, m.persist]) sh(["umount", dir]);
    spoil(m.device, content);
    sh(["mount", "-o", "subvol=root", m.device, m.root]);
    const words = ["persist-copy", "--root", m.root, "--persist", other, "/d"];
    const ran = struckRun(words, { call: "openat", nth: "each", when: "after", shell: ":" });
    expect(ran.stderr).toContain(`4 of ${FILES + DIRECTORIES + 1} paths had to be left out`);
    for (const index of bad) {
      expect(ran.stderr).toContain(`${fileOf(index)}: it can't be read (EIO)`);
    }
    expect(ran.status).toBe(4);
    const count = sh(["sh", "-c", `find ${other}/d -type f | wc -l`]);
    expect(Number(count)).toBe(FILES - bad.length);
    expect(readdirSync(other)).toEqual(["d"]);
  });

  test("ends on a full disk with whole files or none, and is finished once there is room", () => {
    using m = new CopyMachine(256 * MIB);
    using scratch = new Scratch();
    const other = mountAt(scratch, "other", makeBtrfs(scratch, "other-disk", 128 * MIB));
    const text = "0123456789abcdef".repeat(6000);
    fill(m, () => text);
    writeFileSync(`${other}/filler`, Buffer.alloc(20 * MIB, "x"));
    const words = ["persist-copy", "--root", m.root, "--persist", other, "/d"];
    const ran = struckRun(words, { call: "syncfs", nth: 99, when: "after" });
    expect(ran.stderr).toMatch(/Cannot finish the copy, \d+ of \d+ paths are done.*ENOSPC/);
    expect(ran.status).toBe(4);
    expect(sh(["find", other, "-type", "f", "!", "-size", "96000c", "!", "-name", "filler"])).toBe(
      "",
    );
    expect(readdirSync(other).filter((name) => name.startsWith(".blankroot"))).toEqual([]);
    rmSync(`${other}/filler`);
    sh(["mount", "-o", "remount,compress=zstd", other]);
    expect(struckRun(words, { call: "syncfs", nth: 99, when: "after" }).status).toBe(0);
  });

  // The first two batches are handed over with two calls of fcntl each. Later on the first
  // thread is slowed down, so that the other one is at work.
  test.each<[string, number]>([
    ["fcntl", 2],
    ["fcntl", 3],
    ["fcntl", 4],
    ["mkdirat", 10],
    ["mkdirat", 50],
  ])("killed at %s no. %p, leaves whole files and is finished by the next run", (call, nth) => {
    using m = new CopyMachine();
    fill(m);
    const counted = m.scratch.path("counted");
    const shell = `echo >>${counted}; [ $(wc -l <${counted}) -lt ${nth} ] || kill -KILL $PPID`;
    const strike = { call, nth: "each", when: "after", shell } as Strike;
    const ran = struckRun(m.words("/d"), strike);
    expect(ran.signal).toBe("SIGKILL");
    expect(readdirSync(m.persist).filter((name) => !name.startsWith(".blankroot"))).toEqual([]);
    expect(m.copy("/d").status).toBe(0);
    expect(m.differences("/d")).toBe("");
    expect(readdirSync(m.persist)).toEqual(["d"]);
  });

  test("interrupted while the other thread copies, leaves nothing unfinished", () => {
    using m = new CopyMachine();
    fill(m);
    const strike = { call: "fcntl", nth: 4, when: "after", shell: "kill -INT $PPID" } as const;
    const ran = struckRun(m.words("/d"), strike);
    expect(ran.stderr).toContain("run persist-copy again to finish");
    expect(ran.status).toBe(130);
    expect(readdirSync(m.persist)).toEqual([]);
  });
});

describePrivileged("CopyHelper", () => {
  function actionsIn(folder: string): CopyAction[] {
    return readdirSync(folder).map((name) => ({
      path: Buffer.from(`/from/${name}`),
      kind: "copy-file",
    })) as unknown as CopyAction[];
  }

  function helperFrom(entry: URL, patienceMs?: number): CopyHelper {
    const helper = new CopyHelper(entry, patienceMs);
    helper.begin(1000);
    return helper;
  }

  /** Two folders, and a batch of ten files from one to the other. */
  function batchIn(scratch: Scratch, above = scratch.dir) {
    const [from, to] = [join(above, "from"), scratch.mkdir("to")];
    mkdirSync(from);
    for (let file = 0; file < 10; file++) writeFileSync(`${from}/${file}`, `${file}`);
    const actions = actionsIn(from);
    const [source, target] = [from, to].map((dir) => openSync(dir, "r")) as [number, number];
    const stage = { isLabelled: false, flags: new NewFileFlags() };
    return { to, batch: { actions, source, target, stage, isBare: false } };
  }

  test("copies what it is given, and gives back what it can't", () => {
    using scratch = new Scratch();
    using helper = helperFrom(HELPER);
    const { to, batch } = batchIn(scratch);
    writeFileSync(`${to}/7`, "in its way");
    helper.give(batch);
    for (let polls = 0; readdirSync(to).length < 10 && polls < 1000; polls++) Bun.sleepSync(5);
    const [returned] = [...helper.takeAll()];
    using _ = returned!.batch;
    expect(returned!.undone.map(({ path }) => `${path}`)).toEqual(["/from/7"]);
    expect(readFileSync(`${to}/7`, "utf8")).toBe("in its way");
    expect(readFileSync(`${to}/3`, "utf8")).toBe("3");
  });

  test("takes back what was not begun", () => {
    using scratch = new Scratch();
    using helper = helperFrom(SILENT);
    const { batch, to } = batchIn(scratch);
    helper.give(batch);
    helper.give(batch);
    expect(helper.isFree).toBe(false);
    const returned = [...helper.takeAll()];
    expect(returned.map(({ undone }) => undone)).toEqual([batch.actions, batch.actions]);
    for (const { batch: one } of returned) one[Symbol.dispose]();
    expect(readdirSync(to)).toEqual([]);
  });

  test("fails, and waits not for ever, where it ended in the middle", () => {
    using scratch = new Scratch();
    using helper = helperFrom(SILENT, 300);
    const { batch, to } = batchIn(scratch);
    helper.give({ ...batch, actions: batch.actions.slice(0, 1) });
    for (let polls = 0; readdirSync(to).length === 0 && polls < 1000; polls++) Bun.sleepSync(5);
    expect(() => [...helper.takeAll()]).toThrow("shows no sign of life");
  });

  test("tells of what it can't remove, for no more is known then", () => {
    using m = new CopyMachine();
    using helper = helperFrom(HELPER);
    const disk = attachLoop(m.scratch, "ext4", { sizeBytes: 16 * MIB });
    sh(["mkfs.ext4", "-q", disk]);
    sh(["mount", disk, m.scratch.mkdir("to")]);
    const { batch, to } = batchIn(m.scratch, m.root);
    // More than that has room for; and what is in an append-only directory stays there.
    sh(["setfattr", "-n", "user.large", "-v", "x".repeat(10_000), `${m.root}/from/3`]);
    sh(["chattr", "+a", to]);
    helper.give(batch);
    for (let polls = 0; readdirSync(to).length < 5 && polls < 1000; polls++) Bun.sleepSync(5);
    const [returned] = [...helper.takeAll()];
    returned!.batch[Symbol.dispose]();
    for (const fd of [batch.source, batch.target]) closeSync(fd);
    expect(returned!.failure).toBe("Cannot remove the unfinished copy of 3: EPERM");
  });

  test("does nothing, and harms nothing, where it can't start", async () => {
    using scratch = new Scratch();
    using helper = helperFrom(pathToFileURL("/no/such/file.ts"));
    const { batch } = batchIn(scratch);
    helper.give(batch);
    await Bun.sleep(300);
    const [returned] = [...helper.takeAll()];
    using _ = returned!.batch;
    expect(returned!.undone).toEqual(batch.actions);
  });

  test("is none for few files", () => {
    using helper = new CopyHelper(HELPER);
    helper.expect(999);
    helper.begin(999);
    expect(helper.isFree).toBe(false);
  });
});
