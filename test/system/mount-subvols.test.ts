import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { plan as planSchema } from "../../tools/plan-schema.ts";
import { blankroot } from "../support/blankroot.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { writeProfile } from "../support/profile.ts";

const SIZE_BYTES = 256 * 1024 ** 2;

function prepared(scratch: Scratch) {
  const device = makeBtrfs(scratch, "disk", SIZE_BYTES, "Butter");
  const target = scratch.path("mnt");
  const options = { device: "/dev/nonexistent", btrfs: `device = "${device}"`, target };
  const profile = writeProfile(scratch, options);
  expect(blankroot(["make-subvols", "--profile", profile]).status).toBe(0);
  return { device, profile, target };
}

function mountSubvols(profile: string, ...words: string[]) {
  return blankroot(["mount-subvols", "--profile", profile, "--without-esp", ...words]);
}

/** Mount points below a folder with the subvolume, in the order they were mounted. */
function mountsBelow(dir: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter((fields) => fields[4]?.startsWith(dir))
    .map((fields) => `${fields[3]} ${fields[4]!.slice(dir.length)}`);
}

const TREE = ["/root ", "/home /home", "/nix /nix", "/persist /persist", "/log /var/log"];

describePrivileged("mount-subvols", () => {
  test("mounts the tree with the profile's options, and takes it down", () => {
    using scratch = new Scratch();
    const { profile, target } = prepared(scratch);
    const shown = mountSubvols(profile, "--dry-run", "--json").stdout;
    expect(planSchema.parse(JSON.parse(shown)).script).toBe("mount-subvols");
    expect(mountSubvols(profile).status).toBe(0);
    expect(mountsBelow(target)).toEqual(TREE);
    const options = sh(["findmnt", "--noheadings", "--output", "OPTIONS", `${target}/home`]);
    for (const option of ["nosuid", "nodev", "noatime", "compress=zstd"])
      expect(options).toContain(option);
    expect(sh(["stat", "--format=%a", `${target}/var`, `${target}/home`])).toBe("755\n755\n");
    expect(mountSubvols(profile, "--unmount").status).toBe(0);
    expect(mountsBelow(target)).toEqual([]);
  });

  test("changes nothing when run again, mounted or not, and says so", () => {
    using scratch = new Scratch();
    const { profile, target } = prepared(scratch);
    expect(mountSubvols(profile).status).toBe(0);
    const again = mountSubvols(profile);
    expect(again.stderr).toContain("nothing to do");
    expect(again.status).toBe(0);
    expect(mountsBelow(target)).toEqual(TREE);
    mountSubvols(profile, "--unmount");
    const gone = mountSubvols(profile, "--unmount");
    expect(gone.stderr).toContain("nothing to do");
    expect(gone.status).toBe(0);
  });

  test("mounts what is missing of a tree", () => {
    using scratch = new Scratch();
    const { profile, target } = prepared(scratch);
    mountSubvols(profile);
    sh(["umount", `${target}/nix`]);
    expect(mountSubvols(profile).status).toBe(0);
    expect(mountsBelow(target).toSorted()).toEqual(TREE.toSorted());
  });

  test("mounts over a nested subvolume at a mount point", () => {
    using scratch = new Scratch();
    const { device, profile, target } = prepared(scratch);
    const top = mountAt(scratch, "top", device);
    sh(["btrfs", "subvolume", "create", `${top}/root/home`]);
    sh(["umount", top]);
    expect(mountSubvols(profile).status).toBe(0);
    expect(mountsBelow(target)).toEqual(TREE);
  });

  test("mounts at another target", () => {
    using scratch = new Scratch();
    const { profile } = prepared(scratch);
    expect(mountSubvols(profile, "--target", scratch.path("else where")).status).toBe(0);
    expect(mountSubvols(profile, "--target", scratch.path("else where"), "--unmount").status).toBe(
      0,
    );
    expect(mountsBelow(scratch.path("else"))).toEqual([]);
  });

  test("refuses a kernel without vfat before mounting anything, unless without the ESP", () => {
    using scratch = new Scratch();
    const { profile, target } = prepared(scratch);
    const ran = blankroot(["mount-subvols", "--profile", profile]);
    // Without a disk there is no ESP either: both are refused before the first mount.
    expect(ran.status).toBe(3);
    expect(mountsBelow(target)).toEqual([]);
  });

  test.each<[string, (at: { device: string; target: string; scratch: Scratch }) => void, RegExp]>([
    [
      "a subvolume that is mounted elsewhere",
      ({ device, scratch }) => void mountAt(scratch, "elsewhere", device, "subvol=home"),
      /the subvolume home .*it is mounted at .*elsewhere, expected it nowhere else/,
    ],
    [
      "a target where something else is mounted",
      ({ target }) => {
        mkdirSync(target);
        sh(["mount", "-t", "tmpfs", "tmpfs", target]);
      },
      /tmpfs \(tmpfs, \/\) is mounted there/,
    ],
    [
      "the right subvolume mounted with other options",
      ({ device, scratch }) => void mountAt(scratch, "mnt", device, "subvol=root,nodev,noatime"),
      /with other options \(nodev\)/,
    ],
    [
      "a root that would hide what is mounted below the target",
      ({ target }) => {
        mkdirSync(`${target}/home`, { recursive: true });
        sh(["mount", "-t", "tmpfs", "tmpfs", `${target}/home`]);
      },
      /it would hide what is mounted at .*\/mnt\/home|tmpfs \(tmpfs, \/\) is mounted there/,
    ],
  ])("refuses %s", (_, plant, message) => {
    using scratch = new Scratch();
    const { device, profile, target } = prepared(scratch);
    plant({ device, target, scratch });
    const before = readFileSync("/proc/self/mountinfo", "utf8");
    const ran = mountSubvols(profile);
    expect(ran.stderr).toMatch(message);
    expect(ran.status).toBe(3);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(before);
  });

  test("stops at a symbolic link planted for a mount point", () => {
    using scratch = new Scratch();
    const { device, profile, target } = prepared(scratch);
    const top = mountAt(scratch, "top", device);
    symlinkSync(scratch.mkdir("away"), `${top}/root/home`);
    sh(["umount", top]);
    const ran = mountSubvols(profile);
    expect(ran.stderr).toMatch(/where .*\/mnt\/home leads is ".*away"/);
    expect(ran.status).toBe(4);
    expect(mountsBelow(scratch.path("away"))).toEqual([]);
    expect(mountSubvols(profile, "--unmount").status).toBe(0);
    expect(mountsBelow(target)).toEqual([]);
  });

  test("refuses to take down a tree that holds another's mount", () => {
    using scratch = new Scratch();
    const { profile, target } = prepared(scratch);
    mountSubvols(profile);
    mkdirSync(`${target}/proc`);
    sh(["mount", "-t", "proc", "proc", `${target}/proc`]);
    const ran = mountSubvols(profile, "--unmount");
    expect(ran.stderr).toMatch(
      /proc \(proc\) is mounted at .*\/proc, which the profile doesn't know/,
    );
    expect(ran.status).toBe(3);
    expect(mountsBelow(target)).toHaveLength(TREE.length + 1);
  });

  test("names make-subvols where subvolumes are missing", () => {
    using scratch = new Scratch();
    const { device, profile } = prepared(scratch);
    const top = mountAt(scratch, "top", device);
    sh(["btrfs", "subvolume", "delete", `${top}/nix`]);
    sh(["umount", top]);
    const ran = mountSubvols(profile);
    expect(ran.stderr).toContain("make-subvols");
    expect(ran.status).toBe(3);
  });

  test("mounts the same when its printed script is run", () => {
    using scratch = new Scratch();
    const { profile, target } = prepared(scratch);
    const { stdout: script } = mountSubvols(profile, "--dry-run");
    expect(mountsBelow(target)).toEqual([]);
    sh(["sh"], { stdin: script });
    expect(mountsBelow(target)).toEqual(TREE);
    const { stdout: takeDown } = mountSubvols(profile, "--unmount", "--dry-run");
    sh(["sh"], { stdin: takeDown });
    expect(mountsBelow(target)).toEqual([]);
  });
});
