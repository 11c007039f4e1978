/** What is mounted at a target and elsewhere, as mount-subvols needs to know it. */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Esp, MountFacts } from "../../facts.ts";
import { Refusal } from "../../fault.ts";
import { namesAtTop } from "../../plans/subvolumes.ts";
import type { Profile } from "../../profile.ts";
import { missingPrograms, run } from "../spawn.ts";
import { blockNameOf, mountsOfBtrfs } from "./btrfs-members.ts";
import { probeBtrfsTop } from "./btrfs-top.ts";
import { probeSignature } from "./contents.ts";
import { findEsp, findFilesystem } from "./filesystem.ts";
import { probeMounts } from "./mounts.ts";

export async function probeMountFacts(
  profile: Profile,
  target: string,
  withEsp: boolean,
): Promise<MountFacts> {
  const node = await findFilesystem(profile);
  const ours = mountsOfBtrfs(blockNameOf(node) ?? "");
  return {
    top: await probeBtrfsTop(node, namesAtTop(profile)),
    target: canonical(target),
    mounts: probeMounts(),
    ours: new Set(ours.map((mount) => mount.id)),
    esp: withEsp ? await probeEsp(profile) : undefined,
    vfat: await hasVfat(),
  };
}

async function probeEsp(profile: Profile): Promise<Esp> {
  const node = await findEsp(profile);
  const signature = await probeSignature(node);
  if (signature?.type !== "vfat" || signature.uuid === undefined) {
    throw new Refusal(
      `Cannot mount the ESP: ${node} holds ${signature?.type ?? "no known signature"}, expected vfat`,
      { hint: "Nothing was mounted. --without-esp mounts all but /boot" },
    );
  }
  const name = blockNameOf(node);
  const mounts = probeMounts().filter(
    ({ fsType, source }) =>
      fsType === "vfat" && blockNameOf(Buffer.from(source, "latin1")) === name,
  );
  return { node, uuid: signature.uuid, mounts: new Set(mounts.map((mount) => mount.id)) };
}

/** In the kernel already, or a module that modprobe would find. */
async function hasVfat(): Promise<boolean> {
  if (/\tvfat$/m.test(readFileSync("/proc/filesystems", "utf8"))) return true;
  if (missingPrograms(["modprobe"]).length > 0) return false;
  const { status } = await run(["modprobe", "--dry-run", "--quiet", "vfat"], { accept: [0, 1] });
  return status === 0;
}

/** The real path of a folder that need not exist yet. */
function canonical(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  return join(canonical(parent), path.slice(parent.length));
}
