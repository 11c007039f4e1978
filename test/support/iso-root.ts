/**
 * A root like the installer's: no /lib, no /lib64, no /usr/lib; /bin/sh and
 * /usr/bin/env alone; every tool below /nix/store, each package with the loader and
 * the libraries that it was linked with, and with nobody else's.
 *
 * The tools are Debian's, their loader and run path set by patchelf.
 */
import { chmodSync, copyFileSync, mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { sh } from "./disk.ts";

/** Packages of the installer and what is used of each. */
const PACKAGES: Readonly<Record<string, string>> = {
  bash: "bash",
  coreutils:
    "basename cat chmod chown cp cut date dirname echo env false head id ln ls mkdir mktemp mv od readlink rm rmdir sha256sum sleep sort stat sync tail test timeout touch tr true uname wc",
  "util-linux":
    "blkid blockdev findmnt flock losetup lsblk mkswap mount partx sfdisk swapoff swapon umount unshare wipefs",
  "btrfs-progs": "btrfs mkfs.btrfs",
  dosfstools: "mkfs.fat",
  findutils: "find xargs",
  gnugrep: "grep",
  gnused: "sed",
  awk: "awk",
};

/** Directories that exist there. */
const DIRECTORIES = "bin usr/bin nix/store proc sys dev run tmp etc root home var mnt".split(" ");

export interface IsoRoot {
  readonly dir: string;
  /** The PATH there. */
  readonly path: string;
}

/** @param dir an empty folder */
export function makeIsoRoot(dir: string): IsoRoot {
  for (const name of DIRECTORIES) mkdirSync(join(dir, name), { recursive: true });
  chmodSync(join(dir, "tmp"), 0o1777);
  const stores = new Map(
    Object.entries(PACKAGES).map(([name, tools]) => [
      name,
      addPackage(dir, name, tools.split(" ")),
    ]),
  );
  symlinkSync("bash", join(dir, `${stores.get("bash")}/bin/sh`));
  symlinkSync(`${stores.get("bash")}/bin/sh`, join(dir, "bin/sh"));
  symlinkSync(`${stores.get("coreutils")}/bin/env`, join(dir, "usr/bin/env"));
  return { dir, path: [...stores.values()].map((store) => `${store}/bin`).join(":") };
}

/** @returns its store path, as seen in the root */
function addPackage(dir: string, name: string, tools: readonly string[]): string {
  const hash = new Bun.CryptoHasher("sha256").update(name).digest("hex").slice(0, 32);
  const store = `/nix/store/${hash}-${name}`;
  for (const folder of ["bin", "lib"]) mkdirSync(join(dir, store, folder), { recursive: true });
  for (const tool of tools) addTool(dir, store, tool);
  return store;
}

function addTool(dir: string, store: string, tool: string): void {
  const found = Bun.which(tool, { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" });
  if (found === null) throw new Error(`${tool} is not installed`);
  const copy = join(dir, store, "bin", tool);
  copyFileSync(realpathSync(found), copy);
  chmodSync(copy, 0o755);
  const libraries = [...sh(["ldd", found]).matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path!);
  const loader = libraries.find((path) => basename(path).startsWith("ld-linux"));
  if (loader === undefined) throw new Error(`${tool} has no loader`);
  for (const library of libraries) {
    copyFileSync(realpathSync(library), join(dir, store, "lib", basename(library)));
  }
  // An inherited run path: Debian's libraries have none of their own.
  sh([
    "patchelf",
    ...["--set-interpreter", `${store}/lib/${basename(loader)}`],
    ...["--force-rpath", "--set-rpath", `${store}/lib`],
    copy,
  ]);
  chmodSync(join(dir, store, "lib", basename(loader)), 0o755);
}
