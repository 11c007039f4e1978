import { expect, test } from "bun:test";
import type { Mount, MountFacts } from "../../lib/facts.ts";
import type { Fault } from "../../lib/fault.ts";
import { planMount, planUnmount } from "../../lib/plans/mount.ts";
import { missingOptions } from "../../lib/plans/mount-options.ts";
import { exampleProfile } from "../support/example.ts";

const profile = exampleProfile();
const subvolume = { kind: "subvolume", readOnly: false, empty: false } as const;
const facts: MountFacts = {
  top: {
    node: "/dev/vda3",
    uuid: "0d1c",
    guards: [],
    listing: "",
    entries: new Map(["root", "home", "nix", "persist", "log"].map((name) => [name, subvolume])),
  },
  target: "/mnt",
  mounts: [],
  ours: new Set(),
  esp: { node: "/dev/vda1", uuid: "12AB-34CD", mounts: new Set() },
  vfat: true,
};

function mount(id: number, mountPoint: string, root: string, more: Partial<Mount> = {}): Mount {
  return {
    id,
    parentId: 1,
    majorMinor: "0:40",
    root,
    mountPoint,
    options: ["rw", "noatime"],
    fsType: "btrfs",
    source: "/dev/vda3",
    superOptions: ["rw", "ssd", "compress=zstd:3", "subvolid=5", "subvol=/"],
    ...more,
  };
}

function commands(plan: { steps: ReturnType<typeof planMount>["steps"] }): string[] {
  return plan.steps.flatMap((step) => (step.kind === "command" ? [step.argv.join(" ")] : []));
}

test("planMount() mounts parents before children, and the ESP closed to all but root", () => {
  const mounts = commands(planMount(profile, "p", facts)).filter((line) =>
    line.startsWith("mount"),
  );
  expect(mounts).toEqual([
    "mount --types btrfs --options subvol=root,compress=zstd,noatime /dev/vda3 /mnt",
    "mount --types vfat --options umask=0077 /dev/vda1 /mnt/boot",
    "mount --types btrfs --options subvol=home,compress=zstd,noatime,nosuid,nodev /dev/vda3 /mnt/home",
    "mount --types btrfs --options subvol=nix,compress=zstd,noatime /dev/vda3 /mnt/nix",
    "mount --types btrfs --options subvol=persist,compress=zstd,noatime /dev/vda3 /mnt/persist",
    "mount --types btrfs --options subvol=log,compress=zstd,noatime /dev/vda3 /mnt/var/log",
  ]);
});

test("planMount() refuses a kernel without vfat, and mounts the rest when told to", () => {
  expect(() => planMount(profile, "p", { ...facts, vfat: false })).toThrow(
    /this kernel has no vfat/,
  );
  const without = planMount(profile, "p", { ...facts, vfat: false, esp: undefined });
  expect(commands(without).join("\n")).not.toContain("/mnt/boot");
});

test("planMount() leaves alone what is mounted as wanted", () => {
  const mounts = [mount(2, "/mnt", "/root"), mount(3, "/mnt/nix", "/nix")];
  const lines = commands(planMount(profile, "p", { ...facts, mounts, ours: new Set([2, 3]) }));
  expect(lines.filter((line) => line.startsWith("mount"))).toHaveLength(4);
});

test.each<[string, Mount[], number[], RegExp]>([
  [
    "the running system's root",
    [mount(1, "/", "/root")],
    [1],
    /it is mounted at \/, expected it nowhere else/,
  ],
  ["another file system at the target", [mount(9, "/mnt", "/root")], [], /is mounted there/],
  ["another subvolume at the target", [mount(2, "/mnt", "/home")], [2], /is mounted (there|at)/],
  [
    "the ESP's place taken",
    [mount(2, "/mnt", "/root"), mount(5, "/mnt/boot", "/", { fsType: "vfat" })],
    [2],
    /the ESP .*is mounted there/,
  ],
])("planMount() refuses %s", (_, mounts, ours, message) => {
  expect(() => planMount(profile, "p", { ...facts, mounts, ours: new Set(ours) })).toThrow(message);
});

test("planUnmount() goes deepest first, whatever the order of mounting was", () => {
  const esp = mount(4, "/mnt/boot", "/", { fsType: "vfat", source: "/dev/vda1" });
  const mounts = [
    mount(1, "/", "/other"),
    mount(2, "/mnt", "/root"),
    mount(3, "/mnt/home", "/home"),
    esp,
  ];
  const lines = commands(
    planUnmount(profile, "p", { ...facts, mounts, esp: undefined, ours: new Set([2, 3]) }),
  );
  expect(lines).toEqual(["umount /mnt/boot", "umount /mnt/home", "umount /mnt"]);
});

test("planMount() has the ESP told by its UUID before anything is mounted", () => {
  expect(planMount(profile, "p", facts).checks).toContainEqual({
    what: "the UUID of the file system on /dev/vda1",
    argv: ["blkid", "--probe", "--match-tag", "UUID", "--output", "value", "/dev/vda1"],
    expected: "12AB-34CD",
  });
});

test("planMount() refuses a file system that is mounted without the profile's options", () => {
  const elsewhere = mount(2, "/a b", "/other", { superOptions: ["rw", "ssd"] });
  const plan = () => planMount(profile, "p", { ...facts, mounts: [elsewhere], ours: new Set([2]) });
  expect(plan).toThrow("mounted at /a b without compress=zstd,");
  expect(hintOf(plan)).toBe("Unmount it, or: mount -o remount,compress=zstd '/a b'");
});

test.each<[wanted: string, shown: string, missing: string]>([
  ["compress=zstd", "compress=zstd:3", ""],
  ["compress=zstd:3", "compress=zstd:3", ""],
  ["compress=zstd:1", "compress=zstd:3", "compress=zstd:1"],
  ["compress", "compress=zlib:3", ""],
  ["compress=lzo", "compress=zstd:3", "compress=lzo"],
  ["compress-force=zstd", "compress=zstd:3", "compress-force=zstd"],
  ["compress=no", "ssd", ""],
  ["compress=no", "compress=zstd:3", "compress=no"],
  ["autodefrag", "rw", "autodefrag"],
  ["noautodefrag", "autodefrag", "noautodefrag"],
  ["noautodefrag", "rw", ""],
  ["discard=async", "discard=async", ""],
  ["discard=async", "discard", "discard=async"],
  ["discard=sync", "discard", ""],
  ["nodiscard", "discard=async", "nodiscard"],
  ["noatime,nosuid", "rw", ""],
  ["commit=30,space_cache=v2,thread_pool=4", "rw", ""],
])("missingOptions() of %p, mounted with %p, is %p", (wanted, shown, missing) => {
  expect(missingOptions(wanted.split(","), shown.split(",")).join(",")).toBe(missing);
});

function hintOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (fault) {
    return (fault as Fault).hint;
  }
  return undefined;
}
