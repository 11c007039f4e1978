/** Profiles in all combinations that make a configuration different, and disks for them. */
import { type DiskFacts, NO_DISK } from "../../lib/nix/disk-names.ts";
import { checkProfile, type Profile } from "../../lib/profile.ts";
import { exampleProfile } from "./example.ts";

export const DISK: DiskFacts = {
  btrfs: "0d1c6c1e-9f43-4f0a-8d0b-5b1a3c2d4e5f",
  luks: "1e2d7d2f-8e54-4a1b-9c1d-6c2b4d3e5f6a",
  esp: "12AB-34CD",
  swap: {
    partition: "2f3e8e30-7d65-4b2c-8e2f-7d3c5e4f6a7b",
    area: "3a4f9f41-6c76-4c3d-9f3a-8e4d6f5a7b8c",
  },
  resumeOffset: 533760,
};

const STAGES = [
  { stage1: "systemd", module: "impermanence" },
  { stage1: "systemd", module: "preservation" },
  { stage1: "scripted", module: "impermanence" },
] as const;
const SWAPS = [undefined, "partition", "file"] as const;
const MIB = 1024 ** 2;

export interface Combination {
  readonly name: string;
  readonly profile: Profile;
  readonly facts: DiskFacts;
}

/** Stage 1, module, encryption, kind of swap, users, and whether the disk is there. */
export function combinations(): Combination[] {
  return STAGES.flatMap(({ stage1, module }) =>
    [false, true].flatMap((encrypted) =>
      SWAPS.flatMap((swap) =>
        [false, true].flatMap((users) =>
          [NO_DISK, DISK].map((facts): Combination => {
            const words = [
              stage1,
              module,
              encrypted ? "LUKS" : "no LUKS",
              `swap ${swap ?? "none"}`,
              users ? "users" : "no users",
              facts === DISK ? "disk" : "no disk",
            ];
            const profile = combined({ stage1, module, encrypted, swap, users });
            return { name: words.join(", "), profile, facts };
          }),
        ),
      ),
    ),
  );
}

interface Choice {
  readonly stage1: Profile["rollback"]["stage1"];
  readonly module: Profile["persist"]["module"];
  readonly encrypted: boolean;
  readonly swap: (typeof SWAPS)[number];
  readonly users: boolean;
}

function combined({ stage1, module, encrypted, swap, users }: Choice): Profile {
  const example = exampleProfile();
  const disk: Profile["disk"] = {
    ...example.disk,
    // What may be another disk's name at the next boot is refused for swap with a new key.
    device: "/dev/disk/by-id/virtio-1",
    swap: swap === undefined ? undefined : { kind: swap, size: 8192 * MIB },
    encryption: encrypted ? { mapper: "cryptroot" } : undefined,
  };
  return {
    ...example,
    disk,
    // Beside users, so that it is there in half of them.
    rollback: { ...example.rollback, stage1, login: users },
    persist: { ...example.persist, module },
    users: users ? example.users : {},
  };
}

/** A profile of TOML's values, which must be without faults. */
export function checked(value: object): Profile {
  const result = checkProfile(value);
  if ("profile" in result) return result.profile;
  throw new Error(JSON.stringify(result.faults));
}
