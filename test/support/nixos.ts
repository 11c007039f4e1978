/**
 * A machine in which all is as it should be, laid out as NixOS does it: a system in
 * the store behind the links of its profile, an initrd that rolls back, and the state
 * that outlives the boot. Tests spoil one thing of it at a time.
 */
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { RollbackParameters } from "../../lib/boot/rollback.ts";
import { COMMAND, type Ran } from "./blankroot.ts";
import { archive, microcode, systemdInitrd } from "./initrd.ts";
import { Machine } from "./machine.ts";

const TABLES = `[persist]
directories = ["/etc/nixos", "/var/lib/nixos", { path = "/var/lib/private/x", mode = "0700" }]
files = ["/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key"]

[rollback]
keep = { days = 30, at_least = 1 }

[users.ada]
wheel = true
keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICWVNch9BcjkMqS/Xwep+GN4HwqyRIjr3Cuw7mHpqsKr ada"]
password_file = "/persist/passwords/ada"

[ssh]
enable = true
`;
export const SYSTEM = "store/00000000000000000000000000000001-nixos-system-test-26.05";
export const INITRD = "store/00000000000000000000000000000002-initrd-linux/initrd";
const FSTAB = {
  "/": "root",
  "/nix": "nix",
  "/persist": "persist",
  "/home": "home",
  "/var/log": "log",
};

export class NixosMachine implements Disposable {
  readonly machine: Machine;
  readonly #dir: string;

  constructor(tables = TABLES) {
    this.machine = new Machine(tables);
    this.machine.write("root", "/of-a-former-boot");
    this.machine.rollBack();
    this.#dir = this.machine.mount();
    this.#makeState();
    this.#makeSystem();
  }

  static readonly tables: string = TABLES;

  get dir(): string {
    return this.#dir;
  }

  /** A file of the machine, as it sees it. */
  file(path: string): string {
    return join(this.#dir, path);
  }

  write(path: string, content: string | Uint8Array, mode = 0o644): void {
    const file = this.file(path);
    mkdirSync(dirname(file), { recursive: true });
    rmSync(file, { force: true });
    writeFileSync(file, content);
    chmodSync(file, mode);
  }

  parameters(): RollbackParameters {
    const names = { root: "root", blank: "root-blank", oldRoots: "old_roots" };
    return { device: this.machine.device, ...names, keepOld: true };
  }

  writeInitrd(content: Uint8Array, name = INITRD): void {
    this.write(`/nix/${name}`, content);
  }

  /** @param options of /persist; the others are mounted in stage 1 */
  writeFstab(options: string, device = this.machine.device, root = "subvol=root"): void {
    const line = ([path, name]: [string, string]) => {
      const own = path === "/persist" ? options : "x-initrd.mount";
      return `${device} ${path} btrfs ${own},${path === "/" ? root : `subvol=${name}`} 0 0\n`;
    };
    this.write(`/nix/${SYSTEM}/etc-dir/fstab`, Object.entries(FSTAB).map(line).join(""));
  }

  /** Examines it as a mounted tree. */
  examineTarget(...words: string[]): Ran {
    return this.machine.run("doctor", "--target", this.#dir, ...words);
  }

  /** Runs a script on it as on the running system: in a namespace of its own, in which it is `/`. */
  runWithin(
    name: string,
    { result, commandLine = "quiet", dir = this.#dir }: Running,
    ...words: string[]
  ): Ran {
    const { scratch, profile } = this.machine;
    const run = scratch.mkdir("run", "blankroot");
    rmSync(join(run, "rollback"), { force: true });
    if (result !== undefined) writeFileSync(join(run, "rollback"), result);
    writeFileSync(scratch.path("cmdline"), `${commandLine}\n`);
    const project = join(import.meta.dir, "../..");
    const script = `
      for dir in /proc /sys /dev /tmp /usr /lib /lib64 "$PROJECT"; do
        [ -e "$dir" ] || continue
        mkdir -p "$HOST$dir"
        mount --rbind "$dir" "$HOST$dir"
      done
      mkdir -p "$HOST/run"
      mount --bind "$RUN" "$HOST/run"
      mount --bind "$CMDLINE" "$HOST/proc/cmdline"
      exec chroot "$HOST" "$@"`;
    const argv = ["unshare", "--mount", "sh", "-eu", "-c", script, "sh", ...COMMAND];
    const env = {
      ...process.env,
      HOST: dir,
      PROJECT: project,
      RUN: dirname(run),
      CMDLINE: scratch.path("cmdline"),
    };
    const ran = Bun.spawnSync([...argv, name, "--profile", profile, ...words], {
      env,
      stdout: "pipe",
      stderr: "pipe",
    });
    const { exitCode, stdout, stderr } = ran;
    return { status: exitCode, stdout: `${stdout}`, stdoutBytes: stdout, stderr: `${stderr}` };
  }

  /** What the running system says that it was booted from. */
  bootFrom(system: string): void {
    const link = join(this.machine.scratch.mkdir("run"), "booted-system");
    rmSync(link, { force: true });
    symlinkSync(system, link);
  }

  #makeState(): void {
    this.write("/persist/etc/machine-id", `${"0123456789abcdef".repeat(2)}\n`, 0o444);
    this.write("/persist/etc/ssh/ssh_host_ed25519_key", "secret\n", 0o600);
    this.write("/persist/etc/nixos/configuration.nix", "{ }\n");
    this.write("/persist/var/lib/nixos/uid-map", "{}\n");
    this.write("/persist/var/lib/nixos/gid-map", "{}\n");
    for (const path of [
      "/persist/var/lib/private",
      "/persist/var/lib/private/x",
      "/var/lib/private",
    ]) {
      mkdirSync(this.file(path), { recursive: true });
      chmodSync(this.file(path), 0o700);
    }
    this.write("/persist/passwords/ada", "$y$j9T$abc$def\n", 0o600);
    this.write("/home/ada/.ssh/authorized_keys", "ssh-ed25519 AAAA ada\n", 0o600);
    mkdirSync(this.file("/etc/ssh"), { recursive: true });
    this.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nada:x:1000:100::/home/ada:/bin/sh\n");
  }

  #makeSystem(): void {
    this.writeFstab("x-initrd.mount,noatime");
    this.write(`/nix/${SYSTEM}/kernel-params`, "quiet loglevel=4");
    symlinkSync(`/nix/${SYSTEM}/etc-dir`, this.file(`/nix/${SYSTEM}/etc`));
    symlinkSync(`/nix/${INITRD}`, this.file(`/nix/${SYSTEM}/initrd`));
    mkdirSync(this.file("/nix/var/nix/profiles"), { recursive: true });
    symlinkSync(`/nix/${SYSTEM}`, this.file("/nix/var/nix/profiles/system-1-link"));
    symlinkSync("system-1-link", this.file("/nix/var/nix/profiles/system"));
    const archived = archive(systemdInitrd(this.parameters()));
    this.writeInitrd(Buffer.concat([microcode(), Bun.zstdCompressSync(archived)]));
    this.bootFrom(`/nix/${SYSTEM}`);
  }

  [Symbol.dispose](): void {
    this.machine[Symbol.dispose]();
  }
}

interface Running {
  /** What the rollback left at this boot. */
  readonly result: string | undefined;
  readonly commandLine?: string;
  /** What is `/`; the machine's root subvolume unless given. */
  readonly dir?: string;
}

/** What stage 1 leaves. */
export function resultOf(outcome: string, bootId: string, reason = ""): string {
  return `outcome=${outcome}\nreason=${reason}\nwarning=\nboot_id=${bootId}\ndevice=/dev/x\nold_root=\n`;
}
