import { expect, test } from "bun:test";
import {
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { MAIN } from "../support/blankroot.ts";
import { CopyMachine } from "../support/copies.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { struckRun } from "../support/struck.ts";
import type { Strike } from "../support/struck-libc.ts";

const OLD = "old";
const NEW = "a newer text";

/** Runs persist-copy with something happening in the middle. */
function struck(machine: CopyMachine, strike: Strike, ...words: string[]) {
  return struckRun(machine.words(...words), strike);
}

/** All kinds of files in the root, and an older copy of one of each in the persist root. */
function furnish(machine: CopyMachine): void {
  const { root, persist } = machine;
  linkSync(machine.write("/d/sub/file", NEW), `${root}/d/sub/other-name`);
  symlinkSync("new", `${root}/d/link`);
  mkdirSync(`${root}/d/empty`, { mode: 0o750 });
  chownSync(`${root}/d/empty`, 1000, 100);
  sh(["mkfifo", `${root}/d/fifo`]);
  machine.write("/d/replaced", NEW);
  symlinkSync("new", `${root}/d/replaced-link`);
  sh(["setfattr", "-n", "user.note", "-v", "kept", `${root}/d/sub`]);
  mkdirSync(`${persist}/d`);
  writeFileSync(`${persist}/d/replaced`, OLD);
  symlinkSync("old", `${persist}/d/replaced-link`);
}

/** Files with a name of their own that are neither the old nor the new text: halves. */
function halves(dir: string): string[] {
  const unfinished = ["-name", ".blankroot-unfinished", "-prune"];
  const files = sh(["find", dir, ...unfinished, "-o", "-type", "f", "-print"])
    .split("\n")
    .filter(Boolean);
  return files.filter((file) => ![OLD, NEW].includes(readFileSync(file, "utf8")));
}

/** What a run calls to change something, each as often as strikes are wanted. */
const CALLS: Array<[Strike["call"], number]> = [
  ["mkdirat", 6],
  ["openat", 2],
  ["ioctl", 14],
  ["fchownat", 5],
  ["setxattr", 1],
  ["utimensat", 6],
  ["linkat", 1],
  ["symlinkat", 2],
  ["mknodat", 1],
  ["renameat2", 8],
  ["unlinkat", 5],
  ["syncfs", 2],
];

const STRIKES = CALLS.flatMap(([call, times]) =>
  Array.from({ length: times }, (_, index) => [call, index + 1] as const),
);

describePrivileged("persist-copy, killed at a call", () => {
  test.each(STRIKES)(
    "%s no. %p, leaves whole files and is finished by the next run",
    (call, nth) => {
      using machine = new CopyMachine(128 * 1024 ** 2);
      furnish(machine);
      const ran = struck(machine, { call, nth, when: "after" }, "--update", "/d");
      // The control: were the call never made, nothing would have been tried.
      expect(ran.signal).toBe("SIGKILL");
      expect(halves(machine.persist)).toEqual([]);
      expect(machine.rootsAtTop()).toEqual(["persist", "root"]);
      const again = machine.copy("--update", "/d");
      expect(again.stderr).toContain("[success]");
      expect(again.status).toBe(0);
      expect(machine.differences("/d")).toBe("");
      expect(machine.copy("/d").stderr).toContain("0 files copied");
      expect(machine.namesAtTop()).toEqual(["persist", "root"]);
    },
  );
});

/** Changes what is still to be copied, as soon as the first directory is being made. */
function meddled(machine: CopyMachine, shell: string, ...words: string[]) {
  const strike = { call: "fchownat", nth: 1, when: "before", shell } as const;
  return struck(machine, strike, "--live", ...words);
}

describePrivileged("persist-copy, while files change", () => {
  test("leaves out what is gone or replaced, copies all else, and ends with 4", () => {
    using machine = new CopyMachine(128 * 1024 ** 2);
    const { root, persist } = machine;
    for (const name of ["gone", "moved", "other", "grows", "tree/below"]) {
      machine.write(`/d/${name}`, OLD);
    }
    linkSync(`${root}/d/moved`, `${root}/d/moved-too`);
    const shell = [
      `cd ${root}/d`,
      "rm -r gone tree",
      "cp moved fresh && mv fresh moved",
      `printf '${NEW}' >grows`,
    ].join(" && ");
    const ran = meddled(machine, shell, "/d");
    expect(ran.status).toBe(4);
    expect(ran.stderr).toContain("5 of 8 paths had to be left out");
    expect(ran.stderr).toContain("/d/gone: it is gone since it was looked at");
    expect(ran.stderr).toContain("/d/moved: something else took its place");
    expect(ran.stderr).toContain("/d/moved-too: its other name was left out");
    expect(ran.stderr).toContain("/d/tree/below: its directory was left out");
    expect(readdirSync(`${persist}/d`).sort()).toEqual(["grows", "other"]);
    expect(readFileSync(`${persist}/d/grows`, "utf8")).toBe(NEW);
    expect(machine.copy("/d").status).toBe(0);
    expect(machine.differences("/d")).toBe("");
  });

  test("tells --json what was left out, among what was done", () => {
    using machine = new CopyMachine(128 * 1024 ** 2);
    machine.write("/d/gone", OLD);
    machine.write("/d/kept", OLD);
    const ran = meddled(machine, `rm ${machine.root}/d/gone`, "--json", "/d");
    const events = ran.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.map(({ action, path }) => [action, path])).toEqual([
      ["source", undefined],
      ["left-out", "/d/gone"],
      ["make-directory", "/d"],
      ["copy-file", "/d/kept"],
      ["summary", undefined],
    ]);
    expect(events[1].reason).toBe("it is gone since it was looked at");
  });

  test("leaves what someone puts in place of a copy to be replaced", () => {
    using machine = new CopyMachine(128 * 1024 ** 2);
    furnish(machine);
    const shell = `printf 'a third text' >${machine.persist}/d/replaced`;
    const strike = { call: "linkat", nth: 1, when: "before", shell } as const;
    const ran = struck(machine, strike, "--update", "/d");
    expect(ran.stderr).toContain("/d/replaced: what it would replace changed");
    expect(ran.status).toBe(4);
    expect(readFileSync(`${machine.persist}/d/replaced`, "utf8")).toBe("a third text");
    expect(readlinkSync(`${machine.persist}/d/replaced-link`)).toBe("new");
  });
});

describePrivileged(
  "persist-copy --update, killed before it sees that somebody wrote to what it replaces",
  () => {
    test("keeps what they wrote, tells where, and is finished", () => {
      using machine = new CopyMachine(128 * 1024 ** 2);
      furnish(machine);
      const { persist } = machine;
      // Both changed places: what is opened by then, or found there, is written to still.
      const former = `$(find ${persist}/d -type f -size 3c)`;
      const shell = `f=${former}; printf 'a third text' >"$f"; kill -KILL $PPID`;
      const exchange = { call: "renameat2", nth: 2, when: "after", shell } as const;
      expect(struck(machine, exchange, "--update", "/d/replaced").signal).toBe("SIGKILL");
      expect(readFileSync(`${persist}/d/replaced`, "utf8")).toBe(NEW);
      const ran = machine.copy("--update", "/d");
      expect(ran.status).toBe(4);
      const kept = readdirSync(`${persist}/d`).filter((name) => name.startsWith(".blankroot-"));
      expect(kept).toHaveLength(1);
      expect(ran.stderr).toContain(`is kept beside it, as ${kept[0]}`);
      expect(readFileSync(`${persist}/d/${kept[0]}`, "utf8")).toBe("a third text");
      expect(machine.copy("--update", "/d").status).toBe(0);
    });
  },
);

describePrivileged("persist-copy beside another", () => {
  test("refuses while the other is at work, and may look", () => {
    using machine = new CopyMachine(128 * 1024 ** 2);
    machine.write("/d/f", NEW);
    const log = machine.scratch.path("other.log");
    const words = machine.words("/d").map((word) => `'${word}'`);
    const other = `NO_COLOR=1 ${process.execPath} ${MAIN} ${words.join(" ")} >>${log} 2>&1`;
    const shell = `unset STRIKE; ${other} || echo "status $?" >>${log}; ${other} --dry-run`;
    const ran = struck(machine, { call: "renameat2", nth: 1, when: "before", shell }, "/d");
    expect(ran.status).toBe(0);
    expect(readFileSync(log, "utf8")).toMatch(
      /another persist-copy is at work there\s+status 3\n[\s\S]*copy +\/d\/f -> /,
    );
    expect(machine.differences("/d")).toBe("");
  });

  test("is not kept from its work by a lock that any user may hold", () => {
    using machine = new CopyMachine(128 * 1024 ** 2);
    machine.write("/d/f", NEW);
    const argv = ["flock", machine.persist, process.execPath, MAIN, ...machine.words("/d")];
    expect(Bun.spawnSync(argv).exitCode).toBe(0);
    expect(machine.differences("/d")).toBe("");
  });
});

describePrivileged("persist-copy, interrupted", () => {
  test("ends in the middle of one large file, and leaves nothing of it", () => {
    using machine = new CopyMachine();
    using scratch = new Scratch();
    const other = mountAt(scratch, "other", makeBtrfs(scratch, "other-disk", 256 * 1024 ** 2));
    writeFileSync(`${machine.root}/large`, Buffer.alloc(100 * 1024 ** 2, 1));
    const words = ["persist-copy", "--root", machine.root, "--persist", other, "/large"];
    const shell = "kill -INT $PPID";
    const ran = struckRun(words, { call: "lseek", nth: 1, when: "before", shell });
    expect(ran.stderr).toContain("run persist-copy again to finish");
    expect(ran.status).toBe(130);
    expect(readdirSync(other)).toEqual([]);
  });
});

describePrivileged("persist-copy in a directory of a user's", () => {
  test("gives away nothing that is put in the place of what it makes", () => {
    using machine = new CopyMachine(128 * 1024 ** 2);
    mkdirSync(`${machine.root}/home/user/d`, { recursive: true });
    sh(["chown", "-R", "1000:1000", `${machine.root}/home/user`]);
    const home = `${machine.persist}/home/user`;
    mkdirSync(`${home}/treasure`, { recursive: true, mode: 0o700 });
    writeFileSync(`${home}/treasure/secret`, "root's own");
    sh(["chmod", "700", `${home}/treasure`]);
    sh(["chown", "1000:1000", home]);
    const shell = `cd ${home}; mv .blankroot-unfinished away; mv treasure .blankroot-unfinished`;
    const ran = struck(machine, { call: "mkdirat", nth: 3, when: "after", shell }, "/home/user/d");
    expect(ran.status).toBe(4);
    expect(ran.stderr).toContain("Cannot remove .blankroot-unfinished beside /home/user/d");
    const owners = sh(["find", home, "-name", "secret", "-printf", "%h %U\n"]);
    expect(owners).toBe(`${home}/.blankroot-unfinished 0\n`);
    expect(sh(["stat", "--format=%u %a", `${home}/.blankroot-unfinished`])).toBe("0 700\n");
  });

  test("makes nothing in a directory that others can reach into", () => {
    using machine = new CopyMachine(128 * 1024 ** 2);
    mkdirSync(`${machine.root}/home/user/d`, { recursive: true });
    const home = `${machine.persist}/home/user`;
    mkdirSync(home, { recursive: true });
    const shell = `cd ${home}; chown 1000 .blankroot-unfinished`;
    const ran = struck(machine, { call: "mkdirat", nth: 2, when: "after", shell }, "/home/user/d");
    expect(ran.stderr).toContain("something was put in its way");
    expect(ran.status).toBe(4);
    expect(readdirSync(home)).toEqual([]);
  });

  test("changes back what was put in place of the copy that it replaces", () => {
    using machine = new CopyMachine(128 * 1024 ** 2);
    machine.write("/f", NEW);
    writeFileSync(`${machine.persist}/f`, OLD);
    const shell = `rm ${machine.persist}/f; echo else >${machine.persist}/f`;
    const ran = struck(machine, { call: "syncfs", nth: 1, when: "after", shell }, "--update", "/f");
    expect(ran.stderr).toContain("/f: what it would replace changed since");
    expect(ran.status).toBe(4);
    expect(readFileSync(`${machine.persist}/f`, "utf8")).toBe("else\n");
    expect(readdirSync(machine.persist)).toEqual(["f"]);
  });

  test("never replaces what appeared since it looked", () => {
    using machine = new CopyMachine(128 * 1024 ** 2);
    machine.write("/f", NEW);
    const shell = `echo else >${machine.persist}/f`;
    const ran = struck(machine, { call: "renameat2", nth: 1, when: "before", shell }, "/f");
    expect(ran.stderr).toContain("EEXIST");
    expect(ran.status).toBe(4);
    expect(readFileSync(`${machine.persist}/f`, "utf8")).toBe("else\n");
  });

  test("sets no time on what was put in the place of a directory", () => {
    using machine = new CopyMachine(128 * 1024 ** 2);
    machine.write("/d/f", NEW);
    mkdirSync(`${machine.persist}/d`);
    const shell = `cd ${machine.persist}; mv d away; mkdir d; touch -d @12345 d`;
    const ran = struck(machine, { call: "renameat2", nth: 1, when: "after", shell }, "/d");
    expect(ran.stderr).toContain("something else took its place");
    expect(ran.status).toBe(4);
    expect(sh(["stat", "--format=%Y", `${machine.persist}/d`])).toBe("12345\n");
  });
});
