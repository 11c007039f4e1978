import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { copyLine } from "../../tools/copy-schema.ts";
import { blankroot, COMMAND, type Ran } from "../support/blankroot.ts";
import { CopyMachine as Machine } from "../support/copies.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { Machine as HostMachine } from "../support/machine.ts";
import { meanwhile } from "../support/meanwhile.ts";
import { describePrivileged } from "../support/privileged.ts";
import { writeProfile } from "../support/profile.ts";

const MIB = 1024 ** 2;

/** A digest of all names, types, modes, times and contents below a directory. */
function digest(dir: string): string {
  const listing = sh(["find", dir, "-printf", "%P %y %m %U %G %T@ %l\\0"]);
  const contents = sh(["sh", "-c", 'cd "$0"; find . -type f -exec sha256sum {} + | sort', dir]);
  return createHash("sha256").update(listing).update(contents).digest("hex");
}

describePrivileged("persist-copy keeps", () => {
  test("300 names of one inode as one inode", () => {
    using m = new Machine();
    const first = m.write("/many/0");
    for (let name = 1; name < 300; name++) linkSync(first, `${m.root}/many/${name}`);
    expect(m.copy("/many").status).toBe(0);
    expect(lstatSync(`${m.persist}/many/0`).nlink).toBe(300);
    expect(m.differences("/many")).toBe("");
  });

  test("names that are newlines, quotes, escape sequences and no UTF-8", () => {
    using m = new Machine();
    const names = ["new\nline", "quo'te\"", "esc\x1b[2J", "-n", " space ", "back\\slash"].map((n) =>
      Buffer.from(n),
    );
    names.push(Buffer.from([0x66, 0xff, 0xfe]));
    mkdirSync(`${m.root}/odd`);
    for (const name of names)
      writeFileSync(Buffer.concat([Buffer.from(`${m.root}/odd/`), name]), name);
    const paths = Buffer.concat(
      names.flatMap((name) => [Buffer.from("/odd/"), name, Buffer.from([0])]),
    );
    const ran = blankroot(m.words("-0", "-"), { stdin: paths });
    expect(ran.status).toBe(0);
    expect(ran.stderr).not.toContain("\x1b[2J");
    expect(m.differences("/odd")).toBe("");
  });

  test("the owners and modes of the directories on the way, and what is there already", () => {
    using m = new Machine();
    m.write("/a/b/c/file");
    sh([
      "sh",
      "-c",
      'chown 3:4 "$0/a"; chmod 711 "$0/a"; chown 5:6 "$0/a/b"; chmod 2750 "$0/a/b"',
      m.root,
    ]);
    mkdirSync(`${m.persist}/a`, { mode: 0o700 });
    m.write("/a/b/c/other");
    expect(m.copy("/a/b/c/file").status).toBe(0);
    expect(sh(["stat", "--format=%a %u:%g", `${m.persist}/a`])).toBe("700 0:0\n");
    expect(sh(["stat", "--format=%a %u:%g", `${m.persist}/a/b`])).toBe("2750 5:6\n");
    expect(existsSync(`${m.persist}/a/b/c/other`)).toBe(false);
  });

  test("what lies deeper than a path may be long", () => {
    using m = new Machine();
    const name = "x".repeat(250);
    const goDown = 'cd "$0"; for i in $(seq 20); do mkdir -p "$1"; cd "$1"; done';
    sh(["sh", "-c", `${goDown}; echo deep >file`, m.root, name]);
    expect(m.copy(`/${name}`).status).toBe(0);
    expect(sh(["sh", "-c", `${goDown}; cat file`, m.persist, name])).toBe("deep\n");
    expect(m.copy(`/${name}`).stderr).toContain("0 files copied");
  });

  test("nested subvolumes as directories", () => {
    using m = new Machine();
    sh(["btrfs", "subvolume", "create", `${m.root}/outer`]);
    sh(["btrfs", "subvolume", "create", `${m.root}/outer/inner`]);
    m.write("/outer/inner/file");
    expect(m.copy("/outer").status).toBe(0);
    expect(readFileSync(`${m.persist}/outer/inner/file`, "utf8")).toBe("/outer/inner/file");
  });
});

describePrivileged("persist-copy", () => {
  test("shares content on the same file system", () => {
    using m = new Machine();
    writeFileSync(m.write("/big"), Buffer.alloc(8 * MIB, 1));
    sh(["sync", "-f", m.root]);
    expect(m.copy("/big").status).toBe(0);
    const physical = (file: string) =>
      /\d+\.\.\s+\d+:\s+(\d+)/.exec(sh(["filefrag", "-v", file]))?.[1];
    expect(physical(`${m.persist}/big`)).toBe(physical(`${m.root}/big`));
  });

  test("changes nothing when run again", () => {
    using m = new Machine();
    for (const path of ["/etc/a", "/etc/deep/b"]) m.write(path);
    expect(m.copy("/etc").status).toBe(0);
    const before = digest(m.persist);
    const again = m.copy("/etc");
    expect(again.status).toBe(0);
    expect(again.stderr).toContain("0 files copied");
    expect(digest(m.persist)).toBe(before);
  });

  test("refuses what differs with both described, before anything is copied", () => {
    using m = new Machine();
    m.write("/etc/a", "new");
    m.write("/etc/z", "theirs now");
    mkdirSync(`${m.persist}/etc`);
    writeFileSync(`${m.persist}/etc/z`, "saved");
    const before = digest(m.persist);
    const ran = m.copy("/etc/a", "/etc/z");
    expect(ran.status).toBe(3);
    expect(ran.stderr).toMatch(
      /\/etc\/z: the root has a file of 10 bytes \(0644, 0:0, .*\), .* has a file of 5 bytes/,
    );
    expect(ran.stderr).toContain("differs in content");
    expect(digest(m.persist)).toBe(before);
  });

  test("replaces what differs with --update, and leaves nothing beside it", () => {
    using m = new Machine();
    m.write("/etc/z", "newer");
    m.write("/etc/fifo");
    mkdirSync(`${m.persist}/etc`, { mode: 0o700 });
    writeFileSync(`${m.persist}/etc/z`, "older");
    symlinkSync("/somewhere", `${m.persist}/etc/fifo`);
    expect(m.copy("--update", "/etc").status).toBe(0);
    expect(m.differences("/etc")).toBe("");
    expect(sh(["ls", "-A", `${m.persist}/etc`])).toBe("fifo\nz\n");
  });

  test.each([
    ["a directory in the way of a file", (p: string) => mkdirSync(`${p}/etc/z`)],
    ["a file in the way of a directory", (p: string) => writeFileSync(`${p}/etc/d`, "")],
  ])("never replaces %s", (_, plant) => {
    using m = new Machine();
    m.write("/etc/z");
    m.write("/etc/d/file");
    mkdirSync(`${m.persist}/etc`);
    plant(m.persist);
    const before = digest(m.persist);
    const ran = m.copy("--update", "/etc");
    expect(ran.stderr).toContain("a directory is never replaced");
    expect(ran.status).toBe(3);
    expect(m.copy("/etc").stderr).not.toContain("--update");
    expect(digest(m.persist)).toBe(before);
  });

  test("skips sockets, and says so", () => {
    using m = new Machine();
    m.write("/run/file");
    const listener = Bun.listen({ unix: `${m.root}/run/socket`, socket: { data() {} } });
    const ran = m.copy("/run");
    listener.stop();
    expect(ran.status).toBe(0);
    expect(ran.stderr).toContain("skipped /run/socket");
    expect(sh(["ls", `${m.persist}/run`])).toBe("file\n");
  });

  test("says which names of a hard link stay behind", () => {
    using m = new Machine();
    linkSync(m.write("/etc/in"), `${m.root}/out`);
    mkdirSync(`${m.root}/else`);
    linkSync(`${m.root}/out`, `${m.root}/else/esc\x1b`);
    const ran = m.copy("/etc");
    expect(ran.stderr).toContain(
      "/etc/in has hard links outside of what is copied, which stay behind: ",
    );
    expect(ran.stderr).toContain("/else/esc\\x1b");
    expect(ran.stderr).toContain("/out");
  });

  test.each<[string, string[], string | undefined, number, RegExp]>([
    ["a relative path", ["etc/x"], undefined, 2, /"etc\/x", expected an absolute path/],
    ["a path with ..", ["/etc/../x"], undefined, 2, /expected an absolute path without/],
    ["the root itself", ["/"], undefined, 2, /not all of it/],
    [
      "a path that is not there",
      ["/etc/x", "/no\x1b[2Jwhere"],
      undefined,
      3,
      /doesn't have:\n {4}\/no\\x1b\[2Jwhere/,
    ],
    [
      "a name longer than any",
      [`/${"n".repeat(300)}`],
      undefined,
      3,
      /doesn't have:\n {4}\/n{300}/,
    ],
    [
      "a path no call takes",
      [`/${"n".repeat(5000)}`],
      undefined,
      3,
      /doesn't have:\n {4}\/n{5000}/,
    ],
    ["an empty line", ["-"], "/etc/x\n\n/etc/x\n", 2, /line 2 of stdin is empty/],
    ["an empty name", ["-0", "-"], "/etc/x\0\0", 2, /line 2 of stdin is empty/],
    ["a line that names nothing", ["-"], "/etc/x\n/nothing\n", 3, /doesn't have:\n {4}\/nothing/],
    ["-0 without -", ["-0", "/etc/x"], undefined, 2, /expected - with it/],
  ])("refuses %s before anything is copied", (_, words, stdin, status, message) => {
    using m = new Machine();
    m.write("/etc/x");
    const ran = blankroot(m.words(...words), stdin === undefined ? {} : { stdin });
    expect(ran.stderr).toMatch(message);
    expect(ran.status).toBe(status);
    expect(sh(["ls", "-A", m.persist])).toBe("");
  });

  test("refuses what lies in the persist root itself", () => {
    using m = new Machine();
    m.write("/persist/etc/x");
    m.write("/etc/y");
    const inside = (path: string) =>
      blankroot(["persist-copy", "--root", m.root, "--persist", `${m.root}/persist`, path]);
    for (const path of ["/persist/etc/x", "/persist"]) {
      expect(inside(path).stderr).toContain(`in the persist root itself:\n    ${path}\n`);
      expect(inside(path).status).toBe(3);
    }
    expect(sh(["find", `${m.root}/persist`, "-name", "persist", "-mindepth", "1"])).toBe("");
    expect(inside("/etc/y").status).toBe(0);
  });

  test("does not copy the persist root into itself, whatever its name", () => {
    using m = new Machine();
    m.write("/srv/saved/old");
    m.write("/srv/x");
    const bound = m.scratch.mkdir("bound");
    sh(["mount", "--bind", `${m.root}/srv/saved`, bound]);
    const ran = blankroot(["persist-copy", "--root", m.root, "--persist", bound, "/srv"]);
    sh(["umount", bound]);
    expect(ran.status).toBe(0);
    expect(sh(["ls", `${m.root}/srv/saved/srv`])).toBe("x\n");
  });

  test("does nothing where a pipe names nothing", () => {
    using m = new Machine();
    const ran = blankroot(m.words("-0", "-"), { stdin: "" });
    expect(ran.status).toBe(0);
    expect(ran.stderr).toContain("nothing was named");
  });

  test("prints its plan as a list and as JSON, and does nothing", () => {
    using m = new Machine();
    m.write("/etc/x", "123");
    const list = m.copy("--dry-run", "/etc/x");
    expect(list.stdout).toMatch(
      /^directory \/etc -> .*\ncopy {6}\/etc\/x -> .*\/etc\/x \(3 bytes\)\n$/,
    );
    const { actions } = JSON.parse(m.copy("--dry-run", "--json", "/etc/x").stdout);
    expect(actions.map((a: { action: string; path: string }) => [a.action, a.path])).toEqual([
      ["make-directory", "/etc"],
      ["copy-file", "/etc/x"],
    ]);
    expect(sh(["ls", "-A", m.persist])).toBe("");
    expect(eventsOf(m.copy("--json", "/etc/x"))).toEqual([
      "source",
      "make-directory /etc",
      "copy-file /etc/x",
      "summary",
    ]);
  });

  test("finishes when nobody reads its events any more", () => {
    using m = new Machine();
    for (let file = 0; file < 1500; file++) m.write(`/data/${"long-name-".repeat(10)}${file}`);
    const argv = [...COMMAND, ...m.words("--json", "/data")].join(" ");
    const ran = Bun.spawnSync(["bash", "-c", `${argv} | head -n 1; exit \${PIPESTATUS[0]}`]);
    expect(JSON.parse(ran.stdout.toString()).action).toBe("source");
    expect(ran.stderr.toString()).toContain("1500 files copied");
    expect(ran.exitCode).toBe(0);
    expect(m.differences("/data")).toBe("");
  });

  test("tells as JSON what it leaves alone, and all that was done before it failed", () => {
    using m = new Machine();
    using scratch = new Scratch();
    const small = mountAt(scratch, "small", makeBtrfs(scratch, "small-disk", 128 * MIB));
    m.write("/a/equal");
    const words = ["persist-copy", "--root", m.root, "--persist", small, "--json"];
    expect(blankroot([...words, "/a"]).status).toBe(0);
    writeFileSync(m.write("/b/too-large"), Buffer.alloc(200 * MIB, 1));
    const ran = blankroot([...words, "/a", "/b"]);
    expect(ran.status).toBe(4);
    expect(eventsOf(ran)).toEqual(["source", "equal /a", "equal /a/equal", "failed"]);
    const last = copyLine.parse(JSON.parse(ran.stdout.trim().split("\n").at(-1)!));
    expect(last).toMatchObject({ action: "failed", done: 0, left_out: 0 });
    expect("reason" in last && last.reason).toContain("ENOSPC");
    // Nothing of what had no room is left to take room.
    expect(readdirSync(small)).toEqual(["a"]);
  });

  test("copies what the profile lists, and warns of what is nowhere", () => {
    using m = new Machine();
    m.write("/etc/machine-id", "id");
    const profile = writeProfile(m.scratch, {
      device: "/dev/none",
      btrfs: `device = "${m.device}"`,
    });
    const ran = blankroot(["persist-copy", "--profile", profile]);
    expect(ran.status).toBe(0);
    expect(ran.stderr).toContain("/etc/nixos is listed, but there is nothing to copy");
    expect(readFileSync(`${m.persist}/etc/machine-id`, "utf8")).toBe("id");
  });
});

/** Spoils one byte of a file's content on the disk itself, so that reading it fails. */
describePrivileged("persist-copy of what survives by itself", () => {
  test("refuses a path on another subvolume, and makes nothing of its mount point", () => {
    using machine = new HostMachine();
    mkdirSync(machine.in("root/home"));
    const ran = machine.run("persist-copy", "/home", "/nix/store");
    expect(ran.stderr).toContain("/home: on the subvolume home");
    expect(ran.stderr).toContain("/nix/store: on the subvolume nix");
    expect(ran.status).toBe(3);
    expect(readdirSync(machine.in("persist"))).toEqual([]);
  });
});

describePrivileged("persist-copy and mounts", () => {
  test("reads beneath the mounts upon the root", () => {
    using m = new Machine();
    m.write("/var/lib/data", "beneath");
    mkdirSync(`${m.persist}/elsewhere`);
    writeFileSync(`${m.persist}/elsewhere/data`, "above");
    sh(["mount", "--bind", `${m.persist}/elsewhere`, `${m.root}/var/lib`]);
    expect(readFileSync(`${m.root}/var/lib/data`, "utf8")).toBe("above");
    expect(m.copy("/var/lib/data").status).toBe(0);
    expect(readFileSync(`${m.persist}/var/lib/data`, "utf8")).toBe("beneath");
  });

  test("leaves alone a mount point whose content is in the persist root", () => {
    using m = new Machine();
    m.write("/etc/machine-id", "");
    mkdirSync(`${m.persist}/etc`);
    writeFileSync(`${m.persist}/etc/machine-id`, "the real one");
    sh(["mount", "--bind", `${m.persist}/etc/machine-id`, `${m.root}/etc/machine-id`]);
    const ran = m.copy("--update", "/etc/machine-id");
    expect(ran.stderr).toContain("only a mount point");
    expect(ran.status).toBe(0);
    expect(readFileSync(`${m.persist}/etc/machine-id`, "utf8")).toBe("the real one");
  });

  test("says that it copies what a mount covers", () => {
    using m = new Machine();
    m.write("/etc/nixos/flake.nix", "beneath");
    mkdirSync(`${m.persist}/elsewhere`);
    sh(["mount", "--bind", `${m.persist}/elsewhere`, `${m.root}/etc/nixos`]);
    const ran = m.copy("/etc/nixos/flake.nix");
    expect(ran.stderr).toContain("1 path under a mount");
    expect(ran.status).toBe(0);
    writeFileSync(`${m.persist}/etc/nixos/flake.nix`, "newer");
    const again = m.copy("--update", "/etc/nixos/flake.nix");
    expect(again.stderr).toContain("a mount is above the path now");
    expect(again.status).toBe(3);
  });

  test("says of a directory what a mount within it hides, and of no such content that it is kept", () => {
    using m = new Machine();
    m.write("/mp/in/under");
    mkdirSync(`${m.root}/mp/empty`);
    mkdirSync(`${m.root}/mp/kept`);
    mkdirSync(`${m.persist}/mp/kept`, { recursive: true });
    writeFileSync(`${m.persist}/mp/kept/f`, "kept");
    sh(["mount", "--bind", `${m.persist}/mp/kept`, `${m.root}/mp/kept`]);
    for (const name of ["in", "empty"]) {
      sh(["mount", "-t", "tmpfs", "over", `${m.root}/mp/${name}`]);
      writeFileSync(`${m.root}/mp/${name}/over`, "");
    }
    for (let run = 0; run < 2; run++) {
      const ran = m.copy("--json", "/mp");
      expect(ran.status).toBe(0);
      for (const name of ["in", "empty"]) {
        const text = `/mp/${name} is a mount: what lies beneath it is copied, and not what is seen there`;
        expect(ran.stderr).toContain(text);
        expect(ran.stdout).toContain(JSON.stringify({ action: "note", text }));
        expect(ran.stderr).not.toContain(`/mp/${name}: only a mount point, its content`);
      }
      expect(ran.stderr).not.toContain("/mp/kept is a mount");
      expect(ran.stderr).toContain("skipped /mp/kept: only a mount point, its content is in");
    }
    const names = sh(["find", `${m.persist}/mp`, "-mindepth", "1", "-printf", "%P\n"]);
    expect(names.trim().split("\n").sort()).toEqual(["empty", "in", "in/under", "kept", "kept/f"]);
    for (const name of ["in", "empty", "kept"]) sh(["umount", `${m.root}/mp/${name}`]);
  });

  test("refuses a persist root that is mounted read-only", () => {
    using m = new Machine();
    m.write("/etc/x");
    sh(["mount", "-o", "remount,bind,ro", m.persist]);
    const ran = m.copy("/etc/x");
    expect(ran.stderr).toContain("it is mounted read-only");
    expect(ran.status).toBe(3);
    expect(m.copy("--dry-run", "/etc/x").status).toBe(0);
  });

  test("refuses to replace a file that is mounted over its original", () => {
    using m = new Machine();
    m.write("/etc/machine-id", "old text beneath the mount");
    mkdirSync(`${m.persist}/etc`);
    writeFileSync(`${m.persist}/etc/machine-id`, "live");
    sh(["mount", "--bind", `${m.persist}/etc/machine-id`, `${m.root}/etc/machine-id`]);
    const ran = m.copy("--update", "/etc/machine-id");
    expect(ran.stderr).toContain("the copy is mounted over the path now");
    expect(ran.status).toBe(3);
    expect(readFileSync(`${m.persist}/etc/machine-id`, "utf8")).toBe("live");
  });
});

describePrivileged("persist-copy and links into the persist root", () => {
  test("never replaces a file by the root's link to it", () => {
    using m = new Machine();
    m.write("/etc/other", "to be copied");
    mkdirSync(`${m.persist}/etc`, { mode: 0o755 });
    writeFileSync(`${m.persist}/etc/machine-id`, "the only one");
    const profile = writeProfile(m.scratch, {
      device: "/dev/none",
      btrfs: `device = "${m.device}"`,
    });
    symlinkSync("/persist/etc/machine-id", `${m.root}/etc/machine-id`);
    const ran = blankroot(["persist-copy", "--update", "--profile", profile, "/etc"]);
    expect(ran.stderr).toContain("skipped /etc/machine-id: a link to its own place");
    expect(ran.status).toBe(0);
    expect(readFileSync(`${m.persist}/etc/machine-id`, "utf8")).toBe("the only one");
    expect(readFileSync(`${m.persist}/etc/other`, "utf8")).toBe("to be copied");
    // Named by hand, the persist root is not where the link says.
    const byHand = m.copy("--update", "/etc/machine-id");
    expect(byHand.stderr).toContain("the link may lead to that very file");
    expect(byHand.status).toBe(3);
    expect(lstatSync(`${m.persist}/etc/machine-id`).isFile()).toBe(true);
  });
});

describePrivileged("persist-copy against planted links", () => {
  test("never follows one out of the root", () => {
    using m = new Machine();
    const secret = m.scratch.path("secret");
    writeFileSync(secret, "secret");
    mkdirSync(`${m.root}/home`);
    symlinkSync(m.scratch.dir, `${m.root}/home/link`);
    expect(m.copy("/home/link/secret").status).toBe(3);
    expect(m.copy("/home/link").status).toBe(0);
    expect(lstatSync(`${m.persist}/home/link`).isSymbolicLink()).toBe(true);
    expect(existsSync(`${m.persist}/home/link/secret`)).toBe(true);
    expect(readFileSync(secret, "utf8")).toBe("secret");
  });

  test("never follows one out of the persist root", () => {
    using m = new Machine();
    const outside = m.scratch.mkdir("outside");
    m.write("/home/user/file");
    mkdirSync(`${m.persist}/home`);
    symlinkSync(outside, `${m.persist}/home/user`);
    const ran = m.copy("--update", "/home/user/file");
    expect(ran.stderr).toContain("expected a directory on the way");
    expect(ran.status).toBe(3);
    expect(sh(["ls", "-A", outside])).toBe("");
  });

  test("stays inside while directories are swapped for links", async () => {
    using m = new Machine();
    const outside = m.scratch.mkdir("outside");
    writeFileSync(`${outside}/file0`, "secret");
    for (let file = 0; file < 200; file++) m.write(`/home/user/file${file}`, "mine");
    const swap = 'cd "$0/home"; mv -T user away && ln -s "$1" user; rm -f user; mv -T away user';
    {
      await using _ = meanwhile(swap, m.root, outside);
      for (let run = 0; run < 8; run++) {
        blankroot(m.words("--update", "/home/user"));
        const copies = sh(["find", m.persist, "-type", "f"]).trim().split("\n").filter(Boolean);
        for (const copy of copies) expect(readFileSync(copy, "utf8")).toBe("mine");
        rmSync(`${m.persist}/home`, { recursive: true, force: true });
      }
    }
    expect(sh(["ls", "-A", outside])).toBe("file0\n");
  });
});

/** What --json says, a word or two a line, each held against the schema. */
function eventsOf({ stdout }: Ran): string[] {
  const lines = stdout.trim().split("\n");
  return lines.map((line) => {
    const event = copyLine.parse(JSON.parse(line));
    return "path" in event ? `${event.action} ${event.path}` : event.action;
  });
}

/** Of the files that have their names: what is on a stage has none yet. */
function sizesIn(dir: string): number[] {
  const unfinished = ["-name", ".blankroot-unfinished", "-prune"];
  const lines = sh(["find", dir, ...unfinished, "-o", "-type", "f", "-printf", "%s\\n"]).split(
    "\n",
  );
  return lines.filter((line) => line !== "").map(Number);
}

/** Waits until so many files are made, on a stage or in their places. */
async function untilFiles(dir: string, count: number): Promise<void> {
  for (let polls = 0; polls < 2000 && countBelow(dir) < count; polls++) await Bun.sleep(2);
}

/** A stage that goes away while it is looked at is no fault. */
function countBelow(dir: string): number {
  const found = Bun.spawnSync(["find", dir, "-type", "f", "-printf", "x"], { stderr: "ignore" });
  return found.stdout.length;
}

describePrivileged("persist-copy of so many files that two threads copy them", () => {
  test("copies all, and tells what it did in the order of the plan", () => {
    using m = new Machine();
    for (let file = 0; file < 2400; file++) m.write(`/data/${file % 120}/file${file}`);
    const planned = JSON.parse(m.copy("--dry-run", "--json", "/data").stdout);
    const told = m.copy("--json", "/data").stdout.trim().split("\n");
    const lines = told.map((line) => JSON.parse(line)).filter(({ path }) => path !== undefined);
    expect(lines.map(({ path }) => path)).toEqual(
      planned.actions.map(({ path }: { path: string }) => path),
    );
    expect(lines).toHaveLength(2400 + 120 + 1);
    expect(m.differences("/data")).toBe("");
  });
});

describePrivileged("persist-copy, cut short", () => {
  test("leaves whole files when killed, and finishes on the next run", async () => {
    using m = new Machine();
    for (let file = 0; file < 3000; file++)
      m.write(`/data/${file % 30}/file${file}`, "x".repeat(5000));
    for (const files of [1, 600, 1500]) {
      const child = Bun.spawn([...COMMAND, ...m.words("/data")], { stderr: "ignore" });
      await untilFiles(m.persist, files);
      child.kill("SIGKILL");
      await child.exited;
      const sizes = sizesIn(m.persist);
      expect(sizes.filter((size) => size !== 5000)).toEqual([]);
      expect(sizes.length).toBeLessThan(3000);
      expect(child.signalCode).toBe("SIGKILL");
    }
    const ran = m.copy("/data");
    expect(ran.status).toBe(0);
    expect(ran.stderr).toContain("1 leftover removed");
    expect(readdirSync(m.persist)).toEqual(["data"]);
    expect(m.differences("/data")).toBe("");
  });

  test("ends at SIGINT with status 130, and says what to do", async () => {
    using m = new Machine();
    for (let file = 0; file < 5000; file++) m.write(`/data/0/file${file}`);
    const child = Bun.spawn([...COMMAND, ...m.words("/data")], { stderr: "pipe" });
    await untilFiles(m.persist, 1);
    child.kill("SIGINT");
    const status = await child.exited;
    const stderr = await new Response(child.stderr).text();
    expect(status).toBe(130);
    expect(stderr).toContain("run persist-copy again to finish");
    expect(m.copy("/data").status).toBe(0);
  });

  test("leaves whole files on a full disk, with status 4", () => {
    using m = new Machine();
    using scratch = new Scratch();
    const small = mountAt(scratch, "small", makeBtrfs(scratch, "small-disk", 128 * MIB));
    for (let file = 0; file < 40; file++)
      writeFileSync(m.write(`/data/file${file}`), Buffer.alloc(8 * MIB, file));
    const ran = blankroot(["persist-copy", "--root", m.root, "--persist", small, "/data"]);
    expect(ran.status).toBe(4);
    expect(ran.stderr).toMatch(/ENOSPC|No space/);
    expect(sizesIn(small).filter((size) => size !== 8 * MIB)).toEqual([]);
  });

  test("leaves out a file that can't be caught between two changes", async () => {
    using m = new Machine();
    using scratch = new Scratch();
    const other = mountAt(scratch, "other", makeBtrfs(scratch, "other-disk", 512 * MIB));
    const log = m.write("/var/log");
    // So large that the writer has its turn in each try, however busy the machine is.
    writeFileSync(log, Buffer.alloc(32 * MIB, "x"), { mode: 0o600 });
    chmodSync(log, 0o600);
    await using _ = meanwhile('echo line >>"$0"', log);
    while (statSync(log).size === 32 * MIB) await Bun.sleep(1);
    const words = ["persist-copy", "--root", m.root, "--persist", other, "--live", "/var/log"];
    const ran = blankroot(words);
    expect(ran.stderr).toContain("/var/log: it changes while it is copied");
    expect(ran.status).toBe(4);
    expect(existsSync(`${other}/var/log`)).toBe(false);
  });
});
