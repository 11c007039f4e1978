import { expect, test } from "bun:test";
import type { Mount, MountFacts } from "../../lib/facts.ts";
import { planMount, planUnmount } from "../../lib/plans/mount.ts";
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
  esp: { node: "/dev/vda1", mounts: new Set() },
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
    superOptions: [],
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
