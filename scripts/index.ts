/**
 * The scripts by name, in the order of a machine's life; then what is about the
 * executable itself.
 */
import type { Script } from "../lib/cli.ts";

export const scripts: Record<string, () => Promise<{ default: Script }>> = {
  "format-disk": () => import("./format-disk.ts"),
  "make-subvols": () => import("./make-subvols.ts"),
  "mount-subvols": () => import("./mount-subvols.ts"),
  "render-nix": () => import("./render-nix.ts"),
  "fs-diff": () => import("./fs-diff.ts"),
  "rollback-preview": () => import("./rollback-preview.ts"),
  "persist-copy": () => import("./persist-copy.ts"),
  rollback: () => import("./rollback.ts"),
  "old-roots": () => import("./old-roots.ts"),
  doctor: () => import("./doctor.ts"),
  unpack: () => import("./unpack.ts"),
  "install-links": () => import("./install-links.ts"),
};
