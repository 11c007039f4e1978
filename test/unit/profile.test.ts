/** Profiles as people write them: what comes out, and every way to be wrong. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UsageFault } from "../../lib/fault.ts";
import { readProfile } from "../../lib/profile/read.ts";

const EXAMPLE = readFileSync(join(import.meta.dir, "../../config.toml"));
const LEAST = `version = 1
[host]
name = "vm"
state_version = "26.05"
[disk]
device = "/dev/vda"
`;

const read = (text: string) => readProfile("p.toml", Buffer.from(text));

function faultOf(bytes: string | Uint8Array, file = "p.toml"): string {
  try {
    readProfile(file, Buffer.from(bytes as Uint8Array));
  } catch (error) {
    expect(error).toBeInstanceOf(UsageFault);
    return (error as UsageFault).message;
  }
  throw new Error("expected a fault, got a profile");
}

describe("readProfile() reads", () => {
  test("the example as it stands", () => {
    const profile = readProfile("config.toml", EXAMPLE);
    expect(profile).toMatchSnapshot();
    // It is kept as JSON beside the line for a login.
    expect(JSON.parse(JSON.stringify(profile))).toStrictEqual(profile);
  });

  test("the least there can be, with the defaults that the example shows", () => {
    const least = read(LEAST);
    const example = readProfile("config.toml", EXAMPLE);
    expect(least.btrfs).toEqual(example.btrfs);
    expect(least.rollback).toEqual(example.rollback);
    expect(least.disk).toEqual({ device: "/dev/vda", esp: 1024 ** 3, label: "Butter" });
    expect(least.host).toEqual({
      name: "vm",
      state_version: "26.05",
      network: "networkmanager",
      target: "/mnt",
    });
    expect(least.persist).toEqual({
      module: "impermanence",
      root: "/persist",
      directories: [],
      files: [],
      ignore: [],
    });
    expect(least.users).toEqual({});
    expect(least.ssh).toEqual({ enable: false });
  });

  test("what the example has commented out", () => {
    const text = EXAMPLE.toString().replace(/^# (\[disk\.encryption\]|mapper =)/gm, "$1");
    expect(read(text).disk.encryption).toEqual({ mapper: "cryptroot" });
  });

  test("a short and a long form in one list, and in one table", () => {
    const profile = read(`${LEAST}
[persist]
directories = ["/etc/a", { path = "/etc/b", user = "me", mode = "0700" }]
[btrfs.subvolumes]
persist = "/persist"
"my data" = { mount = "/srv" }
`);
    expect(profile.persist.directories).toEqual([
      { path: "/etc/a" },
      { path: "/etc/b", user: "me", mode: "0700" },
    ]);
    expect(profile.btrfs.subvolumes).toEqual({
      persist: { mount: "/persist", options: [] },
      "my data": { mount: "/srv", options: [] },
    });
  });

  test("names that every object of JavaScript has", () => {
    const profile = read(`${LEAST}
[btrfs.subvolumes]
persist = "/persist"
constructor = "/srv"
toString = "/opt"
[users.constructor]
wheel = true
`);
    expect(Object.keys(profile.btrfs.subvolumes)).toEqual(["persist", "constructor", "toString"]);
    expect(Object.entries(profile.users)).toEqual([["constructor", { wheel: true, keys: [] }]]);
  });

  test("lines that end as on Windows", () => {
    expect(read(LEAST.replaceAll("\n", "\r\n"))).toEqual(read(LEAST));
  });
});

describe("readProfile() tells file, line and column of broken TOML:", () => {
  test.each([
    ["a bare word", "version = 1\n[host]\nname = vm\n", "3:8"],
    ["a value left out", "version = 1\nname =\n[host]\n", "2:7"],
    ["an open string", 'version = 1\nname = "vm\n', "2:11"],
    ["an open list", "a = [1,\n", "2:1"],
    ["a key twice", "a = 1\na = 2\n", "2:1"],
    ["a table twice", "[a]\nb = 1\n[a]\n", "3:2"],
    ["two on a line", "a = 1 b = 2\n", "1:7"],
    ["a date that is none", "a = 1\nb = 2026-13-45\n", "2:5"],
    ["a column after wide characters", 'a = "é日" x\n', "1:10"],
    ["a lone carriage return", "a = 1\rb = 2\n", "1:6"],
    ["a control character", 'a = "\u001b[2J"\n', "1:6"],
    ["brackets without end", `a = ${"[".repeat(3000)}`, "1:"],
  ])("%s", (_, text, at) => {
    expect(faultOf(text)).toStartWith(`Cannot use the profile: p.toml:${at}`);
    expect(faultOf(text)).toContain(": not TOML: ");
  });
});

test.each([
  ["a bare word", "name = vm\n", "invalid value, expected text in quotes or a number"],
  ["a value left out", "name = \r\n", "a value is missing"],
  ["a quote left out", 'name = "vm\n', "the string has no closing quote on its line"],
  ["a control character", 'name = "v\u0007"\n', "control characters are not allowed in strings"],
])("readProfile() says what was forgotten: %s", (_, text, reason) => {
  expect(faultOf(text)).toEndWith(`: not TOML: ${reason}`);
});

describe("readProfile() tells what is no text:", () => {
  test.each([
    ["a byte order mark", [0xef, 0xbb, 0xbf, 0x61], "1:1: begins with a byte order mark"],
    ["a NUL", [0x23, 0x0a, 0x23, 0xc3, 0xa9, 0x00], "2:3: holds a NUL byte"],
    ["a byte that is no UTF-8", [0x23, 0x0a, 0x23, 0xff], "2:2: is not UTF-8"],
    ["one behind a true U+FFFD", [0x23, 0xef, 0xbf, 0xbd, 0xff], "1:3: is not UTF-8"],
    ["a character cut short at the end", [0x23, 0xe2, 0x82], "1:2: is not UTF-8"],
  ])("%s", (_, bytes, message) => {
    expect(faultOf(Uint8Array.from(bytes))).toContain(`p.toml:${message}`);
  });
});

/** What stands after the least profile, and the one fault that it makes. */
describe("readProfile() tells line, column and key of", () => {
  test.each([
    [
      "a key that is near another",
      '[disk.swap]\nkind = "file"\nsise = "1GiB"\nsize = "1GiB"',
      "9:1: disk.swap.sise: unknown key, did you mean size?",
    ],
    [
      "a table that is near another",
      "[roll_back]\n",
      "7:2: roll_back: unknown key, did you mean rollback?",
    ],
    [
      "a key near none",
      "[ssh]\nqqqqqqqq = 1",
      "8:1: ssh.qqqqqqqq: unknown key, expected one of enable",
    ],
    [
      "a key in an inline table",
      "[rollback]\nkeep = { dais = 3 }",
      "8:10: rollback.keep.dais: unknown key, did you mean days?",
    ],
    [
      "a key in a list",
      '[persist]\nfiles = [\n  "/a",\n  { path = "/b", usr = "x" },\n]',
      "10:18: persist.files[1].usr: unknown key, did you mean user?",
    ],
    [
      "a key of a subvolume",
      '[btrfs.subvolumes]\npersist = "/persist"\na = { mount = "/a", option = [] }',
      "9:21: btrfs.subvolumes.a.option: unknown key, did you mean options?",
    ],
    [
      "a key below a quoted name",
      '[btrfs.subvolumes."a b"]\nmount = "/persist"\nx = 1',
      '9:1: btrfs.subvolumes."a b".x: unknown key',
    ],
    [
      "a key missing",
      '[disk.swap]\nkind = "file"',
      "7:7: disk.swap.size: is missing, expected a string",
    ],
    [
      "a word that is none of the choices",
      '[rollback]\nstage1 = "systmd"',
      '8:10: rollback.stage1: is "systmd", expected "systemd" or "scripted"',
    ],
    [
      "a table for a string",
      "[btrfs]\nroot = {}",
      "8:8: btrfs.root: is a table, expected a string",
    ],
    [
      "a string for a list",
      '[persist]\nignore = "/a"',
      "8:10: persist.ignore: is a string, expected a list",
    ],
    ["a date", "[btrfs]\nroot = 2026-01-01", "8:8: btrfs.root: is a date, expected a string"],
    [
      "a fraction",
      "[rollback]\nkeep = { days = 1.5 }",
      "8:17: rollback.keep.days: is the number 1.5, expected a whole number",
    ],
    [
      "less than nothing",
      "[rollback]\nkeep = { days = -1 }",
      "8:17: rollback.keep.days: is -1, expected at least 0",
    ],
    ["no number", "[rollback]\nkeep = { days = nan }", "8:17: rollback.keep.days: "],
    [
      "a number that wraps to 1 in 64 bits",
      "[rollback]\nkeep = { days = 18446744073709551617 }",
      "8:17: not TOML: integer value cannot be represented losslessly",
    ],
    [
      "a list for an entry",
      "[persist]\nfiles = [[]]",
      "8:10: persist.files[0]: expected a string or a table",
    ],
    [
      "a number for an entry",
      "[persist]\nfiles = [3]",
      "8:10: persist.files[0]: is 3, expected a string or a table",
    ],
    [
      "a relative path in a short form",
      '[persist]\nfiles = ["etc/a"]',
      '8:10: persist.files[0]: is "etc/a", expected an absolute path',
    ],
    [
      "a relative path in a long form",
      '[persist]\nfiles = [{ path = "etc/a" }]',
      '8:19: persist.files[0].path: is "etc/a", expected an absolute path',
    ],
    [
      "a size",
      '[disk.swap]\nkind = "file"\nsize = "8G"',
      '9:8: disk.swap.size: is "8G", expected a whole number from 1 on with KiB',
    ],
    [
      "a size that no partition can have",
      '[disk.swap]\nkind = "partition"\nsize = "1000KiB"',
      '9:8: disk.swap.size: is "1000KiB", expected whole MiB',
    ],
    [
      "a mode that is a number",
      '[persist]\ndirectories = [{ path = "/a", mode = 700 }]',
      "8:38: persist.directories[0].mode: is the number 700, expected a string",
    ],
    [
      "a subvolume that would climb",
      '[btrfs.subvolumes]\npersist = "/persist"\n".." = "/a"',
      '9:1: btrfs.subvolumes."..": not a good name',
    ],
    [
      "a subvolume named __proto__",
      '[btrfs.subvolumes]\npersist = "/persist"\n__proto__ = "/a"',
      "9:1: btrfs.subvolumes.__proto__: cannot be a name",
    ],
    [
      "a user named __proto__",
      "[users.__proto__]\nwheel = true",
      "7:8: users.__proto__: cannot be a name",
    ],
    ["a table named __proto__", "[__proto__]\nwheel = true", "7:2: __proto__: cannot be a name"],
    ["a user's name", "[users.Bob]", "7:8: users.Bob: not a good name"],
    [
      "a btrfs option on one subvolume",
      '[btrfs.subvolumes]\npersist = { mount = "/persist", options = ["nodev", "compress=zstd"] }',
      '8:53: btrfs.subvolumes.persist.options[1]: is "compress=zstd", not an option of a single mount',
    ],
    [
      "a subvolume among the options of all",
      '[btrfs]\nmount_options = ["noatime", "subvol=a"]',
      "8:29: btrfs.mount_options[1]: ",
    ],
  ])("%s", (_, text, message) => {
    const fault = faultOf(`${LEAST}${text}\n`);
    expect(fault).toStartWith(`Cannot use the profile: p.toml:${message}`);
    expect(fault).not.toContain("\n");
  });
});

/** Settings that are right by themselves; both keys are named. */
describe("readProfile() refuses together", () => {
  const SUBVOLUMES = '[btrfs.subvolumes]\npersist = "/persist"\nhome = "/home"\n';
  test.each([
    [
      "root and blank alike",
      '[btrfs]\nroot = "a"\nblank = "a"',
      ["9:9: btrfs.blank: ", "btrfs.root"],
    ],
    [
      "root and old_roots alike",
      '[btrfs]\nold_roots = "root"',
      ["8:13: btrfs.old_roots: ", "btrfs.root"],
    ],
    [
      "a root that survives",
      '[btrfs]\nroot = "home"',
      ["8:8: btrfs.root: ", "btrfs.subvolumes.home"],
    ],
    [
      "a blank that survives",
      '[btrfs]\nblank = "home"',
      ["8:9: btrfs.blank: ", "btrfs.subvolumes.home"],
    ],
    [
      "old roots that survive",
      '[btrfs]\nold_roots = "home"',
      ["8:13: btrfs.old_roots: ", "btrfs.subvolumes.home"],
    ],
    [
      "two subvolumes at one place",
      `${SUBVOLUMES}b = "/home"`,
      ["10:5: btrfs.subvolumes.b: ", "btrfs.subvolumes.home"],
    ],
    [
      "a persist root on none",
      '[persist]\nroot = "/keep"',
      ["8:8: persist.root: is /keep", "btrfs.subvolumes"],
    ],
    [
      "a persist root beside a mount that begins alike",
      '[persist]\nroot = "/persisted"',
      ["8:8: persist.root: ", "btrfs.subvolumes"],
    ],
    [
      "a password file that is wiped",
      '[users.me]\npassword_file = "/etc/pw"',
      ["8:17: users.me.password_file: ", "btrfs.subvolumes"],
    ],
    [
      "preservation in a scripted stage 1",
      '[persist]\nmodule = "preservation"\n[rollback]\nstage1 = "scripted"',
      ["8:10: persist.module: ", "rollback.stage1"],
    ],
    [
      "a file's owner with impermanence",
      '[persist]\nfiles = [{ path = "/a", user = "me" }]',
      ["8:32: persist.files[0].user: ", "persist.module"],
    ],
    [
      "a path listed twice",
      '[persist]\nfiles = ["/a", "/a"]',
      ["8:16: persist.files[1]: ", "persist.files[0]"],
    ],
    [
      "a file that is a directory too",
      '[persist]\nfiles = ["/a"]\ndirectories = ["/a"]',
      ["8:10: persist.files[0]: ", "persist.directories[0]"],
    ],
    [
      "a file with something below it",
      '[persist]\nfiles = ["/a"]\ndirectories = ["/a/b"]',
      ["9:16: persist.directories[0]: ", "persist.files[0]"],
    ],
    [
      "a path that survives anyway",
      '[persist]\nfiles = ["/home/me/a"]',
      ["8:10: persist.files[0]: ", "btrfs.subvolumes.home"],
    ],
    [
      "a path within the persist root",
      '[persist]\nfiles = ["/persist/a"]',
      ["8:10: persist.files[0]: ", "persist.root"],
    ],
    [
      "a path that holds the persist root",
      '[persist]\ndirectories = ["/keep"]\nroot = "/keep/it"\n[btrfs.subvolumes]\nx = "/keep/it"',
      ["8:16: persist.directories[0]: ", "persist.root"],
    ],
    [
      "an ignored file that is kept",
      '[persist]\nfiles = ["/etc/a"]\nignore = ["/b", "/etc/*"]',
      ["9:17: persist.ignore[1]: ", "persist.files[0]"],
    ],
    [
      "an ignored place in a kept directory",
      '[persist]\ndirectories = ["/a"]\nignore = ["/a/cache/**"]',
      ["9:11: persist.ignore[0]: ", "persist.directories[0]"],
    ],
    [
      "opposite options of all",
      '[btrfs]\nmount_options = ["ro", "rw"]',
      ["8:17: btrfs.mount_options: ", "ro and rw"],
    ],
    [
      "opposite options of a mount",
      '[btrfs.subvolumes]\npersist = { mount = "/persist", options = ["dev", "nodev"] }',
      ["8:43: btrfs.subvolumes.persist.options: ", "dev and nodev"],
    ],
    [
      "a swap file where a subvolume is",
      `${SUBVOLUMES}swap = "/x"\n[disk.swap]\nkind = "file"\nsize = "1GiB"`,
      ["10:8: btrfs.subvolumes.swap: ", "disk.swap.kind"],
    ],
    [
      "a swap file where the old roots are",
      '[btrfs]\nold_roots = "swap"\n[disk.swap]\nkind = "file"\nsize = "1GiB"',
      ["8:13: btrfs.old_roots: ", "disk.swap.kind"],
    ],
    [
      "a device outside of the encryption",
      '[btrfs]\ndevice = "/dev/sdb1"\n[disk.encryption]\nmapper = "c"',
      ["8:10: btrfs.device: ", "disk.encryption.mapper"],
    ],
  ])("%s", (_, text, parts) => {
    const fault = faultOf(`${LEAST}${text}\n`);
    for (const part of parts) expect(fault).toContain(part);
    expect(fault).not.toContain("\n");
  });

  test.each([
    [
      "a device within the encryption",
      '[btrfs]\ndevice = "/dev/mapper/c"\n[disk.encryption]\nmapper = "c"',
    ],
    ["a kept directory above a surviving mount", '[persist]\ndirectories = ["/var"]'],
    ["a kept directory in another", '[persist]\ndirectories = ["/etc/a", "/etc/a/b"]'],
    ["no old roots at all", "[rollback]\nkeep = { days = 0, at_least = 0 }"],
    ["a swap subvolume without a swap file", `${SUBVOLUMES}swap = "/swap"`],
    ["a persist root below a mount", '[persist]\nroot = "/persist/system"'],
  ])("but not %s", (_, text) => {
    expect(() => read(`${LEAST}${text}\n`)).not.toThrow();
  });
});

describe("readProfile() with several faults", () => {
  test("lists all of them, in the order of the file", () => {
    const text = `version = 1
[host]
name = "a b"
[disk]
devise = "/dev/vda"
[btrfs]
root = "x"
blank = "x"
[persist]
root = "/keep"
`;
    expect(
      faultOf(text)
        .split("\n")
        .map((line) => line.trim().split(": ").slice(0, 2).join(": ")),
    ).toEqual([
      "Cannot use the profile p.toml: 6 faults",
      "p.toml:2:2: host.state_version",
      "p.toml:3:8: host.name",
      "p.toml:4:2: disk.device",
      "p.toml:5:1: disk.devise",
      "p.toml:8:9: btrfs.blank",
      "p.toml:10:8: persist.root",
    ]);
  });

  test("looks below a bad name as well", () => {
    const fault = faultOf(`${LEAST}[btrfs.subvolumes]\n"a/b" = { mount = "x", mode = 1 }\n`);
    expect(fault).toContain('p.toml:8:1: btrfs.subvolumes."a/b": not a good name');
    expect(fault).toContain('p.toml:8:19: btrfs.subvolumes."a/b".mount: is "x", expected');
    expect(fault).toContain('p.toml:8:24: btrfs.subvolumes."a/b".mode: unknown key');
  });

  test("lists fifty and counts the rest", () => {
    const text =
      LEAST + Array.from({ length: 60 }, (_, index) => `qqqqqqqqq${index} = 1`).join("\n");
    const lines = faultOf(text).split("\n");
    expect(lines).toHaveLength(52);
    expect(lines.at(-1)).toBe("  and 10 more");
  });
});

describe("readProfile() in its errors", () => {
  test("lets nothing drive the terminal", () => {
    const fault = faultOf(`${LEAST}"\\u001b[2J" = 1\n`, "p\u001b.toml");
    expect(fault).toContain("p\\x1b.toml:7:1");
    expect(fault).not.toMatch(/\u001b/);
  });

  test("repeats nothing of what stands below a user", () => {
    const secret = "hunter2hunter2";
    const text = `${LEAST}[users.me]\nkeys = ["${secret}"]\npassword_file = "${secret}"\npassword = "${secret}"\n`;
    expect(faultOf(text)).toContain(
      "users.me.password: unknown key, expected one of wheel, keys, password_file",
    );
    expect(faultOf(text)).not.toContain(secret);
  });

  test("repeats no line of broken TOML", () => {
    expect(faultOf('version = 1\npassword = "hunter2\n')).not.toContain("hunter2");
  });

  test("shortens what is long", () => {
    expect(faultOf(`${LEAST}[rollback]\nstage1 = "${"x".repeat(5000)}"\n`).length).toBeLessThan(
      300,
    );
  });

  test("survives what is deep", () => {
    expect(faultOf(`${LEAST}a = ${"[".repeat(9000)}${"]".repeat(9000)}\n`)).toContain("p.toml:");
    expect(faultOf(`${LEAST}[${"a.".repeat(9000)}a]\n`)).toContain("p.toml:7:2: a: unknown key");
  });
});
