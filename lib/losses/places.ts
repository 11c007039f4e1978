/**
 * To whom what lies at a place belongs, as a table: who says that it does stands beside
 * each. What no table names goes by its directory, so that nothing is left out.
 *
 * A cache is told apart from the rest of its owner: losing it costs time, not work.
 */

export const OWNER_KINDS = [
  "service",
  "home",
  "project",
  "cache",
  "configuration",
  "temporary",
  "other",
] as const;

export type OwnerKind = (typeof OWNER_KINDS)[number];

/** A directory of an owner that its path alone doesn't tell. */
export interface KnownPlace {
  readonly path: string;
  readonly kind: OwnerKind;
  readonly name: string;
  readonly source: string;
}

/** Directories in which each name is an owner's. */
export interface SharedPlace {
  readonly path: string;
  readonly kind: OwnerKind;
  readonly source: string;
}

export const KNOWN_PLACES: readonly KnownPlace[] = [
  known("/etc/nixos", "configuration", "/etc/nixos", "configuration.nix(5)"),
  known("/etc/ssh", "service", "sshd", "sshd(8), FILES"),
  known("/etc/NetworkManager", "service", "NetworkManager", "NetworkManager.conf(5)"),
  known("/etc/wireguard", "service", "wireguard", "wg-quick(8)"),
  known("/etc/docker", "service", "docker", "dockerd(8), /etc/docker/daemon.json"),
  known("/etc/containers", "service", "containers", "containers-storage.conf(5)"),
  known("/etc/libvirt", "service", "libvirt", "libvirtd(8), FILES"),
  known("/etc/cups", "service", "cups", "cups-files.conf(5), ServerRoot"),
  known("/etc/letsencrypt", "service", "certbot", "certbot(1), --config-dir"),
  known("/var/lib/machines", "service", "systemd-machined", "machinectl(1), FILES"),
  known("/var/lib/portables", "service", "systemd-portabled", "portablectl(1), FILES"),
  known("/var/log/journal", "service", "systemd-journald", "systemd-journald.service(8), FILES"),
  known("/var/db/sudo", "service", "sudo", "sudoers(5), timestampdir and lecture_status_dir"),
  known("/etc", "configuration", "/etc", "file-hierarchy(7)"),
  known("/tmp", "temporary", "/tmp", "file-hierarchy(7)"),
  known("/var/tmp", "temporary", "/var/tmp", "file-hierarchy(7)"),
];

export const SHARED_PLACES: readonly SharedPlace[] = [
  { path: "/var/lib/private", kind: "service", source: "systemd.exec(5), DynamicUser=" },
  { path: "/var/log/private", kind: "service", source: "systemd.exec(5), DynamicUser=" },
  { path: "/var/cache/private", kind: "cache", source: "systemd.exec(5), DynamicUser=" },
  { path: "/var/lib", kind: "service", source: "systemd.exec(5), StateDirectory=" },
  { path: "/var/log", kind: "service", source: "systemd.exec(5), LogsDirectory=" },
  { path: "/var/cache", kind: "cache", source: "systemd.exec(5), CacheDirectory=" },
  { path: "/var/spool", kind: "service", source: "hier(7)" },
  { path: "/home", kind: "home", source: "file-hierarchy(7)" },
];

/** Homes that don't lie in /home, by the user's name. */
export const OTHER_HOMES = [{ path: "/root", name: "root", source: "file-hierarchy(7)" }] as const;

/** Caches in a home, where their programs put them unless told otherwise. */
export const HOME_CACHES = [
  { path: ".cache", source: "XDG Base Directory Specification, XDG_CACHE_HOME" },
  { path: ".local/share/Trash", source: "FreeDesktop.org Trash specification, home trash" },
  { path: ".npm", source: "npm, config, cache" },
  { path: ".cargo/registry", source: "The Cargo Book, Cargo Home" },
  { path: "go/pkg/mod", source: "Go Modules Reference, GOMODCACHE" },
  { path: ".gradle/caches", source: "Gradle User Manual, Gradle User Home directory" },
  { path: ".m2/repository", source: "Maven, settings, localRepository" },
] as const;

/** A directory with one of these in it is a project. */
export const PROJECT_MARKS = [
  { name: ".git", source: "gitrepository-layout(5)" },
  { name: ".hg", source: "hg(1), FILES" },
  { name: ".jj", source: "Jujutsu, architecture: the workspace's directory" },
  { name: ".svn", source: "Version Control with Subversion, the working copy's area" },
] as const;

/** The longest path of the tables has so many names below a home's, and an owner's name. */
export const NAMES_MAX = 5;

function known(path: string, kind: OwnerKind, name: string, source: string): KnownPlace {
  return { path, kind, name, source };
}
