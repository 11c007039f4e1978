import { describe, expect, test } from "bun:test";
import {
  type Copy,
  type Fate,
  judgeBy,
  type Knowledge,
  type PersistSide,
  type Reason,
} from "../../lib/fate.ts";
import { checkProfile, type Profile } from "../../lib/profile.ts";
import { type ChangeOptions, madeUpChange } from "../support/change.ts";

const profile = profileWith({
  directories: ["/etc/nixos", "/var/lib/nixos"],
  files: ["/etc/machine-id"],
  ignore: ["/etc/.clean", "/var/lib/systemd/catalog/**"],
});

interface Case extends ChangeOptions {
  readonly copy?: Copy;
}

type Row = [what: string, given: Case, reason: Reason];

describe("judgeBy() keeps", () => {
  test.each<Row>([
    ["a live mount point", { path: "/mnt/usb", type: "directory" }, "mount point"],
    ["a live mount point that is an empty file", { path: "/etc/resolv.conf" }, "mount point"],
    [
      "the mount point of a subvolume that isn't mounted",
      { path: "/var/log", type: "directory" },
      "mount point",
    ],
    ["the mount point of the ESP", { path: "/boot", type: "directory" }, "mount point"],
    ["a link into persist", { path: "/etc/x", link: "/persist/etc/x" }, "link into persist"],
    [
      "a relative link into persist",
      { path: "/etc/x", link: "../persist/etc/x" },
      "link into persist",
    ],
    [
      "a listed file with an equal copy",
      { path: "/etc/machine-id", sizeBytes: 33, copy: "equal" },
      "listed and copied",
    ],
    [
      "what lies beneath a listed directory and has an equal copy",
      { path: "/etc/nixos/a/b", sizeBytes: 1, copy: "equal" },
      "listed and copied",
    ],
    [
      "a listed file that is empty, as it is mounted over",
      { path: "/etc/machine-id", sizeBytes: 0, copy: "differs" },
      "mount point",
    ],
    [
      "a listed directory whose own metadata differ, as it is mounted over",
      { path: "/etc/nixos", type: "directory", copy: "differs" },
      "mount point",
    ],
    [
      "a parent of a listed path",
      { path: "/etc", type: "directory" },
      "parent of a mount point or a listed path",
    ],
    [
      "a parent of a mount point",
      { path: "/var", type: "directory" },
      "parent of a mount point or a listed path",
    ],
  ])("%s", (_, given, reason) => {
    expect(judge(given)).toEqual({ fate: "kept", reason });
  });
});

describe("judgeBy() takes for lost", () => {
  test.each<Row>([
    ["what nobody lists", { path: "/root/notes", sizeBytes: 1 }, "not listed"],
    ["a fifo", { path: "/root/pipe", type: "fifo" }, "not listed"],
    [
      "a listed file without a copy",
      { path: "/etc/machine-id", sizeBytes: 33, copy: "missing" },
      "listed, not copied",
    ],
    [
      "a listed file that is empty and has no copy",
      { path: "/etc/machine-id", copy: "missing" },
      "listed, not copied",
    ],
    [
      "what lies beneath a listed directory without a copy",
      { path: "/etc/nixos/new.nix", sizeBytes: 1 },
      "listed, not copied",
    ],
    [
      "a link into the store beneath a listed directory without a copy",
      { path: "/etc/nixos/x", link: "/nix/store/aaa" },
      "listed, not copied",
    ],
    [
      "a listed file whose copy differs",
      { path: "/etc/machine-id", sizeBytes: 33, copy: "differs" },
      "copy differs",
    ],
    [
      "a listed directory in whose place something else is persisted",
      { path: "/etc/nixos", type: "directory", copy: "another type" },
      "copy differs",
    ],
    [
      "a listed empty file in whose place something else is persisted",
      { path: "/etc/machine-id", copy: "another type" },
      "copy differs",
    ],
    [
      "an empty file beneath a listed directory whose copy differs",
      { path: "/etc/nixos/a", sizeBytes: 0, copy: "differs" },
      "copy differs",
    ],
    [
      "a directory beneath a listed one whose copy differs",
      { path: "/etc/nixos/d", type: "directory", copy: "differs" },
      "copy differs",
    ],
    [
      "a copy that no list names",
      { path: "/root/notes", sizeBytes: 1, copy: "equal" },
      "copied, not listed",
    ],
    [
      "a path that only begins like a listed one",
      { path: "/etc/nixos2/a", sizeBytes: 1 },
      "not listed",
    ],
    [
      "data beneath a live mount point",
      { path: "/mnt/usb/photos/1", sizeBytes: 1, copy: "equal" },
      "shadowed",
    ],
    [
      "data beneath the mount point of a subvolume that isn't mounted",
      { path: "/home/me/x", sizeBytes: 1 },
      "shadowed",
    ],
    [
      "the content of a file beneath a mount",
      { path: "/etc/resolv.conf", sizeBytes: 9 },
      "shadowed",
    ],
    ["a file where a subvolume is to be mounted", { path: "/home", sizeBytes: 1 }, "not listed"],
    ["a link that only begins like persist", { path: "/a", link: "/persistent/x" }, "not listed"],
    ["a link out of the store", { path: "/a", link: "/nix/store/../var/x" }, "not listed"],
    ["a link to a profile of Nix", { path: "/a", link: "/nix/var/nix/profiles/x" }, "not listed"],
    [
      "new metadata of a parent of a listed path",
      { path: "/etc", status: "m", type: "directory" },
      "not listed",
    ],
  ])("%s", (_, given, reason) => {
    expect(judge(given)).toEqual({ fate: "lost", reason });
  });
});

describe("judgeBy() lets go", () => {
  test.each<[what: string, given: Case, fate: Fate, reason: Reason]>([
    [
      "a link into the store",
      { path: "/bin/sh", link: "/nix/store/a/bin/sh" },
      "managed",
      "link into /nix/store",
    ],
    [
      "a link into /etc/static",
      { path: "/etc/fstab", link: "/etc/static/fstab" },
      "managed",
      "link into /etc/static",
    ],
    [
      "a relative link into /etc/static",
      { path: "/etc/a/b", link: "../static/a/b" },
      "managed",
      "link into /etc/static",
    ],
    [
      "a managed link that a pattern matches",
      { path: "/etc/.clean", link: "/etc/static/c" },
      "managed",
      "link into /etc/static",
    ],
    [
      "what a pattern matches",
      { path: "/etc/.clean", sizeBytes: 1 },
      "ignored",
      "matches persist.ignore",
    ],
    [
      "what a pattern matches in depth",
      { path: "/var/lib/systemd/catalog/a/b" },
      "ignored",
      "matches persist.ignore",
    ],
    [
      "what is gone from root",
      { path: "/etc/machine-id", status: "D" },
      "restored",
      "in the blank root",
    ],
  ])("%s", (_, given, fate, reason) => {
    expect(judge(given)).toEqual({ fate, reason });
  });
});

test("judgeBy() takes names for bytes when they are not UTF-8", () => {
  const path = Buffer.from("/etc/nixos/\xff\n", "latin1");
  expect(judge({ path, sizeBytes: 1, copy: "equal" }).fate).toBe("kept");
});

test("judgeBy() asks the persist side for the path in its own bytes", () => {
  const asked: Uint8Array[] = [];
  const persist: PersistSide = {
    equalCopy: (path) => {
      asked.push(path);
      return "missing";
    },
  };
  const path = Buffer.from("/etc/nixos/\xff", "latin1");
  judgeBy({ ...knowledge(), persist })(madeUpChange({ path, sizeBytes: 1 }));
  expect(asked.map((bytes) => Buffer.from(bytes).toString("hex"))).toEqual([
    Buffer.from(path).toString("hex"),
  ]);
});

test("judgeBy() doesn't look for unlisted copies when nobody reads the reason", () => {
  const persist: PersistSide = {
    equalCopy: () => {
      throw new Error("asked");
    },
  };
  const quick = judgeBy({ ...knowledge(), persist, explain: false });
  expect(quick(madeUpChange({ path: "/root/a", sizeBytes: 1 })).fate).toBe("lost");
  const explaining = judgeBy({ ...knowledge(), persist });
  expect(() => explaining(madeUpChange({ path: "/root/a", sizeBytes: 1 }))).toThrow("asked");
});

test("judgeBy() loses what patterns match when they have no say", () => {
  const judge = judgeBy({ ...knowledge(), ignore: false });
  expect(judge(madeUpChange({ path: "/etc/.clean", sizeBytes: 1 })).fate).toBe("lost");
});

describe("judgeBy() without a profile", () => {
  const bare = judgeBy({ ...knowledge(), profile: undefined });
  test.each<[what: string, given: Case, fate: Fate]>([
    ["keeps a live mount point", { path: "/mnt/usb", type: "directory" }, "kept"],
    ["keeps a link into persist", { path: "/x", link: "/persist/x" }, "kept"],
    ["knows NixOS's links", { path: "/x", link: "/nix/store/x" }, "managed"],
    ["keeps no copy", { path: "/etc/machine-id", sizeBytes: 1, copy: "equal" }, "lost"],
    ["ignores nothing", { path: "/etc/.clean", sizeBytes: 1 }, "lost"],
  ])("%s", (_, given, fate) => {
    expect(bare(madeUpChange(given)).fate).toBe(fate);
  });
});

function judge(given: Case) {
  const persist: PersistSide = { equalCopy: () => given.copy ?? "missing" };
  return judgeBy({ ...knowledge(), persist })(madeUpChange(given));
}

function knowledge(): Knowledge {
  return {
    live: ["/mnt/usb", "/etc/resolv.conf"].map((path) => new TextEncoder().encode(path)),
    persistRoot: "/persist",
    persist: undefined,
    profile,
    ignore: true,
    explain: true,
  };
}

function profileWith(persist: Record<string, string[]>): Profile {
  const checked = checkProfile({
    version: 1,
    host: { name: "test", state_version: "26.05" },
    disk: { device: "/dev/vda" },
    persist,
  });
  if ("faults" in checked) throw new Error(JSON.stringify(checked.faults));
  return checked.profile;
}
