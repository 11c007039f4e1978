/** Old roots listed, compared and searched on real btrfs. */
import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { changeLine, foundLine, oldRootList } from "../../tools/old-roots-schema.ts";
import { sh } from "../support/disk.ts";
import { BOOT, OldRootsMachine } from "../support/old-roots.ts";
import { describePrivileged } from "../support/privileged.ts";

const MIB = 1024 ** 2;

/** Writes a file with a time of its own. */
function put(machine: OldRootsMachine, path: string, text: string, day: number): void {
  const file = machine.in(path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  utimesSync(file, day * 86_400, day * 86_400);
}

describePrivileged("old-roots list", () => {
  test("tells age, size and what only it holds, and which are no longer kept", () => {
    using machine = new OldRootsMachine();
    const [oldest, second, third] = machine.names;
    const old = (name: string) => machine.in("old_roots", name);
    sh(["sh", "-euc", 'head -c 3M /dev/urandom >"$1/own"', "sh", old(oldest!)]);
    sh(["sh", "-euc", 'head -c 2M /dev/urandom >"$1/shared"', "sh", old(oldest!)]);
    sh(["cp", "--reflink=always", `${old(oldest!)}/shared`, `${old(second!)}/shared`]);
    machine.create(`old_roots/${third}/nested`);
    sh(["sh", "-euc", 'head -c 5M /dev/urandom >"$1/nested/file"', "sh", old(third!)]);
    const ran = machine.roots("list", "--json");
    expect(ran.status).toBe(0);
    const list = oldRootList.parse(JSON.parse(ran.stdout));
    expect(list.roots.map(({ name }) => name)).toEqual(machine.names.toReversed());
    expect(list.roots.map(({ due }) => due)).toEqual([false, true, true, true, true]);
    expect(list.roots.every(({ boot }) => boot === BOOT)).toBe(true);
    const dataOf = (name: string, key: "bytes" | "exclusive") =>
      Math.floor(list.roots.find((root) => root.name === name)![key] / MIB);
    expect([dataOf(oldest!, "bytes"), dataOf(oldest!, "exclusive")]).toEqual([5, 3]);
    expect([dataOf(second!, "bytes"), dataOf(second!, "exclusive")]).toEqual([2, 0]);
    expect([dataOf(third!, "bytes"), dataOf(third!, "exclusive")]).toEqual([5, 5]);
    expect(Math.floor(list.due!.exclusive / MIB)).toBe(10);
    const lines = machine.roots("list");
    expect(lines.stdout).toMatch(
      new RegExp(`^${oldest} +90 days old +holds 5\\.. MiB +alone 3\\.. MiB +no longer kept$`, "m"),
    );
    expect(lines.stderr).toMatch(/pruning deletes 4 and frees 10\.\d MiB \(by the references to/);
  });

  test("believes quota groups where they are on", () => {
    using machine = new OldRootsMachine([40]);
    sh(["btrfs", "quota", "enable", machine.top]);
    sh(["btrfs", "quota", "rescan", "-w", machine.top]);
    const [root] = JSON.parse(machine.roots("list", "--json").stdout).roots;
    expect(root).toMatchObject({ method: "qgroups", exclusive: 16 * 1024 });
  });

  test("shows none where there are none, and no directory", () => {
    using machine = new OldRootsMachine([]);
    expect(machine.roots("list")).toMatchObject({ status: 0, stdout: "" });
    sh(["rmdir", machine.in("old_roots")]);
    expect(machine.roots("list")).toMatchObject({ status: 0, stdout: "" });
    expect(machine.roots("diff").status).toBe(3);
  });
});

describePrivileged("old-roots diff", () => {
  test("goes from the newest to the live root, from a named one, and from one to another", () => {
    using machine = new OldRootsMachine([9, 2]);
    const [older, newer] = machine.names;
    for (const root of [`old_roots/${older}`, `old_roots/${newer}`, "root"]) {
      put(machine, `${root}/etc/same`, "same", 1);
      // Roots are of boots, and their files of transactions, of their own: those made under one
      // number in one transaction and within a tick of the clock look like one file's snapshots.
      sh(["btrfs", "filesystem", "sync", machine.top]);
    }
    put(machine, `old_roots/${older}/etc/went early`, "x", 1);
    put(machine, `old_roots/${newer}/etc/went`, "x", 1);
    put(machine, `old_roots/${newer}/etc/changed`, "old", 1);
    put(machine, "root/etc/changed", "new", 2);
    put(machine, "root/var/cache/ignored", "x", 1);
    symlinkSync("/etc/static/managed", machine.in("root/etc/managed"));
    expect(machine.roots("diff")).toMatchObject({
      status: 1,
      stdout: "M\t/etc/changed\nD\t/etc/went\n",
    });
    expect(machine.roots("diff", older!).stdout).toBe("A\t/etc/changed\nD\t/etc/went early\n");
    expect(machine.roots("diff", older!.slice(0, 9), newer!).stdout).toBe(
      "A\t/etc/changed\nA\t/etc/went\nD\t/etc/went early\n",
    );
    expect(machine.roots("diff", newer!, newer!)).toMatchObject({ status: 0, stdout: "" });
    expect(machine.roots("diff", "--only=D").stdout).toBe("D\t/etc/went\n");
    const all = machine.roots("diff", "--all").stdout;
    expect(all).toContain("A\t/etc/managed\n");
    expect(all).toContain("A\t/var/cache/ignored\n");
    const lines = machine.roots("diff", "--json").stdout.trim().split("\n");
    expect(lines.map((line) => changeLine.parse(JSON.parse(line)).path)).toEqual([
      "/etc/changed",
      "/etc/went",
    ]);
  });

  test.each<[string, string[], number, RegExp]>([
    ["a name that none has", ["2019"], 3, /there is no such old root/],
    ["a beginning that two have", ["20"], 3, /2 old roots begin so/],
    ["an empty name", [""], 3, /2 old roots begin so/],
    ["a path", ["../persist"], 3, /there is no such old root/],
    ["a third name", ["a", "b", "c"], 2, /unexpected word "c"/],
    ["two formats", ["--json", "--null"], 2, /expected one of them/],
    ["a status that is none", ["--only=X"], 2, /--only has "X"/],
  ])("refuses %s", (_, words, status, message) => {
    using machine = new OldRootsMachine([9, 2]);
    const ran = machine.roots("diff", ...words);
    expect(ran).toMatchObject({ status, stdout: "" });
    expect(ran.stderr).toMatch(message);
  });
});

describePrivileged("old-roots find", () => {
  test("searches all of them, the newest first, and says where the path is now", () => {
    using machine = new OldRootsMachine([9, 5, 2]);
    const [oldest, middle, newest] = machine.names;
    put(machine, `old_roots/${oldest}/opt/lost.key`, "1", 1);
    put(machine, `old_roots/${newest}/opt/lost.key`, "2", 2);
    put(machine, `old_roots/${middle}/etc/kept.key`, "3", 3);
    put(machine, "root/etc/kept.key", "3", 3);
    put(machine, "persist/etc/kept.key", "4", 4);
    put(machine, `old_roots/${middle}/etc/kept.keys`, "", 1);
    machine.create(`old_roots/${middle}/nested`);
    put(machine, `old_roots/${middle}/nested/in.key`, "", 1);
    const ran = machine.roots("find", "*.key");
    expect(ran).toMatchObject({
      status: 0,
      stdout: [
        `${newest}\tgone\t/opt/lost.key\n`,
        `${middle}\tin root, another in persist\t/etc/kept.key\n`,
        `${middle}\tgone\t/nested/in.key\n`,
        `${oldest}\tgone\t/opt/lost.key\n`,
      ].join(""),
    });
    expect(ran.stderr).toContain("4 found in 3 old roots\n");
    const lines = machine.roots("find", "--json", "/etc/*.key").stdout.trim().split("\n");
    expect(lines.map((line) => foundLine.parse(JSON.parse(line)))).toMatchObject([
      { root: middle, path: "/etc/kept.key", size: 1, live: "same", persist: "differs" },
    ]);
    expect(machine.roots("find", "nothing")).toMatchObject({ status: 0, stdout: "" });
    expect(machine.roots("find", "lost.*", "in.*").stdout.match(/\n/g)).toHaveLength(3);
  });

  test("takes names and patterns for bytes", () => {
    using machine = new OldRootsMachine([2]);
    const [name] = machine.names;
    const dir = machine.in("old_roots", name!);
    for (const bytes of ["a\xffb", "a\nb", "a\x1b[2Jb"]) {
      writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(bytes, "latin1")]), "");
    }
    const lines = machine.roots("find", "a*b");
    expect(lines.stderr).toContain("1 path left out: a name in it contains a newline");
    expect(Buffer.from(lines.stdoutBytes).toString("latin1")).toBe(
      `${name}\tgone\t/a\x1b[2Jb\n${name}\tgone\t/a\xffb\n`,
    );
    const nul = machine.roots("find", "--null", "a*b").stdoutBytes;
    expect(Buffer.from(nul).toString("latin1").split("\0")).toHaveLength(4);
    const exact = Bun.spawnSync([
      "sh",
      "-c",
      `exec "$@" "$(printf 'a\\377?')"`,
      "sh",
      ...machine.words("find"),
    ]);
    expect(exact.stdout.toString("latin1")).toBe(`${name}\tgone\t/a\xffb\n`);
  });

  test.each<[string, string[], RegExp]>([
    ["no pattern", [], /too few words, expected GLOB…/],
    ["an empty one", [""], /the pattern is empty/],
    ["one that can match nothing", ["etc/"], /ends with a slash/],
  ])("refuses %s", (_, words, message) => {
    using machine = new OldRootsMachine([2]);
    const ran = machine.roots("find", ...words);
    expect(ran).toMatchObject({ status: 2, stdout: "" });
    expect(ran.stderr).toMatch(message);
  });

  test("mounts nothing that anybody sees", () => {
    using machine = new OldRootsMachine([2]);
    const before = machine.mounts();
    machine.roots("find", "*");
    expect(machine.mounts()).toEqual(before);
  });
});
