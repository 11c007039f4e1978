import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { plan as planSchema } from "../../tools/plan-schema.ts";
import { blankroot } from "../support/blankroot.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { writeProfile } from "../support/profile.ts";

const SIZE_BYTES = 256 * 1024 ** 2;

/** A btrfs that we did not make, named by btrfs.device. */
function prepared(scratch: Scratch, more = "") {
  const device = makeBtrfs(scratch, "disk", SIZE_BYTES, "Theirs");
  const btrfs = `device = "${device}"\n${more}`;
  const profile = writeProfile(scratch, { device: "/dev/nonexistent", btrfs });
  return { device, profile };
}

function makeSubvols(profile: string, env: Record<string, string> = {}) {
  return blankroot(["make-subvols", "--profile", profile], { env });
}

/** Everything at the top: names, ids, flags and generations of creation. */
function listing(scratch: Scratch, device: string): string {
  const top = mountAt(scratch, "top", device);
  const subvolumes = sh(["btrfs", "subvolume", "list", "-qu", top]).replace(/gen \d+/g, "gen N");
  const readOnly = sh(["btrfs", "subvolume", "list", "-r", top]).replace(/gen \d+/g, "gen N");
  const names = sh(["ls", "-A", "-1", top]);
  sh(["umount", top]);
  return [subvolumes, readOnly, names].join("\n");
}

/** A root subvolume that somebody has lived in. */
function plantRoot(scratch: Scratch, device: string): void {
  const top = mountAt(scratch, "plant", device);
  sh(["btrfs", "subvolume", "create", `${top}/root`]);
  mkdirSync(`${top}/root/etc`);
  writeFileSync(`${top}/root/etc/hostname`, "theirs\n");
  sh(["umount", top]);
}

describePrivileged("make-subvols", () => {
  test("makes the subvolumes and a blank snapshot that is empty and read-only", () => {
    using scratch = new Scratch();
    const { device, profile } = prepared(scratch);
    const words = ["make-subvols", "--profile", profile, "--dry-run", "--json"];
    expect(planSchema.parse(JSON.parse(blankroot(words).stdout)).script).toBe("make-subvols");
    expect(makeSubvols(profile).status).toBe(0);
    const top = mountAt(scratch, "top", device);
    expect(sh(["ls", "-A", "-1", top])).toBe("home\nlog\nnix\npersist\nroot\nroot-blank\n");
    expect(sh(["btrfs", "property", "get", "-ts", `${top}/root-blank`, "ro"])).toBe("ro=true\n");
    expect(sh(["ls", "-A", `${top}/root-blank`])).toBe("");
    expect(sh(["stat", "--format=%a %U", `${top}/root`])).toBe("755 root\n");
  });

  test("makes one for the swap file too, where the profile has one", () => {
    using scratch = new Scratch();
    const device = makeBtrfs(scratch, "disk", SIZE_BYTES, "Theirs");
    const swap = '[disk.swap]\nkind = "file"\nsize = "64MiB"\n';
    const btrfs = `device = "${device}"\n`;
    const profile = writeProfile(scratch, { device: "/dev/nonexistent", swap, btrfs });
    expect(makeSubvols(profile).status).toBe(0);
    const top = mountAt(scratch, "top", device);
    expect(sh(["ls", "-A", "-1", top]).split("\n")).toContain("swap");
    expect(sh(["stat", "--format=%i", `${top}/swap`])).toBe("256\n");
  });

  test("changes nothing when run again, and says so", () => {
    using scratch = new Scratch();
    const { device, profile } = prepared(scratch);
    expect(makeSubvols(profile).status).toBe(0);
    const before = listing(scratch, device);
    const again = makeSubvols(profile);
    expect(again.status).toBe(0);
    expect(again.stderr).toContain("nothing to do");
    expect(listing(scratch, device)).toBe(before);
  });

  test.each([
    ["an empty file system", false, 7],
    ["a root that has content", true, 7],
  ])("finishes what a run on %s began that was killed after any program", (_, adopted, least) => {
    using scratch = new Scratch();
    const bin = scratch.mkdir("bin");
    // Every call of btrfs is counted; the one wanted is done, and then its caller is killed.
    writeFileSync(
      `${bin}/btrfs`,
      `#!/bin/sh\ncount=$(($(cat "$COUNT") + 1))\necho $count >"$COUNT"\n${Bun.which("btrfs")} "$@"\nstatus=$?\n[ $count != "$KILL_AT" ] || kill -9 $PPID\nexit $status\n`,
    );
    chmodSync(`${bin}/btrfs`, 0o755);
    const { device, profile } = prepared(scratch);
    let kills = 0;
    for (let at = 1; at < 30; at++) {
      sh(["mkfs.btrfs", "--quiet", "--force", "--label", "Theirs", device]);
      if (adopted) plantRoot(scratch, device);
      writeFileSync(scratch.path("count"), "0");
      const env = {
        PATH: `${bin}:${process.env.PATH}`,
        COUNT: scratch.path("count"),
        KILL_AT: `${at}`,
      };
      if (makeSubvols(profile, env).status === 0) break;
      kills++;
      expect(makeSubvols(profile).status).toBe(0);
      expect(listing(scratch, device)).toEndWith("home\nlog\nnix\npersist\nroot\nroot-blank\n");
    }
    expect(kills).toBeGreaterThanOrEqual(least);
  });

  test("adopts a root that has content, and changes nothing of it", () => {
    using scratch = new Scratch();
    const { device, profile } = prepared(scratch);
    plantRoot(scratch, device);
    const top = mountAt(scratch, "top", device);
    sh(["btrfs", "subvolume", "create", `${top}/home`]);
    writeFileSync(`${top}/home/letter`, "dear\n");
    const before = sh(["btrfs", "subvolume", "show", `${top}/root`]).match(/UUID:.*/g);
    expect(makeSubvols(profile).status).toBe(0);
    expect(sh(["ls", "-A", "-1", top])).toBe("home\nlog\nnix\npersist\nroot\nroot-blank\n");
    expect(sh(["ls", "-A", `${top}/root-blank`])).toBe("");
    expect(sh(["btrfs", "property", "get", "-ts", `${top}/root-blank`, "ro"])).toBe("ro=true\n");
    expect(sh(["btrfs", "subvolume", "show", `${top}/root`]).match(/UUID:.*/g)).toEqual(before);
    expect(sh(["cat", `${top}/root/etc/hostname`, `${top}/home/letter`])).toBe("theirs\ndear\n");
  });

  test.each<[string, (top: string) => void, RegExp]>([
    [
      "a blank one that is writable",
      (top) => sh(["btrfs", "subvolume", "create", `${top}/root-blank`]),
      /it is writable, expected a read-only one/,
    ],
    [
      "a blank one that holds something",
      (top) => {
        sh(["btrfs", "subvolume", "create", `${top}/root-blank`]);
        writeFileSync(`${top}/root-blank/file`, "");
        sh(["btrfs", "property", "set", "-ts", `${top}/root-blank`, "ro", "true"]);
      },
      /it holds something, expected an empty subvolume/,
    ],
    [
      "a plain directory for a subvolume",
      (top) => mkdirSync(`${top}/home`),
      /home is a plain directory/,
    ],
    ["a file for a subvolume", (top) => writeFileSync(`${top}/nix`, ""), /nix is no directory/],
  ])("refuses %s, and makes nothing", (_, plant, message) => {
    using scratch = new Scratch();
    const { device, profile } = prepared(scratch);
    const top = mountAt(scratch, "plant", device);
    plant(top);
    sh(["umount", top]);
    const before = listing(scratch, device);
    const ran = makeSubvols(profile);
    expect(ran.stderr).toMatch(message);
    expect(ran.status).toBe(3);
    expect(listing(scratch, device)).toBe(before);
  });

  test("makes the same when its printed script is run, which leaves no mount", () => {
    using scratch = new Scratch();
    const { device, profile } = prepared(scratch);
    const { stdout: script } = blankroot(["make-subvols", "--profile", profile, "--dry-run"]);
    expect(listing(scratch, device)).not.toContain("root");
    const mounts = sh(["cat", "/proc/self/mounts"]);
    sh(["sh"], { stdin: script });
    expect(sh(["cat", "/proc/self/mounts"])).toBe(mounts);
    expect(listing(scratch, device)).toEndWith("home\nlog\nnix\npersist\nroot\nroot-blank\n");
    // Names have come since: what was planned is no longer what would happen.
    const again = Bun.spawnSync(["sh"], { stdin: Buffer.from(script), stderr: "pipe" });
    expect(again.exitCode).toBe(3);
    expect(again.stderr.toString()).toContain("the names at the top");
  });
});
