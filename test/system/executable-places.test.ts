/** The executable in empty roots and odd places: it starts, and does no harm. */
import { beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { Scratch, sh } from "../support/disk.ts";
import { EmptyRoot, type Entered } from "../support/empty-root.ts";
import { builtExecutable } from "../support/executable.ts";
import { describePrivileged } from "../support/privileged.ts";

const CACHE = "run/blankroot-unpacked";
const NOBODY = 65534;
/** Of test/support/executable.ts: built on first use. */
let files: ReturnType<typeof builtExecutable>;
let version: string;

describePrivileged("the executable", () => {
  beforeAll(() => {
    files = builtExecutable();
    version = Bun.spawnSync([files.inPlace, "--version"]).stdout.toString();
    expect(version).toMatch(/^blankroot \d+\.\d+\.\d+ \([0-9a-f]{12}\+?\)\n$/);
  });

  function starts(root: EmptyRoot, how: Entered = {}): void {
    expect(root.enter(how)).toMatchObject({ status: 0, stdout: version, stderr: "" });
  }

  function unpacked(root: EmptyRoot): string[] {
    return readdirSync(root.path(CACHE));
  }

  describe("uncompressed", () => {
    test("starts in a root that has nothing but /proc", () => {
      using root = new EmptyRoot(files.inPlace);
      starts(root);
    });

    test("starts as nobody, from a file system mounted read-only", () => {
      using root = new EmptyRoot(files.inPlace);
      const before =
        'mount --bind "$R" "$R"; mount -o remount,bind,ro "$R"; mount -t proc p "$R/proc"';
      starts(root, { user: NOBODY, before });
    });

    test("starts where memory files may not be executed", () => {
      using root = new EmptyRoot(files.inPlace);
      starts(root, {
        unshare: ["--pid", "--fork"],
        before: 'mount -t proc p "$R/proc"; echo 2 >"$R/proc/sys/vm/memfd_noexec"',
      });
    });

    test("writes itself, whole, to a file of any name", () => {
      using root = new EmptyRoot(files.inPlace);
      expect(root.enter({ command: ["/blankroot", "unpack", "/copy"] })).toMatchObject({
        status: 0,
      });
      expect(readFileSync(root.path("copy")).equals(readFileSync(files.inPlace))).toBe(true);
      expect(statSync(root.path("copy")).mode & 0o7777).toBe(0o755);
    });

    test("says so where its stack is too small for Bun, which would end as if it had found something", () => {
      using root = new EmptyRoot(files.inPlace);
      for (const [kibibytes, status] of [
        [32, 4],
        [256, 4],
        [512, 0],
      ]) {
        const ran = root.enter({ script: `ulimit -s ${kibibytes}; enter "$@"` });
        expect([kibibytes, ran.status]).toEqual([kibibytes, status]);
        if (status !== 0) expect(ran.stderr).toContain("the stack is limited");
      }
    });

    test("says so where /proc is missing, and where stdout is closed", () => {
      using root = new EmptyRoot(files.inPlace);
      expect(root.enter({ before: 'umount "$R/proc"' })).toMatchObject({
        status: 4,
        stderr: "blankroot: Cannot start: /proc is not mounted\n",
      });
      expect(root.enter({ script: 'enter "$@" >&-' })).toMatchObject({
        status: 4,
        stderr: "blankroot: Cannot write the output: stdout is closed\n",
      });
    });

    // Bun would end with 1, which fs-diff says where there are differences.
    test("fails where its directory was deleted", () => {
      using scratch = new Scratch();
      const script = 'cd "$1"; mkdir gone; cd gone; rmdir "$1/gone"; exec "$2" --version';
      const argv = ["sh", "-euc", script, "sh", scratch.dir, files.inPlace];
      const { exitCode, stderr } = Bun.spawnSync(argv, { stdout: "pipe", stderr: "pipe" });
      expect([exitCode, stderr.toString()]).toEqual([
        4,
        "blankroot: Cannot start: the working directory was deleted or has no path; change to another\n",
      ]);
    });
  });

  describe("compressed", () => {
    test("unpacks once, to a directory of its caller's alone", () => {
      using root = new EmptyRoot(files.compressed);
      root.mkdir("run");
      starts(root);
      const [name, ...others] = unpacked(root);
      expect(others).toEqual([]);
      expect(statSync(root.path(CACHE)).mode & 0o7777).toBe(0o700);
      const file = root.path(CACHE, name!);
      expect(statSync(file).mode & 0o7777).toBe(0o500);
      expect(readFileSync(file)).toEqual(readFileSync(files.inPlace));
      const { ino } = statSync(file);
      starts(root);
      expect(statSync(file).ino).toBe(ino);
    });

    test("unpacks for a user to the user's own place below /run", () => {
      using root = new EmptyRoot(files.compressed);
      const own = root.mkdir("run", "user", String(NOBODY));
      chownSync(own, NOBODY, NOBODY);
      starts(root, { user: NOBODY });
      expect(readdirSync(`${own}/blankroot-unpacked`)).toHaveLength(1);
      expect(existsSync(root.path(CACHE))).toBe(false);
    });

    test.each<[string, string]>([
      ["nothing but /proc is there", ""],
      ["/run is mounted noexec", 'mkdir "$R/run"; mount -t tmpfs -o noexec t "$R/run"'],
      ["/run is full", 'mkdir "$R/run"; mount -t tmpfs -o size=8m t "$R/run"'],
      ["/run is read-only", 'mkdir "$R/run"; mount -t tmpfs -o ro t "$R/run"'],
      ["/run is a file", 'echo >"$R/run"'],
      [
        "/run can be written to by others",
        'mkdir -m 1777 "$R/run"; mount --bind "$R/run" "$R/run"',
      ],
      ["/run is somebody else's", 'mkdir "$R/run"; chown 1:1 "$R/run"'],
      ["/run leads elsewhere", 'mkdir "$R/elsewhere"; ln -s elsewhere "$R/run"'],
    ])("starts from memory where %s", (_, before) => {
      using root = new EmptyRoot(files.compressed);
      starts(root, { before });
      for (const dir of ["run", "elsewhere"]) {
        const made = existsSync(root.path(dir)) && statSync(root.path(dir)).isDirectory();
        expect(made ? readdirSync(root.path(dir)) : []).toEqual([]);
      }
    });

    test("starts where its caller ignores the end of children", () => {
      using root = new EmptyRoot(files.compressed);
      starts(root, { before: 'trap "" CHLD', unshare: [] });
      const ignoring = Bun.spawnSync(
        ["env", "--ignore-signal=CHLD", files.compressed, "--version"],
        {
          env: { BLANKROOT_CACHE: "off" },
        },
      );
      expect([ignoring.exitCode, ignoring.stderr.toString()]).toEqual([0, ""]);
    });

    test("says so where it may be executed and not read", () => {
      using root = new EmptyRoot(files.compressed);
      chmodSync(root.path("blankroot"), 0o111);
      const ran = root.enter({ user: NOBODY });
      expect(ran).toMatchObject({ status: 4, stdout: "" });
      expect(ran.stderr).toContain("it must be readable");
    });

    test("says that memory is short where it is, and not that it is damaged", () => {
      // Enough for the file, and for what is small of what it holds.
      const limit = statSync(files.compressed).size + 16 * 2 ** 20;
      for (const cache of ["on", "off"]) {
        using root = new EmptyRoot(files.compressed);
        root.mkdir("run");
        const ran = root.enter({
          script: `exec prlimit --as=${limit} chroot "$R" /blankroot`,
          env: { BLANKROOT_CACHE: cache },
        });
        expect(ran.stderr).toBe("blankroot: Cannot start: not enough memory to unpack\n");
        expect(ran.status).toBe(4);
        starts(root);
      }
    });

    test("says so where nothing can be executed", () => {
      using root = new EmptyRoot(files.compressed);
      const ran = root.enter({
        unshare: ["--pid", "--fork"],
        before: 'mount -t proc p "$R/proc"; echo 2 >"$R/proc/sys/vm/memfd_noexec"',
      });
      expect(ran).toMatchObject({ status: 4, stdout: "" });
      expect(ran.stderr).toMatch(/^blankroot: Cannot start: .*memory file/);
    });

    test("does not touch a directory that somebody planted", () => {
      for (const plant of [
        'mkdir "$P"; chown 1:1 "$P"; chmod 700 "$P"',
        'mkdir "$P"; chmod 777 "$P"',
        'echo mine >"$P"',
      ]) {
        using root = new EmptyRoot(files.compressed);
        root.mkdir("run");
        sh(["sh", "-c", plant], { env: { P: root.path(CACHE) } });
        const before = lstatSync(root.path(CACHE));
        starts(root);
        const after = lstatSync(root.path(CACHE));
        expect([after.ino, after.mode, after.uid]).toEqual([before.ino, before.mode, before.uid]);
        if (after.isDirectory()) expect(unpacked(root)).toEqual([]);
      }
    });

    test("does not follow a link that somebody planted", () => {
      using root = new EmptyRoot(files.compressed);
      root.mkdir("run");
      root.mkdir("victim");
      chmodSync(root.path("victim"), 0o700);
      symlinkSync("/victim", root.path(CACHE));
      starts(root);
      expect(readdirSync(root.path("victim"))).toEqual([]);
    });

    test.each<[string, (file: string) => void]>([
      ["of another size", (file) => writeFileSync(file, "#!/bin/sh\necho evil\n")],
      ["that others may write", (file) => chmodSync(file, 0o777)],
      ["of somebody else", (file) => chownSync(file, NOBODY, NOBODY)],
      [
        "that is none, but a pipe that nobody writes to",
        (file) => sh(["sh", "-c", 'rm "$1"; mkfifo -m 500 "$1"', "sh", file]),
      ],
    ])("puts its own in the place of a file %s", (_, spoil) => {
      using root = new EmptyRoot(files.compressed);
      root.mkdir("run");
      starts(root);
      const [name] = unpacked(root);
      chmodSync(root.path(CACHE, name!), 0o700);
      spoil(root.path(CACHE, name!));
      starts(root);
      expect(readFileSync(root.path(CACHE, name!))).toEqual(readFileSync(files.inPlace));
      expect(statSync(root.path(CACHE, name!)).mode & 0o7777).toBe(0o500);
    });

    test("takes away what another version left, and nothing else", () => {
      using root = new EmptyRoot(files.compressed);
      mkdirSync(root.mkdir("run", "blankroot-unpacked"), { recursive: true });
      chmodSync(root.path(CACHE), 0o700);
      writeFileSync(root.path(CACHE, "blankroot-0123"), "");
      writeFileSync(root.path(CACHE, "notes"), "");
      starts(root);
      expect(unpacked(root)).toHaveLength(2);
      expect(unpacked(root)).toContain("notes");
    });

    test("starts two hundred times at once, and unpacks once", () => {
      using root = new EmptyRoot(files.compressed);
      root.mkdir("run");
      const script = `i=0; while [ $i -lt 200 ]; do enter "$@" & i=$((i + 1)); done; wait`;
      const ran = root.enter({ script });
      expect(ran).toMatchObject({ status: 0, stdout: version.repeat(200), stderr: "" });
      expect(unpacked(root)).toHaveLength(1);
    });

    test("killed at any time, it leaves nothing but what is whole", () => {
      using root = new EmptyRoot(files.compressed);
      sh(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", root.mkdir("run")]);
      const left = { nothing: 0, whole: 0 };
      // Around the time at which it is whole, however fast the machine is.
      let milliseconds = 100;
      for (let kills = 0; kills < 40; kills++) {
        const ran = root.enter({
          script: `rm -rf "$R/${CACHE}"; enter "$@" & sleep ${milliseconds / 1000}; kill -9 $! && wait`,
        });
        if (existsSync(root.path(CACHE))) sh(["flock", "--wait", "0.5", root.path(CACHE), "true"]);
        expect(["", version]).toContain(ran.stdout);
        const names = existsSync(root.path(CACHE)) ? unpacked(root) : [];
        for (const name of names) {
          expect(statSync(root.path(CACHE, name)).size).toBe(statSync(files.inPlace).size);
        }
        const isWhole = names.length > 0;
        left[isWhole ? "whole" : "nothing"]++;
        milliseconds *= isWhole ? 0.7 : 1.3;
        starts(root);
        expect(unpacked(root)).toHaveLength(1);
      }
      // Both were met: before it was whole, and after.
      expect(Math.min(left.nothing, left.whole)).toBeGreaterThan(2);
    });

    test("BLANKROOT_CACHE=off keeps it off the disk", () => {
      using root = new EmptyRoot(files.compressed);
      root.mkdir("run");
      starts(root, { env: { BLANKROOT_CACHE: "off" } });
      expect(readdirSync(root.path("run"))).toEqual([]);
    });

    test("no other variable moves it", () => {
      using root = new EmptyRoot(files.compressed);
      root.mkdir("run");
      root.mkdir("other");
      const names = ["XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "TMPDIR", "HOME", "BUN_TMPDIR"];
      const env = Object.fromEntries(names.map((name) => [name, "/other"]));
      starts(root, { env: { ...env, BLANKROOT_CACHE: "/other" } });
      expect(readdirSync(root.path("other"))).toEqual([]);
      expect(unpacked(root)).toHaveLength(1);
    });
  });
});
