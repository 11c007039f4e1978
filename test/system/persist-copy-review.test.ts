import { expect, test } from "bun:test";
import { linkSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { missingLine, staleLine } from "../../tools/copy-schema.ts";
import { blankroot, COMMAND } from "../support/blankroot.ts";
import { sh } from "../support/disk.ts";
import { Machine } from "../support/machine.ts";
import { describePrivileged } from "../support/privileged.ts";
import { digestTree } from "../support/tree-digest.ts";

const LISTS = `[persist]
directories = ["/etc/nixos", "/var/lib/nixos", "/var/lib/gone"]
files = ["/etc/machine-id", "/etc/adjtime", "/etc/linked"]

[users.me]
password_file = "/persist/passwords/me"
`;

function filled(): Machine {
  const machine = new Machine(LISTS);
  machine.write(
    "persist",
    "/etc/nixos/flake.nix",
    "/etc/machine-id",
    "/etc/old.conf",
    "/var/lib/nixos/uid-map",
    "/var/lib/app/data",
    "/var/lib/app/deep/more",
    "/var/lib/blankroot/fs-diff.mark",
    "/etc/blankroot/config.toml",
    "/passwords/me",
    "/passwords/former",
  );
  mkdirSync(machine.in("persist/.blankroot-unfinished"), { mode: 0o700 });
  return machine;
}

const STALE = ["/persist/etc/old.conf", "/persist/passwords/former", "/persist/var/lib/app/"];

describePrivileged("persist-copy --stale", () => {
  test("lists what is in no list, a whole directory once, and writes nothing", () => {
    using machine = filled();
    const before = digestTree(machine.in("persist"));
    const ran = machine.run("persist-copy", "--stale");
    expect(ran.stdout.split("\n")).toEqual([...STALE, ""]);
    expect(ran.stderr).toMatch(/3 paths in no list, 73 bytes in all/);
    expect(ran.status).toBe(1);
    expect(machine.run("persist-copy", "--stale", "-0").stdout).toBe(
      STALE.map((path) => `${path}\0`).join(""),
    );
    expect(digestTree(machine.in("persist"))).toBe(before);
  });

  test("ends with 0 where everything is listed", () => {
    using machine = filled();
    for (const path of ["etc/old.conf", "passwords/former", "var/lib/app"])
      sh(["rm", "-r", machine.in("persist", path)]);
    const ran = machine.run("persist-copy", "--stale");
    expect([ran.status, ran.stdout]).toEqual([0, ""]);
    expect(ran.stderr).toContain("the lists name all that the persist root holds");
  });

  test("follows no link, counts a file with two names once, and knows subvolumes", () => {
    using machine = filled();
    symlinkSync("/", machine.in("persist/var/lib/app/root"));
    symlinkSync("/etc", machine.in("persist/stale-link"));
    writeFileSync(machine.in("persist/var/lib/app/big"), "x".repeat(5000));
    linkSync(machine.in("persist/var/lib/app/big"), machine.in("persist/var/lib/app/other"));
    sh(["btrfs", "--quiet", "subvolume", "create", machine.in("persist/snapshots")]);
    const ran = machine.run("persist-copy", "--stale", "--json");
    const records = ran.stdout
      .trim()
      .split("\n")
      .map((line) => staleLine.parse(JSON.parse(line)));
    const of = (path: string) => records.find((record) => record.path === path);
    expect(of("/persist/var/lib/app/")).toMatchObject({
      kind: "stale",
      type: "directory",
      count: 7,
      bytes: 5000 + 18 + 23,
      place: { path: "/var/lib/app" },
    });
    expect(of("/persist/stale-link")).toMatchObject({ type: "symlink", count: 1, bytes: 0 });
    expect(of("/persist/snapshots/")).toMatchObject({ type: "subvolume" });
    expect(records).toHaveLength(5);
  });

  test("takes what is mounted from there now for used", () => {
    using machine = filled();
    sh(["mount", "--bind", machine.in("persist/var/lib/app/deep"), machine.scratch.mkdir("bound")]);
    const ran = machine.run("persist-copy", "--stale");
    expect(ran.stdout.split("\n")).toEqual([...STALE.slice(0, 2), "/persist/var/lib/app/data", ""]);
  });

  test("names are bytes; a line can't hold a newline", () => {
    using machine = filled();
    const odd = Buffer.from("/odd\nname\xff", "latin1");
    writeFileSync(Buffer.concat([Buffer.from(machine.in("persist")), odd]), "");
    const lines = machine.run("persist-copy", "--stale");
    expect(lines.stdout).not.toContain("odd");
    expect(lines.stderr).toContain("1 path left out: a name in it contains a newline");
    const nul = Buffer.from(machine.run("persist-copy", "--stale", "-0").stdoutBytes);
    expect(nul.includes(Buffer.concat([Buffer.from("/persist"), odd, Buffer.from([0])]))).toBe(
      true,
    );
  });

  test("shows sizes and ages on a terminal", () => {
    using machine = filled();
    utimesSync(machine.in("persist/etc/old.conf"), 1e9, 1e9);
    const words = [...COMMAND, "persist-copy", "--stale", "--profile", machine.profile];
    const shown = sh(["script", "--quiet", "--command", words.join(" "), "/dev/null"]);
    expect(shown).toMatch(/ 14 bytes {4}\d\d years {2}\/persist\/etc\/old\.conf/);
    expect(shown).toMatch(/ 0 minutes {2}\/persist\/var\/lib\/app\//);
  });

  test("looks at a persist root alone where there is no root", () => {
    using machine = filled();
    sh(["btrfs", "--quiet", "subvolume", "delete", machine.in("root")]);
    expect(machine.run("persist-copy", "--stale").status).toBe(3);
    const ran = machine.run("persist-copy", "--stale", "--persist", machine.in("persist"));
    expect(ran.stdout.split("\n")).toEqual([...STALE, ""]);
    expect(ran.stderr).toContain("looking at the persist root alone");
  });

  test("ends quietly when nobody reads on", () => {
    using machine = filled();
    const words = [...COMMAND, "persist-copy", "--quiet", "--profile", machine.profile, "--stale"];
    const script = '"$@" | exec 0<&-; echo "$PIPESTATUS"';
    expect(sh(["bash", "-c", script, "bash", ...words]).trim()).toMatch(/^1$/);
  });
});

describePrivileged("persist-copy --missing", () => {
  test("lists what is listed and not there, and tells what a copy would save", () => {
    using machine = filled();
    machine.write("root", "/etc/adjtime");
    machine.link("/etc/linked", "/persist/etc/linked");
    const ran = machine.run("persist-copy", "--missing");
    expect(ran.stdout).toBe("/var/lib/gone\n/etc/adjtime\n/etc/linked\n");
    expect(ran.stderr).toContain(
      "3 paths missing, 1 of them in the root: persist-copy saves what is there",
    );
    expect(ran.status).toBe(1);
    const json = machine.run("persist-copy", "--missing", "--json").stdout.trim().split("\n");
    expect(json.map((line) => missingLine.parse(JSON.parse(line)))).toEqual([
      { kind: "missing", path: "/var/lib/gone", list: "directories", in_root: false },
      { kind: "missing", path: "/etc/adjtime", list: "files", in_root: true },
      { kind: "missing", path: "/etc/linked", list: "files", in_root: false },
    ]);
    sh(["btrfs", "--quiet", "subvolume", "delete", machine.in("root")]);
    const alone = machine.run(
      "persist-copy",
      "--missing",
      "--json",
      "--persist",
      machine.in("persist"),
    );
    expect(alone.stdout).toContain('"in_root":null');
    expect(readdirSync(machine.in("persist/etc")).sort()).toEqual([
      "blankroot",
      "machine-id",
      "nixos",
      "old.conf",
    ]);
  });

  test("finds what a copy has left it nothing to find", () => {
    using machine = new Machine('[persist]\nfiles = ["/etc/machine-id"]\n');
    machine.write("root", "/etc/machine-id");
    expect(machine.run("persist-copy", "--missing").status).toBe(1);
    expect(machine.run("persist-copy").status).toBe(0);
    const ran = machine.run("persist-copy", "--missing");
    expect([ran.status, ran.stdout]).toEqual([0, ""]);
  });
});

test.each([
  [["--stale", "--missing"], /--stale and --missing/],
  [["--stale", "--add"], /--stale and --add/],
  [["--missing", "--dry-run"], /--missing and --dry-run/],
  [["--nix", "--json"], /--nix and --json/],
  [["--stale", "/etc"], /expected no PATH/],
])("persist-copy %p is refused", (words, message) => {
  const ran = blankroot(["persist-copy", ...words]);
  expect(ran.stderr).toMatch(message);
  expect(ran.status).toBe(2);
});
