import { expect, test } from "bun:test";
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { probeSignature } from "../../lib/host/probe/contents.ts";
import { blankroot, type Ran } from "../support/blankroot.ts";
import { attachLoop, detachLoop, makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { type ProfileOptions, writeProfile } from "../support/profile.ts";

const MIB = 1024 ** 2;
const SIZE_BYTES = 2048 * MIB;
const SEED = "6f1c1f0a-8a5e-4b39-9d6b-6e0f5a2b7c11";

function tokenOf(device: string): string {
  return `${basename(device)}-${sh(["blockdev", "--getsize64", device]).trim()}`;
}

function writeAt(device: string, offset: number, bytes: string): void {
  const fd = openSync(device, "r+");
  writeSync(fd, Buffer.from(bytes, "latin1"), 0, bytes.length, offset);
  closeSync(fd);
}

function choosesDeviceUuid(): boolean {
  return sh(["mkfs.btrfs", "--help"]).includes("--device-uuid");
}

let tables = 0;

function formatDisk(profile: string, ...words: string[]): Ran {
  const table = `--save-table=${dirname(profile)}/${tables++}.sfdisk`;
  return blankroot(["format-disk", "--profile", profile, table, ...words]);
}

/** A disk with a profile for it. */
function prepared(
  scratch: Scratch,
  options: Partial<ProfileOptions> & { sectorSizeBytes?: 512 | 4096 } = {},
) {
  const { sectorSizeBytes = 512 } = options;
  const device = attachLoop(scratch, "disk", { sizeBytes: SIZE_BYTES, sectorSizeBytes });
  const profile = writeProfile(scratch, { device, ...options });
  return { device, profile, token: tokenOf(device) };
}

/** The data of an image, holes left out: hashing gigabytes of nothing would take most of the time. */
function fingerprint(image: string): string {
  return sh([
    "sh",
    "-c",
    'tar --create --sparse --mtime=@0 --file=- "$1" | sha256sum',
    "sh",
    image,
  ]);
}

/** Runs a printed script, bounded: one that waits for ever must fail the test, not hold it. */
function runScript(script: string, options: { cwd?: string; env?: Record<string, string> } = {}) {
  const child = Bun.spawnSync(["timeout", "30", "sh"], {
    stdin: Buffer.from(script),
    cwd: options.cwd ?? "/",
    env: { ...process.env, ...options.env },
    stderr: "pipe",
  });
  return { status: child.exitCode, stderr: child.stderr.toString() };
}

function expectRefusal(ran: Pick<Ran, "status" | "stderr">, message: string | RegExp): void {
  expect(ran.stderr).toMatch(message);
  expect(ran.status).toBe(3);
}

describePrivileged("format-disk", () => {
  test.each([512, 4096] as const)("lays out a disk with sectors of %d bytes", (sectorSizeBytes) => {
    using scratch = new Scratch();
    const esp = sectorSizeBytes === 4096 ? "300MiB" : "64MiB";
    const { device, profile, token } = prepared(scratch, { sectorSizeBytes, esp });
    const ran = formatDisk(profile, `--apply=${token}`, `--seed=${SEED}`);
    expect(ran.stderr).not.toContain("Cannot");
    expect(ran.status).toBe(0);
    expect(ran.stdout).toBe("");
    const { partitiontable } = JSON.parse(sh(["sfdisk", "--json", device]));
    expect(partitiontable.sectorsize).toBe(sectorSizeBytes);
    expect(partitiontable.partitions.map((p: { name: string }) => p.name)).toEqual([
      "ESP",
      "swap",
      "btrfs",
    ]);
    expect(sh(["sfdisk", "--verify", device])).toContain("No errors detected");
    const found = (number: number) =>
      sh(["blkid", "--probe", "--output", "export", `${device}p${number}`]);
    expect(found(1)).toMatch(/LABEL=BUTTER-BOOT\n(.*\n)*TYPE=vfat/);
    expect(found(1)).toContain("VERSION=FAT32");
    expect(found(2)).toMatch(/LABEL=Butter-swap\n(.*\n)*TYPE=swap/);
    expect(found(3)).toMatch(/LABEL=Butter\n(.*\n)*TYPE=btrfs/);
    sh(["fsck.fat", "-n", `${device}p1`]);
    sh(["btrfs", "check", `${device}p3`]);
  });

  test("leaves no swap partition where the profile has none", () => {
    using scratch = new Scratch();
    const { device, profile, token } = prepared(scratch, { swap: "" });
    expect(formatDisk(profile, `--apply=${token}`).status).toBe(0);
    expect(sh(["blkid", "--probe", `${device}p2`])).toContain('TYPE="btrfs"');
  });

  test("wipes a disk that holds something only with --wipe, and keeps its table", () => {
    using scratch = new Scratch();
    const { device, profile, token } = prepared(scratch);
    sh(["sfdisk", "--quiet", device], {
      stdin: 'label: gpt\nstart=2048, size=204800, name="my photos"\n',
    });
    sh(["partx", "--update", device]);
    sh(["mkfs.ext4", "-q", "-L", "photos", `${device}p1`]);
    const before = sh(["sfdisk", "--dump", device]);
    const refused = formatDisk(profile, `--apply=${token}`);
    expectRefusal(refused, /partition 1 .*100 MiB: ext4 labelled "photos"/);
    expect(sh(["sfdisk", "--dump", device])).toBe(before);
    const kept = scratch.path("it's my table");
    const words = ["--profile", profile, `--apply=${token}`, "--wipe", `--save-table=${kept}`];
    const ran = blankroot(["format-disk", ...words, "--quiet"]);
    expect(ran.status).toBe(0);
    // What matters is said however quiet it is to be.
    expect(ran.stderr).toContain('to be lost: partition 1 "my photos", 100 MiB: ext4');
    expect(ran.stderr).not.toContain("Make the ESP");
    expect(readFileSync(kept, "utf8")).toBe(before);
    expect(statSync(kept).mode & 0o777).toBe(0o600);
    const restore = /never the data: (.*)/.exec(ran.stderr)?.[1] ?? "";
    sh(["sh", "-c", restore]);
    expect(sh(["sfdisk", "--dump", device])).toBe(before);
  });

  test("takes no file for the old table whose name can't be shown as it is", () => {
    using scratch = new Scratch();
    const { profile } = prepared(scratch);
    const words = ["--profile", profile, "--save-table=/root/\x1b[2J"];
    const ran = blankroot(["format-disk", ...words]);
    expect(ran.stderr).toContain('--save-table is "/root/\\x1b[2J"');
    expect(ran.status).toBe(2);
  });

  test.each<[string, (scratch: Scratch) => string, RegExp]>([
    [
      "exists",
      (scratch) => {
        writeFileSync(scratch.path("mine"), "mine");
        return scratch.path("mine");
      },
      /it exists already/,
    ],
    ["has no folder", (scratch) => scratch.path("nowhere/table"), /nowhere can't be .*: ENOENT/],
    ["lies below a file", (scratch) => scratch.path("disk/table"), /disk is no directory/],
    [
      "lies on a read-only file system",
      (scratch) => {
        const device = makeBtrfs(scratch, "full", 128 * MIB, "elsewhere");
        return `${mountAt(scratch, "ro", device, "ro")}/table`;
      },
      /ro can't be written to: EROFS/,
    ],
  ])("refuses when the file for the old table %s, and touches nothing", (_, name, message) => {
    using scratch = new Scratch();
    const { device, profile, token } = prepared(scratch);
    sh(["sfdisk", "--quiet", device], { stdin: "label: gpt\nstart=2048, size=204800\n" });
    const words = ["format-disk", "--profile", profile, "--wipe"];
    const file = name(scratch);
    const before = sh(["sfdisk", "--dump", device]);
    const existed = existsSync(file);
    expectRefusal(blankroot([...words, `--apply=${token}`, `--save-table=${file}`]), message);
    expectRefusal(blankroot([...words, "--dry-run", `--save-table=${file}`]), message);
    expect(sh(["sfdisk", "--dump", device])).toBe(before);
    expect(existsSync(file)).toBe(existed);
  });

  test.each<[string, (device: string) => void, RegExp]>([
    [
      "an installer's hybrid image",
      (device) => {
        sh(["sfdisk", "--quiet", device], { stdin: "label: gpt\nsize=50M\n" });
        writeAt(device, 32768, "\x01CD001\x01\0LINUX");
      },
      /the whole disk: iso9660\n.*\(gpt\)/,
    ],
    [
      "a table that sfdisk can't read",
      (device) => {
        writeAt(device, 0, "ER\x02\0");
        writeAt(device, 512, "PM\0\0\0\0\0\x01\0\0\0\x01\0\0\0?Apple\0");
      },
      /a partition table \(mac\), whose partitions can't be listed nor kept/,
    ],
    [
      "logical partitions, more than there will be",
      (device) => {
        const script = "label: dos\nsize=50M\nsize=200M,type=5\nsize=40M\nsize=40M\nsize=40M\n";
        sh(["sfdisk", "--quiet", device], { stdin: script });
        sh(["partx", "--update", device]);
      },
      /partition 4, 40 MiB: nothing known/,
    ],
    [
      "a file system without a table",
      (device) => void sh(["mkfs.ext4", "-q", device]),
      /the whole disk: ext4/,
    ],
  ])("refuses %s, and wipes it when told", (_, plant, message) => {
    using scratch = new Scratch();
    const { device, profile, token } = prepared(scratch);
    plant(device);
    expectRefusal(formatDisk(profile, `--apply=${token}`), message);
    expect(formatDisk(profile, `--apply=${token}`, "--wipe").status).toBe(0);
    expect(sh(["wipefs", "--no-act", device])).not.toContain("iso9660");
    expect(
      sh(["lsblk", "--noheadings", "--list", "--output", "NAME", device]).trim().split("\n"),
    ).toHaveLength(4);
  });

  test.each([
    ["at its begin", 60],
    ["at its end", 1000],
  ])("refuses what can't be read %s, and does not call it blank", async (_, readableMib) => {
    using scratch = new Scratch();
    const { device, profile, token } = prepared(scratch);
    sh(["sfdisk", "--quiet", device], {
      stdin: "label: gpt\nstart=2048, size=100M\nsize=1600M\n",
    });
    sh(["partx", "--update", device]);
    sh(["mkfs.ext4", "-q", "-L", "photos", `${device}p2`]);
    expect(await probeSignature(`${device}p2`)).toMatchObject({ label: "photos" });
    sh(["wipefs", "--quiet", "--all", `${device}p2`]);
    expect(await probeSignature(`${device}p2`)).toBeUndefined();
    sh(["blockdev", "--flushbufs", device]);
    // Reads of what lies beyond the end of the image end in errors.
    truncateSync(scratch.path("disk"), readableMib * MIB);
    sh(["blockdev", "--flushbufs", device]);
    await expect(probeSignature(`${device}p2`)).rejects.toThrow(
      `Cannot tell what ${device}p2 holds: it can't be read (EIO)`,
    );
    expectRefusal(formatDisk(profile, `--apply=${token}`, "--wipe"), /it can't be read \(EIO\)/);
    expect(statSync(scratch.path("disk")).size).toBe(readableMib * MIB);
  });

  test("refuses a partition that blkid fails on, and names it", () => {
    using scratch = new Scratch();
    const { device, profile, token } = prepared(scratch);
    sh(["sfdisk", "--quiet", device], { stdin: "label: gpt\nstart=2048, size=100M\n" });
    const bin = scratch.mkdir("bin");
    const fake = `case "$*" in *--offset*) echo "blkid: error: I/O" >&2; exit 2;; esac`;
    writeFileSync(`${bin}/blkid`, `#!/bin/sh\n${fake}\nexec ${Bun.which("blkid")} "$@"\n`);
    chmodSync(`${bin}/blkid`, 0o755);
    const env = { PATH: `${bin}:${process.env.PATH}` };
    const words = ["--profile", profile, `--apply=${token}`, "--wipe"];
    expectRefusal(
      blankroot(["format-disk", ...words], { env }),
      `Cannot tell what partition 1 of ${device} holds: it can't be read (blkid: error: I/O)`,
    );
  });

  test("takes a disk whose table was made for a larger one", () => {
    using scratch = new Scratch();
    const { device, profile, token } = prepared(scratch);
    sh(["truncate", "--size", "8G", scratch.path("disk")]);
    sh(["losetup", "--set-capacity", device]);
    const script = "label: dos\nstart=2048, size=100M\nsize=3G\nsize=1G\n";
    sh(["sfdisk", "--quiet", device], { stdin: script });
    sh(["truncate", "--size", String(SIZE_BYTES), scratch.path("disk")]);
    sh(["losetup", "--set-capacity", device]);
    expectRefusal(formatDisk(profile, `--apply=${token}`), /partition 3, 1 GiB: nothing known/);
    expect(formatDisk(profile, `--apply=${token}`, "--wipe").status).toBe(0);
  });

  test("refuses whoever holds the disk, and says who", () => {
    using scratch = new Scratch();
    const { device, profile, token } = prepared(scratch);
    expect(formatDisk(profile, `--apply=${token}`).status).toBe(0);
    const again = () => formatDisk(profile, `--apply=${token}`, "--wipe");
    const dir = mountAt(scratch, "mnt", `${device}p3`);
    expectRefusal(again(), `${device}p3 is mounted at ${dir}`);
    sh(["umount", dir]);
    sh(["swapon", `${device}p2`]);
    const swapping = again();
    sh(["swapoff", `${device}p2`]);
    expectRefusal(swapping, `${device}p2 is in use as swap`);
    const over = sh(["losetup", "--find", "--show", `${device}p1`]).trim();
    const looped = again();
    sh(["losetup", "--detach", over]);
    expectRefusal(looped, `${device}p1 is used by the loop device ${over}`);
    // The positive control: let go by all, it may be wiped.
    expect(again().status).toBe(0);
  });

  test("refuses a mount in another mount namespace", async () => {
    using scratch = new Scratch();
    const { device, profile, token } = prepared(scratch);
    expect(formatDisk(profile, `--apply=${token}`).status).toBe(0);
    const dir = scratch.mkdir("hidden");
    const script = `mount -t btrfs ${device}p3 ${dir}; echo ready; read line`;
    const hidden = Bun.spawn(["unshare", "--mount", "sh", "-c", script], {
      stdin: "pipe",
      stdout: "pipe",
    });
    await hidden.stdout.getReader().read();
    const ran = formatDisk(profile, `--apply=${token}`, "--wipe");
    hidden.stdin.end();
    await hidden.exited;
    expectRefusal(ran, /expected an idle disk/);
  });

  test("refuses, in bounded time, a disk that another program has locked", async () => {
    using scratch = new Scratch();
    const { device, profile, token } = prepared(scratch);
    const { stdout: script } = formatDisk(profile, "--dry-run");
    const holder = Bun.spawn(["flock", device, "sh", "-c", "echo ready; read -r line"], {
      stdin: "pipe",
      stdout: "pipe",
    });
    await holder.stdout.getReader().read();
    const before = fingerprint(scratch.path("disk"));
    const applied = formatDisk(profile, `--apply=${token}`);
    const printed = runScript(script);
    holder.stdin.end();
    await holder.exited;
    expectRefusal(applied, `the lock on ${device}, which another program may have`);
    expectRefusal(printed, `the lock on ${device}, which another program may have`);
    expect(fingerprint(scratch.path("disk"))).toBe(before);
    // The control: let go of, it is laid out.
    expect(runScript(script).status).toBe(0);
  });

  test.each<[string, (scratch: Scratch, device: string) => string, RegExp]>([
    ["a plain file", (scratch) => scratch.path("disk"), /it is a plain file/],
    ["a device that is not there", () => "/dev/nothing-here", /there is no such device/],
    ["a character device", () => "/dev/null", /it is no block device/],
    ["a partition", (_, device) => `${device}p1`, /it is a partition, expected a whole disk/],
  ])("refuses %s", (_, name, message) => {
    using scratch = new Scratch();
    const { device } = prepared(scratch);
    sh(["sfdisk", "--quiet", device], { stdin: "label: gpt\nstart=2048\n" });
    sh(["partx", "--update", device]);
    const before = fingerprint(scratch.path("disk"));
    const profile = writeProfile(scratch, { device: name(scratch, device) }, "other.toml");
    expectRefusal(formatDisk(profile, "--apply=x", "--wipe"), message);
    expect(fingerprint(scratch.path("disk"))).toBe(before);
  });

  test("refuses a read-only disk", () => {
    using scratch = new Scratch();
    const device = attachLoop(scratch, "disk", { sizeBytes: SIZE_BYTES, readOnly: true });
    const profile = writeProfile(scratch, { device });
    expectRefusal(formatDisk(profile, `--apply=${tokenOf(device)}`), /it is read-only/);
  });

  test("refuses without the token, with a wrong one, and names the disk", () => {
    using scratch = new Scratch();
    const { device, profile, token } = prepared(scratch);
    const before = fingerprint(scratch.path("disk"));
    expectRefusal(formatDisk(profile), `--apply=${token}`);
    expectRefusal(
      formatDisk(profile, "--apply=WD-1234"),
      /"WD-1234" is not the token of this disk/,
    );
    expect(fingerprint(scratch.path("disk"))).toBe(before);
    expect(existsSync(`${device}p1`)).toBe(false);
  });

  test("refuses a label that another disk bears, mounted or not", () => {
    using scratch = new Scratch();
    const { profile, token } = prepared(scratch);
    const other = makeBtrfs(scratch, "other", 256 * MIB, "Butter");
    expectRefusal(
      formatDisk(profile, `--apply=${token}`),
      `the label "Butter" is borne by ${other} already`,
    );
  });

  test("refuses when a program is missing, before the first write", () => {
    using scratch = new Scratch();
    const { profile, token } = prepared(scratch);
    const bin = scratch.mkdir("bin");
    for (const program of [
      "sfdisk",
      "blkid",
      "lsblk",
      "losetup",
      "wipefs",
      "blockdev",
      "readlink",
      "cat",
      "partx",
      "mkswap",
      "mkfs.btrfs",
      "flock",
      "echo",
    ]) {
      symlinkSync(Bun.which(program) ?? "", `${bin}/${program}`);
    }
    const before = fingerprint(scratch.path("disk"));
    const ran = blankroot(["format-disk", "--profile", profile, `--apply=${token}`], {
      env: { PATH: bin },
    });
    expectRefusal(ran, /mkfs\.fat not found on PATH/);
    expect(fingerprint(scratch.path("disk"))).toBe(before);
  });

  test("refuses an lsblk that is too old, and says which is needed", () => {
    using scratch = new Scratch();
    const { profile, token } = prepared(scratch);
    const bin = scratch.mkdir("bin");
    const fake = `case "$*" in *MOUNTPOINTS*) echo "lsblk: unknown column: MOUNTPOINTS" >&2; exit 1;; esac`;
    writeFileSync(`${bin}/lsblk`, `#!/bin/sh\n${fake}\nexec ${Bun.which("lsblk")} "$@"\n`);
    chmodSync(`${bin}/lsblk`, 0o755);
    const env = { PATH: `${bin}:${process.env.PATH}` };
    const words = ["--profile", profile, `--apply=${token}`];
    expectRefusal(
      blankroot(["format-disk", ...words], { env }),
      /lsblk .* no column MOUNTPOINTS, expected util-linux 2\.37 or newer/,
    );
  });

  test("killed in the middle leaves a disk that the next run refuses, or wipes when told", () => {
    using scratch = new Scratch();
    const { profile, token } = prepared(scratch);
    const bin = scratch.mkdir("bin");
    writeFileSync(`${bin}/mkswap`, "#!/bin/sh\nkill -9 $PPID\n");
    chmodSync(`${bin}/mkswap`, 0o755);
    const env = { PATH: `${bin}:${process.env.PATH}` };
    blankroot(["format-disk", "--profile", profile, `--apply=${token}`], { env });
    expectRefusal(formatDisk(profile, `--apply=${token}`), /a partition table \(gpt\)/);
    expect(formatDisk(profile, `--apply=${token}`, "--wipe").status).toBe(0);
  });

  test("stops at the first step that fails, with status 4 and what was done", () => {
    using scratch = new Scratch();
    const { device, profile, token } = prepared(scratch);
    const bin = scratch.mkdir("bin");
    writeFileSync(`${bin}/mkswap`, "#!/bin/sh\nprintf 'no luck \\033[2J' >&2\nexit 7\n");
    chmodSync(`${bin}/mkswap`, 0o755);
    const env = { PATH: `${bin}:${process.env.PATH}` };
    const ran = blankroot(["format-disk", "--profile", profile, `--apply=${token}`], { env });
    expect(ran.status).toBe(4);
    expect(ran.stderr).toContain("exit status 7");
    expect(ran.stderr).toContain("no luck \\x1b[2J");
    expect(
      sh(["blkid", "--probe", "--output", "value", "--match-tag", "TYPE", `${device}p1`]),
    ).toBe("vfat\n");
    expect(sh(["wipefs", "--no-act", `${device}p3`])).toBe("");
  });

  test("takes no profile that was merely found", () => {
    using scratch = new Scratch();
    const { device } = prepared(scratch);
    writeProfile(scratch, { device }, "config.toml");
    const ran = blankroot(["format-disk"], { cwd: scratch.dir });
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain("--profile");
  });
});

/**
 * What of a disk must be the same on another: table without device names, UUIDs,
 * subvolumes. UUID_SUB, btrfs's name for the device itself, can be chosen only
 * since btrfs-progs 6.3.
 */
function describeDisk(scratch: Scratch, device: string) {
  const table = sh(["sfdisk", "--dump", device]).replaceAll(device, "DISK");
  const systems = [1, 2, 3].map((number) =>
    sh(["blkid", "--probe", "--output", "export", `${device}p${number}`])
      .replaceAll(device, "DISK")
      .replace(choosesDeviceUuid() ? "" : /^UUID_SUB=.*/m, ""),
  );
  const top = mountAt(scratch, "inspect", `${device}p3`);
  const subvolumes = sh(["btrfs", "subvolume", "list", "-o", top]).replace(/gen \d+/g, "gen N");
  const snapshots = sh(["btrfs", "subvolume", "list", "-r", top]).replace(/gen \d+/g, "gen N");
  sh(["umount", top]);
  return { table, systems, subvolumes, snapshots };
}

describePrivileged("format-disk, in a machine that is not at rest", () => {
  test("makes its file systems where somebody holds an old partition's node open", () => {
    using scratch = new Scratch();
    const { device, profile, token } = prepared(scratch);
    expect(formatDisk(profile, `--apply=${token}`).status).toBe(0);
    const held = openSync(`${device}p3`, "r+");
    try {
      readSync(held, Buffer.alloc(MIB), 0, MIB, 0);
      const again = formatDisk(profile, "--wipe", `--apply=${token}`);
      expect(again.stderr).toContain("is laid out");
      expect(again.status).toBe(0);
    } finally {
      closeSync(held);
    }
    expect(blankroot(["make-subvols", "--profile", profile]).status).toBe(0);
  });

  test("refuses a seed whose UUIDs another disk bears", () => {
    using scratch = new Scratch();
    const first = attachLoop(scratch, "first", { sizeBytes: SIZE_BYTES });
    const other = writeProfile(scratch, { device: first, label: "Other" }, "other.toml");
    expect(formatDisk(other, `--apply=${tokenOf(first)}`, `--seed=${SEED}`).status).toBe(0);
    const { profile, token } = prepared(scratch);
    const before = fingerprint(scratch.path("disk"));
    expectRefusal(
      formatDisk(profile, `--apply=${token}`, `--seed=${SEED}`),
      new RegExp(`the UUID .* is borne by ${first}`),
    );
    expect(fingerprint(scratch.path("disk"))).toBe(before);
  });

  test.each(["NCÜnï", "日本 data", "a  b"])("labels a disk %p, and finds it again", (label) => {
    using scratch = new Scratch();
    const { profile, token } = prepared(scratch, { label });
    expect(formatDisk(profile, `--apply=${token}`).status).toBe(0);
    expect(formatDisk(profile, "--dry-run").stderr).toContain(label);
    expect(blankroot(["make-subvols", "--profile", profile]).status).toBe(0);
  });
});

describePrivileged("the printed script", () => {
  test("makes on disk A what --apply makes on an equal disk B, and refuses every other disk", () => {
    using scratch = new Scratch();
    const a = attachLoop(scratch, "a", { sizeBytes: SIZE_BYTES });
    const profileA = writeProfile(scratch, { device: a }, "a.toml");
    const script = formatDisk(profileA, "--dry-run", `--seed=${SEED}`);
    expect(script.status).toBe(0);
    sh(["sh"], { stdin: script.stdout });
    const subvolumes = blankroot(["make-subvols", "--profile", profileA, "--dry-run"]);
    expect(subvolumes.status).toBe(0);
    sh(["sh"], { stdin: subvolumes.stdout });
    const onA = describeDisk(scratch, a);
    detachLoop(a);

    const b = attachLoop(scratch, "b", { sizeBytes: SIZE_BYTES });
    // The control: the same name and size as A had, yet another disk.
    expect(b).toBe(a);
    const before = fingerprint(scratch.path("b"));
    const elsewhere = Bun.spawnSync(["sh"], { stdin: Buffer.from(script.stdout), stderr: "pipe" });
    expect(elsewhere.stderr.toString()).toContain("refused, nothing was touched: the image behind");
    expect(elsewhere.exitCode).toBe(3);
    expect(fingerprint(scratch.path("b"))).toBe(before);

    const profileB = writeProfile(scratch, { device: b }, "b.toml");
    expect(formatDisk(profileB, `--apply=${tokenOf(b)}`, `--seed=${SEED}`).status).toBe(0);
    expect(blankroot(["make-subvols", "--profile", profileB]).status).toBe(0);
    expect(describeDisk(scratch, b)).toEqual(onA);
  });

  test("exits 3 when the disk has changed since, with nothing written", () => {
    using scratch = new Scratch();
    const { device, profile } = prepared(scratch);
    const { stdout: script } = formatDisk(profile, "--dry-run", `--seed=${SEED}`);
    sh(["mkswap", device]);
    const before = fingerprint(scratch.path("disk"));
    const ran = Bun.spawnSync(["sh"], { stdin: Buffer.from(script), stderr: "pipe" });
    expect(ran.exitCode).toBe(3);
    expect(ran.stderr.toString()).toContain(`the signatures on ${device}`);
    expect(fingerprint(scratch.path("disk"))).toBe(before);
  });

  test.each<[string, string[], RegExp]>([
    [
      "another layout",
      ["sh", "-c", 'echo "start=4096, size=90000" | sfdisk --quiet "$0"; partx --update "$0"'],
      /the partition table of/,
    ],
    [
      "a file system in a partition that had none",
      ["sh", "-c", 'mkfs.ext4 -q "$0"p1'],
      /the signatures on .*p1/,
    ],
  ])("exits 3 when the disk got %s since", (_, change, message) => {
    using scratch = new Scratch();
    const { device, profile } = prepared(scratch);
    sh(["sfdisk", "--quiet", device], { stdin: "label: gpt\nstart=2048, size=204800\n" });
    sh(["partx", "--update", device]);
    const { stdout: script } = formatDisk(profile, "--dry-run", "--wipe");
    sh([...change, device]);
    // Where holes are is for the host's file system to change; what is read is not.
    const state = () => sh(["sha256sum", `${device}p1`]) + sh(["sfdisk", "--dump", device]);
    const before = state();
    const ran = Bun.spawnSync(["sh"], { stdin: Buffer.from(script), stderr: "pipe" });
    expect(ran.stderr.toString()).toMatch(message);
    expect(ran.exitCode).toBe(3);
    expect(state()).toBe(before);
  });

  test.each([
    ["the file system's", "Butter", "mkfs.btrfs --quiet --force --label"],
    ["the swap area's", "Butter-swap", "mkswap --label"],
    ["the ESP's", "BUTTER-BOOT", "mkfs.fat -n"],
  ])("exits 3 when another disk has got %s label since", (_, label, mkfs) => {
    using scratch = new Scratch();
    const { device, profile } = prepared(scratch);
    const { stdout: script } = formatDisk(profile, "--dry-run");
    const other = attachLoop(scratch, "other", { sizeBytes: 128 * MIB });
    sh([...mkfs.split(" "), label, other]);
    const before = fingerprint(scratch.path("disk"));
    expectRefusal(runScript(script), new RegExp(`the devices labelled "${label}": .*${other}`));
    expect(fingerprint(scratch.path("disk"))).toBe(before);
    sh(["wipefs", "--quiet", "--all", other]);
    // The control: with that gone it is laid out, and may be again, bearing its own labels.
    expect(runScript(script).status).toBe(0);
    expect(runScript(formatDisk(profile, "--dry-run", "--wipe").stdout).status).toBe(0);
    expect(sh(["blkid", "--probe", `${device}p3`])).toContain('LABEL="Butter"');
  });

  test("exits 3 when the old table can't be kept where it was planned", () => {
    using scratch = new Scratch();
    const { device, profile } = prepared(scratch);
    sh(["sfdisk", "--quiet", device], { stdin: "label: gpt\nstart=2048, size=204800\n" });
    const before = sh(["sfdisk", "--dump", device]);
    const file = `${scratch.mkdir("kept")}/table`;
    const words = ["--profile", profile, "--wipe", "--dry-run", `--save-table=${file}`];
    const { stdout: script } = blankroot(["format-disk", ...words]);
    writeFileSync(file, "mine");
    expectRefusal(runScript(script), `the new file ${file}, which may not exist`);
    expect(readFileSync(file, "utf8")).toBe("mine");
    rmSync(scratch.path("kept"), { recursive: true });
    expectRefusal(runScript(script), "must be there and writable");
    expect(sh(["sfdisk", "--dump", device])).toBe(before);
    // The control: where it can be kept, it is.
    scratch.mkdir("kept");
    expect(runScript(script).status).toBe(0);
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  test("writes nothing while a partition is mounted in another mount namespace", async () => {
    using scratch = new Scratch();
    const { device, profile } = prepared(scratch);
    sh(["sfdisk", "--quiet", device], { stdin: "label: gpt\nstart=2048, size=614400\n" });
    sh(["partx", "--update", device]);
    sh(["mkfs.btrfs", "--quiet", "--label", "kept", `${device}p1`]);
    const { stdout: script } = formatDisk(profile, "--dry-run", "--wipe");
    const dir = scratch.mkdir("hidden");
    const body = `mount -o ro ${device}p1 ${dir}; echo ready; read -r line`;
    const hidden = Bun.spawn(["unshare", "--mount", "sh", "-c", body], {
      stdin: "pipe",
      stdout: "pipe",
    });
    await hidden.stdout.getReader().read();
    const state = () => sh(["sha256sum", `${device}p1`]) + sh(["sfdisk", "--dump", device]);
    const before = state();
    const ran = runScript(script);
    const after = state();
    hidden.stdin.end();
    await hidden.exited;
    expect(ran.stderr).toContain("This disk is currently in use");
    expect(ran.status).toBe(4);
    expect(after).toBe(before);
  });

  test.each(["dash", "bash", "busybox ash"])("is read by %s", (shell) => {
    using scratch = new Scratch();
    const { profile } = prepared(scratch);
    const { stdout: script } = formatDisk(profile, "--dry-run");
    sh([...shell.split(" "), "-n"], { stdin: script });
  });

  test("carries nothing out of a hostile profile name", () => {
    using scratch = new Scratch();
    const { device } = prepared(scratch);
    const profile = writeProfile(scratch, { device }, "host\n$(touch owned)'\"`.toml");
    const { stdout: script, status } = formatDisk(profile, "--dry-run");
    expect(status).toBe(0);
    Bun.spawnSync(["sh"], { stdin: Buffer.from(script), cwd: scratch.dir });
    expect(existsSync(scratch.path("owned"))).toBe(false);
    expect(existsSync(`${device}p3`)).toBe(true);
  });
});
