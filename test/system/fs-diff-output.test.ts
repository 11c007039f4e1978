import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { blankroot, COMMAND } from "../support/blankroot.ts";
import { sh } from "../support/disk.ts";
import { Machine } from "../support/machine.ts";
import { describePrivileged } from "../support/privileged.ts";
import { converse } from "../support/terminal.ts";

const HOSTILE = [
  "/etc/escape\x1b[2J",
  "/etc/not-utf8-\xff",
  "/etc/quote'\"\\",
  "/etc/spaces  ",
  "/etc/two\nlines",
];
const PERSIST = `[persist]\nignore = ["/etc/ignored"]\n`;

describePrivileged("fs-diff prints", () => {
  let machine: Machine;

  beforeAll(() => {
    machine = new Machine(PERSIST);
    mkdirSync(machine.in("root/etc"));
    mkdirSync(machine.in("root/empty"));
    for (const path of HOSTILE) writeFileSync(bytes(`${machine.in("root")}${path}`), "");
    machine.write("root", "/etc/ignored", "/var/lib/a", "/var/lib.d/b");
    symlinkSync("/nix/store/x", machine.in("root/etc/managed"));
    sh(["mkfifo", machine.in("root/var/pipe")]);
    const socket = Bun.listen({ unix: machine.in("root/var/socket"), socket: { data() {} } });
    // The listener takes its socket away by its name when it stops.
    sh(["mv", machine.in("root/var/socket"), machine.in("root/var/s")]);
    socket.stop();
  });
  afterAll(() => machine[Symbol.dispose]());

  const diff = (...words: string[]) => machine.run("fs-diff", ...words);

  test("names as bytes in byte order, and leaves out what can't be a line", () => {
    const { stdoutBytes, stderr, status } = diff();
    const listed = HOSTILE.filter((path) => !path.includes("\n"));
    expect(latin1(stdoutBytes)).toBe(lines([...listed, ...FILES]));
    expect(stderr).toContain("1 path left out");
    expect(stderr).toContain("-0 lists them all");
    expect(status).toBe(1);
  });

  test.each([["-0"], ["--null"]])("all names, each ended by NUL, with %s", (flag) => {
    const { stdoutBytes, stderr } = diff(flag);
    expect(latin1(stdoutBytes)).toBe([...HOSTILE, ...FILES].map((path) => `${path}\0`).join(""));
    expect(stderr).not.toContain("left out");
  });

  test("a directory as name/ in the order, with --dirs", () => {
    const { stdout } = diff("--dirs", "/var", "/empty");
    expect(stdout).toBe(
      lines(["/empty", "/var/lib.d", "/var/lib.d/b", "/var/lib", "/var/lib/a", "/var/pipe"]),
    );
  });

  test("sockets, directories and every fate with --all", () => {
    const { stdout } = diff("--all", "/var", "/etc/managed", "/etc/ignored");
    expect(stdout.split("\n")).toContain("/var/s");
    expect(stdout.split("\n")).toContain("/etc/managed");
    expect(stdout.split("\n")).toContain("/etc/ignored");
  });

  test("what patterns match with --no-ignore", () => {
    expect(diff("/etc/ignored").status).toBe(0);
    const { stdout, status } = diff("--no-ignore", "/etc/ignored");
    expect([stdout, status]).toEqual(["/etc/ignored\n", 1]);
  });

  test("the letter of the status and a tab with --status", () => {
    expect(diff("--status", "/var/lib").stdout).toBe("A\t/var/lib/a\n");
    expect(diff("--status", "-0", "/var/lib").stdout).toBe("A\t/var/lib/a\0");
  });

  test("one JSON object a line", () => {
    const { stdoutBytes, status } = diff("--json");
    const text = new TextDecoder("utf-8", { fatal: true }).decode(stdoutBytes);
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
    const records = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const paths = records.map(({ path, path_bytes }) =>
      path_bytes === undefined ? path : Buffer.from(path_bytes, "base64").toString("latin1"),
    );
    expect(paths).toEqual([...HOSTILE, ...FILES]);
    expect(status).toBe(1);
    expect(records.find(({ path }) => path === "/var/lib/a")).toEqual({
      path: "/var/lib/a",
      status: "A",
      type: "file",
      fate: "lost",
      reason: "not listed",
      size: 11,
      mode: "0644",
      uid: 0,
      gid: 0,
      mtime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/),
    });
  });

  test("nothing, with status 0, where nothing is lost", () => {
    const { stdout, status } = diff("/empty");
    expect([stdout, status]).toEqual(["", 0]);
  });

  test("names escaped on a terminal", async () => {
    const words = ["fs-diff", "--profile", machine.profile];
    const { screen } = await converse(words, { until: "never", answer: "" });
    expect(screen).toContain("/etc/escape\\x1b[2J");
    expect(screen).toContain("/etc/two\\nlines");
    expect(screen).not.toContain("\x1b[2J");
  });

  test("quietly to a reader that goes away", () => {
    for (let i = 0; i < 3000; i++) machine.write("root", `/many/${"x".repeat(200)}${i}`);
    const command = `"$@" 2>"$LOG" | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const log = machine.scratch.path("log");
    const words = [...COMMAND, "fs-diff", "--quiet", "--profile", machine.profile];
    const said = sh(["bash", "-c", command, "bash", ...words], { env: { LOG: log } });
    expect(said).toBe("/etc/escape\x1b[2J\n1\n");
    expect(sh(["cat", log])).toBe("");
  });

  describe.each<[string, string[], number, RegExp]>([
    ["a relative PATH", ["etc"], 2, /expected an absolute path/],
    ["a PATH with ..", ["/etc/../etc"], 2, /without "\.\."/],
    ["a PATH that neither side has", ["/ect"], 2, /\/ect: no such path/],
    ["--json with -0", ["--json", "-0"], 2, /expected one of them/],
    ["an unknown flag", ["--stauts"], 2, /did you mean --status/],
    ["a base that is no subvolume", ["--base", "/tmp"], 3, /not on btrfs/],
    ["a root that isn't there", ["--root", "/nowhere"], 2, /no such directory/],
  ])("nothing for %s", (_, words, expected, message) => {
    test("and says why", () => {
      const { stdout, stderr, status } = diff(...words);
      expect(stderr).toMatch(message);
      expect([stdout, status]).toEqual(["", expected]);
    });
  });

  test("what lies at a PATH whose name is not UTF-8", () => {
    // The test runner itself can't pass such a word on.
    const command = `"$@" $'/etc/not-utf8-\\xff' | od -A n -c; exit "\${PIPESTATUS[0]}"`;
    const words = [...COMMAND, "fs-diff", "--quiet", "--profile", machine.profile];
    const said = Bun.spawnSync(["bash", "-c", command, "bash", ...words]);
    expect(said.stdout.toString().replace(/\s+/g, "")).toBe("/etc/not-utf8-377\\n");
    expect(said.exitCode).toBe(1);
  });

  test("nothing without a root, nor without a profile", () => {
    const { status, stderr } = blankroot(["fs-diff"]);
    expect(status).toBe(2);
    expect(stderr).toContain("Cannot find a profile");
  });
});

const FILES = ["/var/lib.d/b", "/var/lib/a", "/var/pipe"];

function lines(paths: readonly string[]): string {
  return paths.map((path) => `${path}\n`).join("");
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

function latin1(data: Uint8Array): string {
  return Buffer.from(data).toString("latin1");
}
