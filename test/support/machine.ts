/**
 * An installed machine for tests: one loop disk with the profile's subvolumes, a
 * blank snapshot, and a way to fill, mount and roll back its root.
 */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { blankroot, type Ran } from "./blankroot.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "./disk.ts";
import { writeProfile } from "./profile.ts";

const SIZE_BYTES = 256 * 1024 ** 2;
const SUBVOLUMES = { home: "/home", nix: "/nix", persist: "/persist", log: "/var/log" };

export class Machine implements Disposable {
  readonly scratch = new Scratch();
  readonly device: string;
  /** Where the top of the file system is mounted. */
  readonly top: string;
  profile: string;

  /** @param tables TOML of the profile from [persist] on */
  constructor(tables = "") {
    this.device = makeBtrfs(this.scratch, "disk", SIZE_BYTES);
    this.top = mountAt(this.scratch, "top", this.device);
    for (const name of ["root", ...Object.keys(SUBVOLUMES)]) {
      sh(["btrfs", "--quiet", "subvolume", "create", join(this.top, name)]);
    }
    sh(["btrfs", "--quiet", "subvolume", "snapshot", "-r", this.in("root"), this.in("root-blank")]);
    this.profile = this.writeProfile(tables);
  }

  writeProfile(tables: string): string {
    const { device } = this;
    this.profile = writeProfile(this.scratch, {
      device,
      swap: "",
      btrfs: `device = ${JSON.stringify(device)}`,
      more: tables,
    });
    return this.profile;
  }

  /** A path below the top of the file system. */
  in(...names: string[]): string {
    return join(this.top, ...names);
  }

  /** Writes files below a subvolume, parents included; the text of each is its own path. */
  write(subvolume: string, ...paths: string[]): void {
    for (const path of paths) {
      const file = this.in(subvolume, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${path}\n`);
    }
  }

  link(path: string, text: string): void {
    const file = this.in("root", path);
    mkdirSync(dirname(file), { recursive: true });
    symlinkSync(text, file);
  }

  /** Copies paths from the root to the persist root, everything about them preserved. */
  persist(...paths: string[]): void {
    for (const path of paths) {
      mkdirSync(dirname(this.in("persist", path)), { recursive: true });
      sh(["cp", "--archive", this.in("root", path), this.in("persist", path)]);
    }
  }

  /** Mounts the root with its subvolumes below, as the running machine would. */
  mount(): string {
    const dir = mountAt(this.scratch, "mnt", this.device, "subvol=root");
    for (const [name, path] of Object.entries(SUBVOLUMES)) {
      mkdirSync(dir + path, { recursive: true });
      sh(["mount", "-t", "btrfs", "-o", `subvol=${name}`, this.device, dir + path]);
    }
    return dir;
  }

  /** What a boot does, by hand: the root set aside, a fresh snapshot of the blank one in its place. */
  rollBack(): void {
    const token = `${basename(this.device)}-${SIZE_BYTES}`;
    const ran = this.run("rollback", `--apply=${token}`);
    if (ran.status !== 0) throw new Error(ran.stderr);
  }

  run(script: string, ...words: string[]): Ran {
    return blankroot([script, "--profile", this.profile, ...words]);
  }

  /** Without a profile. */
  runBare(script: string, ...words: string[]): Ran {
    return blankroot([script, ...words]);
  }

  [Symbol.dispose](): void {
    this.scratch[Symbol.dispose]();
  }
}
