/** What the metadata tell of a directory's inodes, held against what the kernel tells of each. */
import { expect, test } from "bun:test";
import { linkSync, lstatSync, mkdirSync, openSync, symlinkSync, truncateSync } from "node:fs";
import { Handle, READ_DIRECTORY } from "../../lib/host/at.ts";
import { Listings } from "../../lib/host/copy/listings.ts";
import { SourceTrees } from "../../lib/host/copy/trees.ts";
import { statusAt, statusOf } from "../../lib/host/inode-status.ts";
import { cString } from "../../lib/host/libc.ts";
import { CopyMachine } from "../support/copies.ts";
import { sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { spoil } from "../support/spoil.ts";

const FIELDS = [
  "type",
  "mode",
  "uid",
  "gid",
  "sizeBytes",
  "atimeNs",
  "mtimeNs",
  "ctimeNs",
  "device",
  "inode",
  "links",
  "rdev",
  "isImmutable",
  "isAppendOnly",
] as const;

function furnish(m: CopyMachine): void {
  const at = (name: string) => `${m.root}/d/${name}`;
  for (const name of ["plain", "suid", "owned", "long-ago", "far", "locked", "log", "sparse"]) {
    m.write(`/d/${name}`);
  }
  m.write("/d/empty", "");
  m.write("/d/inner/file");
  m.write('/d/inner/log\n\x1b"');
  linkSync(at("plain"), at("plain-too"));
  symlinkSync("../no/where", at("link"));
  sh(["chmod", "6751", at("suid")]);
  sh(["chmod", "1777", at("inner")]);
  sh(["chown", "70000:100000", at("owned")]);
  sh(["touch", "--date=1912-06-23T01:02:03.000000004Z", at("long-ago")]);
  sh(["touch", "--date=2400-01-01T00:00:00.999999999Z", at("far")]);
  sh(["mkfifo", at("fifo")]);
  sh(["mknod", at("null"), "c", "1", "3"]);
  truncateSync(at("sparse"), 2 ** 43 + 1);
  sh(["btrfs", "subvolume", "create", at("nested")]);
  m.write("/d/acl");
  m.write("/d/preallocated");
  sh(["setfattr", "-n", "user.note", "-v", "x", at("inner/file")]);
  sh(["setfacl", "-m", "u:1000:r", at("acl")]);
  sh(["fallocate", "--length", "64KiB", at("preallocated")]);
  for (const [index, flag] of [..."AcdmSC"].entries()) {
    m.write(`/d/flag-${index}`, "");
    sh(["chattr", `+${flag}`, at(`flag-${index}`)]);
  }
  sh(["chattr", "+i", at("locked")]);
  sh(["chattr", "+a", at("log")]);
}

/** As getfattr(1) and lsattr(1) see it; a symbolic link has nothing that lsattr shows. */
function isBare(path: string): boolean {
  const attributes = sh(["getfattr", "--no-dereference", "--absolute-names", "-m", "-", path]);
  if (attributes !== "") return false;
  return lstatSync(path).isSymbolicLink() || /^-+$/.test(sh(["lsattr", "-d", path]).split(" ")[0]!);
}

describePrivileged("Listings of a frozen tree", () => {
  test("tell of each inode what the kernel tells", () => {
    using m = new CopyMachine();
    furnish(m);
    sh(["btrfs", "subvolume", "snapshot", "-r", m.root, `${m.persist}/frozen`]);
    sh(["chattr", "-i", `${m.root}/d/locked`]);
    sh(["chattr", "-a", `${m.root}/d/log`]);
    using top = new Handle(openSync(`${m.persist}/frozen`, READ_DIRECTORY));
    const listings = new Listings(new SourceTrees({ fd: top.fd, live: top.fd, isFrozen: true }));
    const unknown: string[] = [];
    let compared = 0;
    let bare = 0;
    for (const path of ["", "/d", "/d/inner"]) {
      using directory = new Handle(openSync(`${m.persist}/frozen${path}`, READ_DIRECTORY));
      const { inode } = statusOf(directory.fd);
      for (const { name, status } of listings.of(Buffer.from(path), inode, () => undefined)) {
        const text = Buffer.from(name).toString();
        const told = statusAt(directory.fd, cString(name))!;
        compared++;
        if (status === undefined) {
          unknown.push(text);
          continue;
        }
        for (const field of FIELDS) expect([text, status[field]]).toEqual([text, told[field]]);
        expect([text, status.isBare]).toEqual([text, isBare(`${m.persist}/frozen${path}/${text}`)]);
        if (status.isBare) bare++;
      }
    }
    // What an entry of the metadata does not tell is asked of the kernel.
    expect(unknown.sort()).toEqual(["fifo", "nested", "null"]);
    expect(compared).toBe(26);
    expect(bare).toBe(13);
  });

  test("are of an empty directory nothing", () => {
    using m = new CopyMachine();
    mkdirSync(`${m.root}/d`);
    sh(["btrfs", "subvolume", "snapshot", "-r", m.root, `${m.persist}/frozen`]);
    using top = new Handle(openSync(`${m.persist}/frozen`, READ_DIRECTORY));
    const trees = new SourceTrees({ fd: top.fd, live: top.fd, isFrozen: true });
    using directory = new Handle(openSync(`${m.persist}/frozen/d`, READ_DIRECTORY));
    const { inode } = statusOf(directory.fd);
    expect(new Listings(trees).of(Buffer.from("/d"), inode, () => undefined)).toEqual([]);
  });

  test("ask the kernel where a block of other files can't be read", () => {
    using m = new CopyMachine();
    // A block holds nine files of that size. Each block with the eleventh has no healthy file.
    const spoiled = "spoiled ".repeat(200);
    for (let file = 0; file < 400; file++) {
      const isHealthy = file % 40 < 20;
      const text = file % 40 === 30 ? spoiled : "healthy ".repeat(200);
      m.write(`/${isHealthy ? "healthy" : "other"}/${1000 + file}`, text);
    }
    for (const dir of [m.root, m.persist]) sh(["umount", dir]);
    spoil(m.device, spoiled);
    for (const dir of ["root", "persist"] as const) {
      sh(["mount", "-o", `subvol=${dir}`, m.device, m[dir]]);
    }
    // The control: it can't be looked at.
    expect(() => sh(["stat", `${m.root}/other/1030`])).toThrow("Input/output error");
    expect(m.copy("/healthy").stderr).toContain("200 files copied");
    expect(m.differences("/healthy")).toBe("");
    const ran = m.copy("/other");
    expect(ran.stderr).toMatch(/\n +\/other\/1030: it can't be looked at \(EIO\)/);
    expect(ran.status).toBe(4);
    expect(ran.stderr).toMatch(/\n +\/other\/10\d\d: it can't be read \(EIO\)/);
  });
});
