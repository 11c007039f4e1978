/** Paths, names and mount options of a profile: what is taken, what is not. */
import { describe, expect, test } from "bun:test";
import {
  fileSystemOptionFault,
  mountOptionFault,
  optionClash,
} from "../../lib/profile/mount-options.ts";
import {
  hostNameFault,
  labelFault,
  mapperNameFault,
  sshKeyFault,
  subvolumeNameFault,
  userNameFault,
} from "../../lib/profile/names.ts";
import { isWithin, mountPointFault, pathFault } from "../../lib/profile/paths.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICWVNch9BcjkMqS/Xwep+GN4HwqyRIjr3Cuw7mHpqsKr";

describe("a check takes", () => {
  test.each([
    ["the root as a path", pathFault, "/"],
    ["a path with blanks and dots in names", pathFault, "/a b/..c/.d"],
    ["a path beyond ASCII", pathFault, "/é/日本"],
    ["a mount point that begins like a reserved one", mountPointFault, "/bootleg"],
    ["a subvolume named constructor", subvolumeNameFault, "constructor"],
    ["a subvolume named as others do", subvolumeNameFault, "@home"],
    ["a subvolume with a blank and a quote", subvolumeNameFault, "it's my data"],
    ["a subvolume name of 255 bytes", subvolumeNameFault, "x".repeat(255)],
    ["a host of one letter", hostNameFault, "a"],
    ["a host of 63 letters", hostNameFault, "a".repeat(63)],
    ["a user named constructor", userNameFault, "constructor"],
    ["a label with blanks", labelFault, "my data"],
    ["a label of 255 bytes", labelFault, "é".repeat(127)],
    ["a mapper name", mapperNameFault, "crypt_root-1.a+b"],
    ["a public key", sshKeyFault, KEY],
    ["a public key with a comment", sshKeyFault, `${KEY} me@here`],
    ["a public key with options", sshKeyFault, `from="10.0.0.0/8",no-pty ${KEY} me`],
    ["a hardware key", sshKeyFault, "sk-ssh-ed25519@openssh.com AAAAGnNr me"],
    ["an option of the file system", fileSystemOptionFault, "compress-force=zstd:3"],
    ["an option of a mount", mountOptionFault, "strictatime"],
  ])("%s", (_, check, value) => {
    expect(check(value)).toBeUndefined();
  });
});

describe("a check refuses", () => {
  test.each([
    ["a relative path", pathFault, "a/b", /absolute/],
    ["an empty path", pathFault, "", /absolute/],
    ["a trailing slash", pathFault, "/a/", /trailing/],
    ["doubled slashes", pathFault, "/a//b", /single/],
    ["dots that climb", pathFault, "/a/../b", /\.\./],
    ["a dot", pathFault, "/a/./b", /\. and/],
    ["a newline in a path", pathFault, "/a\nb", /control/],
    ["a C1 control in a path", pathFault, "/a\u009bb", /control/],
    ["half a character", pathFault, "/a\ud800", /whole/],
    ["a name of 256 bytes", pathFault, `/${"é".repeat(128)}`, /255 bytes/],
    ["a path beyond PATH_MAX", pathFault, "/abcdefgh".repeat(456), /4095 bytes/],
    ["/ as a mount point", mountPointFault, "/", /root subvolume/],
    ["the place of the ESP", mountPointFault, "/boot", /ESP/],
    ["a place in the ESP", mountPointFault, "/boot/a", /ESP/],
    ["a place of the kernel", mountPointFault, "/proc/a", /running system/],
    ["no subvolume name", subvolumeNameFault, "", /a name/],
    ["a subvolume named .", subvolumeNameFault, ".", /other than/],
    ["a subvolume named ..", subvolumeNameFault, "..", /other than/],
    ["a nested subvolume", subvolumeNameFault, "a/b", /without \//],
    ["a subvolume with a newline", subvolumeNameFault, "a\nb", /control/],
    ["a subvolume that splits mount options", subvolumeNameFault, "a,b", /comma/],
    ["a subvolume that fstab would unescape", subvolumeNameFault, "a\\040b", /backslash/],
    ["a subvolume name of 256 bytes", subvolumeNameFault, "é".repeat(128), /255/],
    ["a host with a dot", hostNameFault, "a.b", /letters/],
    ["a host with a newline", hostNameFault, "a\n", /letters/],
    ["a host that ends in a dash", hostNameFault, "a-", /both ends/],
    ["a host of 64 letters", hostNameFault, "a".repeat(64), /63/],
    ["a user with a capital", userNameFault, "Bob", /lower-case/],
    ["a user that reads as a flag", userNameFault, "-bob", /first/],
    ["a label with a slash", labelFault, "a/b", /no \//],
    ["a label with a newline", labelFault, "a\nb", /control/],
    ["a label that ends with a blank", labelFault, "my data ", /blank at its ends/],
    ["a label that begins with a blank", labelFault, "\u3000data", /blank at its ends/],
    ["a label of 256 bytes", labelFault, "é".repeat(128), /255/],
    ["the label of the ESP", labelFault, "BOOT", /ESP/],
    ["the node of device-mapper itself", mapperNameFault, "control", /another/],
    ["a mapper name with a slash", mapperNameFault, "a/b", /letters/],
    ["a private key", sshKeyFault, "-----BEGIN OPENSSH PRIVATE KEY-----", /private key/],
    ["two keys in one", sshKeyFault, `${KEY}\n${KEY}`, /one line/],
    ["a key without a type", sshKeyFault, KEY.split(" ")[1]!, /public key/],
    ["a subvolume among the options", fileSystemOptionFault, "subvol=root", /set by blankroot/],
    ["a disk among the options", fileSystemOptionFault, "device=/dev/sdb", /set by blankroot/],
    ["two options in one", fileSystemOptionFault, "noatime,ro", /one option/],
    ["an empty option", fileSystemOptionFault, "", /an option/],
  ])("%s", (_, check, value, message) => {
    expect(check(value)).toMatch(message);
  });
});

describe("mountOptionFault() refuses what is not of one mount alone", () => {
  test.each([
    "compress=zstd",
    "compress",
    "compress-force=lzo",
    "subvol=a",
    "subvolid=5",
    "nodatacow",
    "nodatasum",
    "autodefrag",
    "space_cache=v2",
    "discard=async",
    "ssd",
    "degraded",
    "commit=5",
    "rescue=all",
    "device=/dev/sdb",
    "lazytime",
    "sync",
    "x-systemd.automount",
    "nofail",
  ])("%s", (option) => {
    expect(mountOptionFault(option)).toMatch(/^not an option of a single mount/);
  });
});

test("mountOptionFault() suggests the nearest option", () => {
  expect(mountOptionFault("nosiud")).toMatch(/did you mean nosuid\?$/);
});

test.each([
  ["the same twice", ["noatime", "ro", "noatime"], ["noatime", "noatime"]],
  ["opposites", ["ro", "nodev", "rw"], ["ro", "rw"]],
  ["two ways with access times", ["relatime", "noatime"], ["relatime", "noatime"]],
  [
    "two compressions",
    ["compress=zstd", "compress-force=lzo"],
    ["compress=zstd", "compress-force=lzo"],
  ],
  ["nothing where all differ", ["nosuid", "nodev", "noexec", "noatime", "nodiratime"], undefined],
])("optionClash() finds %s", (_, options, clash) => {
  expect(optionClash(options)).toEqual(clash as [string, string] | undefined);
});

test.each([
  ["/a", "/a", true],
  ["/a/b", "/a", true],
  ["/ab", "/a", false],
  ["/a", "/a/b", false],
  ["/a", "/", true],
])("isWithin(%p, %p) is %p", (path, top, within) => {
  expect(isWithin(path, top)).toBe(within);
});
