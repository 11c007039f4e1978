/** The tree that mount-subvols mounts: what, where, how, parents before children. */
import type { MountFacts } from "../facts.ts";
import type { Profile } from "../profile.ts";

export interface WantedMount {
  /** As a person calls it: "the subvolume home", "the ESP". */
  readonly what: string;
  /** Absolute, below the target. */
  readonly mountPoint: string;
  readonly fsType: "btrfs" | "vfat";
  readonly node: string;
  /** Path within the file system, as mountinfo shows it. */
  readonly root: string;
  readonly options: readonly string[];
  /** Ids of the mounts that are of this file system. */
  readonly ids: ReadonlySet<number>;
}

/** Its files are a secret: systemd keeps a random seed there. */
const ESP_OPTIONS = ["umask=0077"];

export function mountTree(profile: Profile, facts: MountFacts): WantedMount[] {
  const { root, subvolumes, mount_options } = profile.btrfs;
  const subvolume = (name: string, mountPoint: string, options: readonly string[]) => ({
    what: `the subvolume ${name}`,
    mountPoint: below(facts.target, mountPoint),
    fsType: "btrfs" as const,
    node: facts.top.node,
    root: `/${name}`,
    options: [`subvol=${name}`, ...mount_options, ...options],
    ids: facts.ours,
  });
  const tree: WantedMount[] = [subvolume(root, "/", [])];
  for (const [name, { mount, options }] of Object.entries(subvolumes)) {
    tree.push(subvolume(name, mount, options));
  }
  if (facts.esp !== undefined) tree.push(esp(facts.target, facts.esp));
  // A parent is a prefix of its children, so plain order puts it first.
  return tree.sort((a, b) => (a.mountPoint < b.mountPoint ? -1 : 1));
}

function esp(target: string, { node, mounts }: NonNullable<MountFacts["esp"]>): WantedMount {
  return {
    what: "the ESP",
    mountPoint: below(target, "/boot"),
    fsType: "vfat",
    node,
    root: "/",
    options: ESP_OPTIONS,
    ids: mounts,
  };
}

function below(target: string, path: string): string {
  return path === "/" ? target : target + path;
}
