/**
 * What an examination knows of a machine: of its system, of what is mounted, and of
 * the state that must be there for somebody to log in after the next boot. No content
 * of a secret is in it, only whether it is as it should be.
 */
import type { RollbackResult } from "../boot/rollback-result.ts";
import type { InitrdContents } from "../initrd/contents.ts";
import type { InodeStatus } from "../inode-status.ts";
import type { PreviewFacts } from "../plans/preview.ts";

/** What is known without a look at the profile's file system. */
export interface MachineFacts {
  /** Where the tree is that is examined: `/`, or a target. */
  readonly dir: string;
  /** What is mounted there; undefined for nothing. */
  readonly root: RootMount | undefined;
  /** Undefined of a system that doesn't run. */
  readonly boot: BootFacts | undefined;
  /** The system that the next boot starts; undefined where there is none. */
  readonly next: SystemFacts | undefined;
  /** The one that was booted, where its initrd is another. */
  readonly booted: SystemFacts | undefined;
  /** Undefined where it isn't found. */
  readonly filesystem: FilesystemFacts | undefined;
}

export interface DoctorFacts extends MachineFacts {
  readonly filesystem: FilesystemFacts;
  /** What the preview of the next boot goes by, too. */
  readonly preview: PreviewFacts;
  /** Whether the root subvolume is a snapshot of the blank one. */
  readonly isOfBlank: boolean;
  readonly blankOwner: Owner | undefined;
  /** What is mounted where a surviving subvolume belongs: its name if it is one of ours. */
  readonly mounted: ReadonlyMap<string, string | undefined>;
  readonly persisted: readonly PersistedFact[];
  readonly parents: readonly ParentFact[];
  readonly logins: readonly LoginFact[];
  readonly hostKeys: readonly KeyFact[];
  /** The map of users and that of groups, in /var/lib/nixos. */
  readonly idMaps: readonly Whereabouts[];
  readonly machineId: "valid" | "invalid" | Exclude<Whereabouts, "kept">;
}

/**
 * Where something is that a boot needs: where it outlives the boot; "unsaved", in the
 * root alone though it is listed; nowhere yet, though listed, and so kept from when it
 * is made; or in no list.
 */
export type Whereabouts = "kept" | "unsaved" | "nowhere" | "unlisted";

export interface RootMount {
  readonly fsType: string;
  readonly source: string;
  /** The subvolume's path. */
  readonly path: string;
  /** It is the profile's root subvolume on the profile's file system. */
  readonly isProfiles: boolean;
}

/** What tells the profile's file system from others. */
export interface FilesystemFacts {
  /** The node by which it was found. */
  readonly device: string;
  readonly uuid: string;
  /** Of the paths by which systems name devices, those that are here: whether one of its own. */
  readonly leadsTo: ReadonlyMap<string, boolean>;
}

export interface BootFacts {
  readonly commandLine: string;
  readonly bootId: string;
  /** What the rollback left; undefined for nothing, a text where it can't be read. */
  readonly result: RollbackResult | string | undefined;
}

export interface SystemFacts {
  readonly initrd: InitrdContents | { readonly unreadable: string };
  readonly kernelParams: string;
  readonly fstab: readonly FstabEntry[];
}

/** A line of fstab(5). */
export interface FstabEntry {
  readonly device: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** A listed path and its copy in the persist root. */
export interface PersistedFact {
  readonly path: string;
  /** Undefined where there is none. */
  readonly copy: (Owner & { readonly type: InodeStatus["type"] }) | undefined;
  /** Something is there now which isn't the copy. */
  readonly isThere: boolean;
  /** Its counterpart; undefined where there is none, or a mount alone has made it. */
  readonly inRoot: Owner | undefined;
  /** What the profile says; undefined for what it doesn't say, or names nobody knows. */
  readonly wanted: { readonly [K in keyof Owner]: number | undefined };
}

/** A directory of the persist root on the way to a listed path. */
export interface ParentFact {
  /** As the installed host sees it: /persist/etc. */
  readonly path: string;
  readonly owner: Owner;
  /** Its counterpart in the root; undefined where there is none. */
  readonly inRoot: Owner | undefined;
}

export interface LoginFact {
  readonly user: string;
  readonly wheel: boolean;
  /** The profile gives keys. */
  readonly hasKeys: boolean;
  readonly password: PasswordFact | undefined;
  /** ~/.ssh/authorized_keys on a surviving subvolume; undefined where there is none. */
  readonly authorizedKeys:
    | { readonly file: string; readonly fault: string | undefined }
    | undefined;
}

export interface PasswordFact {
  readonly file: string;
  /** Undefined where there is no file. */
  readonly owner: Owner | undefined;
  /** The directories on the way to it, from where the surviving subvolume is mounted. */
  readonly above: ReadonlyArray<{ readonly path: string; readonly owner: Owner }>;
  /** What keeps it from being used, as the end of a sentence; undefined for nothing. */
  readonly fault: string | undefined;
  /** The hash that it holds matches no password. */
  readonly isLocked: boolean;
}

/** A private host key. */
export interface KeyFact {
  readonly path: string;
  readonly where: Whereabouts;
  /** What keeps a kept one from being used, as the end of a sentence; undefined for nothing. */
  readonly fault: string | undefined;
}
