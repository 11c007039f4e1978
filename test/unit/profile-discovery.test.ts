/** How a profile is found, and whose files are taken without being named. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Refusal, UsageFault } from "../../lib/fault.ts";
import { loadProfile } from "../../lib/host/profile.ts";

const TEXT = `# a comment, then a blank line

version = 1
[host]
name = "vm"
state_version = "26.05"
[disk]
device = "/dev/vda"
`;
const STRANGER = 65_534;

let dir: string;
let file: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "blankroot-unit-"));
  mkdirSync(join(dir, "etc"));
  file = join(dir, "etc", "config.toml");
  writeFileSync(file, TEXT, { mode: 0o644 });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const found = (...places: string[]) =>
  loadProfile({ flag: undefined, env: undefined, mode: "found" }, places);
const named = (flag: string | undefined, env?: string) =>
  loadProfile({ flag, env, mode: "named" }, [file]);

describe("loadProfile() chooses", () => {
  test("the flag before the variable", () => {
    expect(named(file, "/nowhere").file).toBe(file);
  });

  test("the variable before what is found", () => {
    const other = join(dir, "other.toml");
    writeFileSync(other, TEXT.replace('"vm"', '"other"'));
    const loaded = loadProfile({ flag: undefined, env: other, mode: "found" }, [file]);
    expect([loaded.file, loaded.profile.host.name]).toEqual([other, "other"]);
  });

  test("the first that is there", () => {
    expect(found(join(dir, "none/config.toml"), join(dir, "config.toml"), file).file).toBe(file);
  });

  test("what is found where the variable is empty", () => {
    const loaded = loadProfile({ flag: undefined, env: "", mode: "found" }, [file]);
    expect(loaded.file).toBe(file);
  });

  test("nothing, naming the places, where there is none", () => {
    const places = [join(dir, "a"), join(dir, "b")];
    expect(() => found(...places)).toThrow(UsageFault);
    expect(() => found(...places)).toThrow(places.join(", "));
  });

  test("nothing found for what erases, naming what it could have been", () => {
    expect(() => named(undefined)).toThrow(UsageFault);
    expect(() => named(undefined)).toThrow(/expected --profile FILE/);
    try {
      named(undefined, "");
    } catch (error) {
      expect((error as UsageFault).hint).toBe(`${file} is there: --profile ${file} takes it`);
    }
  });
});

describe("loadProfile() takes a named file", () => {
  test("whosever it is", () => {
    chmodSync(file, 0o666);
    expect(named(file).profile.host.name).toBe("vm");
  });

  test.each([16_383, 16_384, 16_385, 100_000, 2 ** 20])("of %d bytes", (bytes) => {
    const path = join(dir, "padded.toml");
    const host = TEXT.replace("vm", "last");
    writeFileSync(path, `# ${"x".repeat(bytes - host.length - 3)}\n${host}`);
    expect(statSync(path).size).toBe(bytes);
    expect(named(path).profile.host.name).toBe("last");
  });

  test.each([
    ["that is not there", () => join(dir, "none"), /ENOENT/],
    ["that is a directory", () => dir, /directory, expected a file/],
    ["that is too large", () => large(), /larger than 1 MiB/],
    ["that is empty", () => empty(), /version: is missing/],
  ])("but not one %s", (_, path, message) => {
    const given = path();
    expect(() => named(given)).toThrow(UsageFault);
    expect(() => named(given)).toThrow(message);
  });

  test("from a pipe", () => {
    const child = Bun.spawnSync({
      cmd: ["sh", "-c", `cat "$1" | "$2" -e "$3"`, "sh", file, process.execPath, program()],
      cwd: join(import.meta.dir, "../.."),
    });
    expect(child.stdout.toString()).toBe("vm\n");
  });
});

describe("loadProfile() takes a found file", () => {
  test("through symlinks of root or the caller, relative ones and with ..", () => {
    symlinkSync("etc/../etc/config.toml", join(dir, "link"));
    symlinkSync(join(dir, "link"), join(dir, "link2"));
    expect(found(join(dir, "link2")).profile.host.name).toBe("vm");
  });

  test("below a directory that all may write to, if it is sticky", () => {
    chmodSync(join(dir, "etc"), 0o1777);
    expect(found(file).profile.host.name).toBe("vm");
  });
});

describe("loadProfile() refuses a found file", () => {
  test.each([
    [
      "that its group may write to",
      () => chmodSync(file, 0o664),
      /others may write to it \(mode 0664\)/,
    ],
    ["that all may write to", () => chmodSync(file, 0o646), /others may write to it/],
    [
      "below a directory that all may write to",
      () => chmodSync(join(dir, "etc"), 0o777),
      /directory above it \(mode 0777\)/,
    ],
    [
      "below a directory that its group may write to",
      () => chmodSync(dir, 0o775),
      /directory above it \(mode 0775\)/,
    ],
    ["that is a directory", () => replace(() => mkdirSync(file)), /no regular file/],
    ["that is a pipe", () => replace(() => Bun.spawnSync(["mkfifo", file])), /no regular file/],
    [
      "that is a symlink to nowhere",
      () => replace(() => symlinkSync("none", file)),
      /leads nowhere/,
    ],
    [
      "that is a symlink to itself",
      () => replace(() => symlinkSync("config.toml", file)),
      /too many symlinks/,
    ],
    ["below a file", () => replaceAll(() => writeFileSync(join(dir, "etc"), "")), /no directory/],
    [
      "that begins otherwise",
      () => writeFileSync(file, `[a]\n${TEXT}`),
      /first key is not version/,
    ],
    ["that is empty", () => writeFileSync(file, "# nothing\n"), /first key is not version/],
  ])("%s", (_, change, message) => {
    change();
    expect(() => found(file)).toThrow(Refusal);
    expect(() => found(file)).toThrow(message);
  });

  test("and passes over to no other place", () => {
    const other = join(dir, "config.toml");
    writeFileSync(other, TEXT);
    chmodSync(file, 0o666);
    expect(() => found(file, other)).toThrow(Refusal);
  });

  test("with a hint that names it", () => {
    chmodSync(file, 0o666);
    try {
      found(file);
    } catch (error) {
      expect((error as Refusal).hint).toBe(`--profile ${file} takes it, if you mean it`);
    }
    expect.assertions(1);
  });
});

describe.if(process.getuid?.() === 0)("loadProfile() as root refuses a found file", () => {
  test.each([
    [
      "of another user",
      () => chownSync(file, STRANGER, 0),
      /it belongs to user 65534, expected root/,
    ],
    [
      "below a directory of another user",
      () => chownSync(join(dir, "etc"), STRANGER, 0),
      /a directory above it belongs/,
    ],
    [
      "through a symlink of another user",
      () => plantLink(),
      /the symlink config.toml on the way to it belongs/,
    ],
    [
      "through a symlink of another user above it",
      () => plantLinkAbove(),
      /the symlink etc on the way to it belongs/,
    ],
  ])("%s", (_, change, message) => {
    change();
    expect(() => found(file)).toThrow(Refusal);
    expect(() => found(file)).toThrow(message);
  });
});

function replace(make: () => void): void {
  rmSync(file);
  make();
}

function replaceAll(make: () => void): void {
  rmSync(join(dir, "etc"), { recursive: true });
  make();
}

function plantLink(): void {
  renameSync(file, join(dir, "true.toml"));
  symlinkSync("../true.toml", file);
  lchownSync(file, STRANGER, STRANGER);
}

function plantLinkAbove(): void {
  renameSync(join(dir, "etc"), join(dir, "true"));
  symlinkSync("true", join(dir, "etc"));
  lchownSync(join(dir, "etc"), STRANGER, STRANGER);
}

function large(): string {
  const path = join(dir, "large.toml");
  writeFileSync(path, `${TEXT}# ${"x".repeat(1024 ** 2)}\n`);
  return path;
}

function empty(): string {
  const path = join(dir, "empty.toml");
  writeFileSync(path, "");
  return path;
}

function program(): string {
  return `import { loadProfile } from "./lib/host/profile.ts";
console.log(loadProfile({ flag: "/dev/stdin", env: undefined, mode: "named" }).profile.host.name);`;
}
