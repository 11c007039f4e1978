/**
 * Files that programs replace by renaming another over them.
 *
 * A file that is kept is a mount point, and rename(2) on one fails with EBUSY; over a
 * link it succeeds, and what was written goes with the root. Either way only the
 * directory can be kept. Here are those of which that is known, each by what shows it;
 * a file that is not here may be another.
 */
import { dirname } from "node:path/posix";
import { visible } from "../text.ts";

interface RenamedOver {
  /** An absolute path, or the end of one. */
  readonly file: string;
  /** Who replaces it, before "replaces it". */
  readonly by: string;
  /** What to do where its directory holds too much to be kept. */
  readonly instead?: string;
}

const USERS =
  "its content is users.users and users.groups of the configuration, and the ids in /var/lib/nixos";
const NIXOS_USERS = "NixOS, when it makes users,";

const KNOWN: readonly RenamedOver[] = [
  // nixos/modules/config/update-users-groups.pl: updateFile(); nix-community/impermanence#122.
  { file: "/etc/passwd", by: NIXOS_USERS, instead: USERS },
  { file: "/etc/group", by: NIXOS_USERS, instead: USERS },
  {
    file: "/etc/shadow",
    by: NIXOS_USERS,
    instead: "password_file of the profile's users keeps passwords",
  },
  { file: "/etc/subuid", by: NIXOS_USERS, instead: USERS },
  { file: "/etc/subgid", by: NIXOS_USERS, instead: USERS },
  // The same script of NixOS.
  { file: "/var/lib/nixos/uid-map", by: NIXOS_USERS },
  { file: "/var/lib/nixos/gid-map", by: NIXOS_USERS },
  // NetworkConfiguration/openresolv#19, containers/podman#11042.
  {
    file: "/etc/resolv.conf",
    by: "NetworkManager or resolvconf",
    instead: "it is made anew at every boot",
  },
  // systemd, src/timedate/timedated.c: write_string_file_atomic_label().
  {
    file: "/etc/adjtime",
    by: "timedatectl",
    instead: "time.hardwareClockInLocalTime of the configuration says the same",
  },
  // nix-community/impermanence#175.
  {
    file: "/etc/wpa_supplicant.conf",
    by: "wpa_supplicant",
    instead: "a configuration file in a directory of its own can be kept",
  },
  // fish-shell/fish-shell#8627 and #10730.
  { file: "fish_history", by: "fish" },
  // HIST_SAVE_BY_COPY in zshoptions(1); nix-community/impermanence#80.
  {
    file: ".zsh_history",
    by: "zsh",
    instead: "HISTFILE can name a file in a directory of its own",
  },
  // bash, lib/readline/histfile.c: history_do_write() and history_truncate_file().
  {
    file: ".bash_history",
    by: "bash, when it shortens it,",
    instead: "HISTFILE can name a file in a directory of its own",
  },
  // OpenSSH, hostfile.c: hostfile_replace_entries(); termux/termux-packages#2909.
  { file: "known_hosts", by: "ssh, when a host has new keys," },
  // git-config's lock file: runatlantis/helm-charts#222.
  {
    file: ".gitconfig",
    by: "git config",
    instead: "git reads ~/.config/git/config as well, whose directory can be kept",
  },
  // CUPS, scheduler/file.c: cupsdCloseCreatedConfFile().
  { file: "cups/printers.conf", by: "cupsd" },
  // dconf, gvdb/gvdb-builder.c: g_file_set_contents().
  { file: "dconf/user", by: "dconf" },
  // GTK: nix-community/impermanence#175.
  { file: "recently-used.xbel", by: "GTK" },
  // xdg-mime: nix-community/home-manager#1213.
  { file: "mimeapps.list", by: "xdg-mime" },
];

/**
 * A sentence for each of the files that are known to be replaced.
 *
 * @param files absolute
 */
export function renamedOverNotes(files: readonly string[]): string[] {
  return files.flatMap((path) => {
    const known = KNOWN.find(({ file }) => file === path || path.endsWith(`/${file}`));
    return known === undefined ? [] : [noteOf(path, known)];
  });
}

function noteOf(path: string, { by, instead }: RenamedOver): string {
  const advice =
    instead ?? `list the directory that holds it, ${visible(dirname(path))}, and not the file`;
  return `${visible(path)}: ${by} replaces it by a rename, which fails where a file is mounted (EBUSY); ${advice}`;
}
