/**
 * A machine to lose power on: one btrfs image with a root that was lived in, the
 * rollback's programs behind wrappers that count calls and strike at one of them,
 * and an oracle that says what is wrong with the disk afterwards.
 *
 * A strike kills every process of the run. What had reached the disk by then is
 * what the image's file holds: it is copied before anything is unmounted, and the
 * copy is attached in its place.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import {
  ROLLBACK_PROGRAMS,
  type RollbackParameters,
  rollbackScript,
} from "../../lib/boot/rollback.ts";
import { attachLoop, detachLoop, mountAt, type Scratch, sh } from "./disk.ts";
import { SHELLS, type ShellName, type Strike, wrappersIn } from "./rollback-programs.ts";
import { digestTree } from "./tree-digest.ts";

/** Small, so that copies are quick; the least that mkfs.btrfs takes is about 110 MiB. */
const SIZE_BYTES = 128 * 1024 ** 2;
const SURVIVORS = ["home", "nix", "persist"];

export interface Attempt {
  readonly shell: ShellName;
  readonly at?: number;
  readonly strike?: Strike;
  /** The text instead of rollback.sh with its parameters. */
  readonly script?: string;
  readonly keepOld?: boolean;
}

export interface Ended {
  /** Undefined where it was killed. */
  readonly status: number | undefined;
  readonly stderr: string;
  /** Each call with its words. */
  readonly calls: readonly string[];
  readonly result: Record<string, string>;
}

export interface Names {
  readonly root: string;
  readonly blank: string;
  readonly oldRoots: string;
}

export const NAMES: Names = { root: "root", blank: "root-blank", oldRoots: "old_roots" };

export class Machine {
  readonly scratch: Scratch;
  readonly names: Names;
  /** An image that nothing has happened to yet. */
  readonly pristine: string;
  readonly #image: string;
  #device: string | undefined;
  #survivors = "";
  #oldRoot = "";

  constructor(scratch: Scratch, names: Names = NAMES, populate: (top: string) => void = () => {}) {
    this.scratch = scratch;
    this.names = names;
    this.#image = scratch.path("disk");
    this.pristine = scratch.path("pristine");
    this.#make(populate);
  }

  get device(): string {
    if (this.#device === undefined) throw new Error("no disk is attached");
    return this.#device;
  }

  get top(): string {
    return this.scratch.path("run", "top");
  }

  /** Puts a copy of an image into the machine. */
  insert(image = this.pristine): void {
    this.eject();
    copy(image, this.#image);
    this.#device = attachLoop(this.scratch, "disk", { sizeBytes: SIZE_BYTES });
  }

  eject(): void {
    if (this.#device === undefined) return;
    this.unmount();
    detachLoop(this.#device);
    this.#device = undefined;
  }

  /** Takes down the mount of a run that couldn't. */
  unmount(): void {
    if (isMounted(this.top)) sh(["umount", this.top]);
  }

  /** Power is lost: only what had reached the disk remains, in the copy that goes on. */
  losePower(): void {
    const remains = this.scratch.path("remains");
    copy(this.#image, remains);
    this.eject();
    renameSync(remains, this.#image);
    this.#device = attachLoop(this.scratch, "disk", { sizeBytes: SIZE_BYTES });
  }

  /** Mounts the disk for as long as `act` runs. */
  onDisk<T>(act: (top: string) => T): T {
    const top = mountAt(this.scratch, "by-hand", this.device, "subvolid=5,noatime");
    try {
      return act(top);
    } finally {
      sh(["umount", top]);
    }
  }

  /** Keeps the disk as it is now under a name of its own. */
  keepImage(name: string): string {
    const kept = this.scratch.path(name);
    copy(this.#image, kept);
    return kept;
  }

  parameters(keepOld = true): RollbackParameters {
    const result = this.scratch.path("run", "result");
    return { device: this.device, ...this.names, keepOld, top: this.top, result };
  }

  run(attempt: Attempt): Ended {
    const bin = wrappersIn(this.scratch, attempt.shell);
    const files = { COUNT: this.scratch.path("count"), LOG: this.scratch.path("log") };
    writeFileSync(files.COUNT, "0\n");
    writeFileSync(files.LOG, "");
    const resultFile = this.scratch.path("run", "result");
    rmSync(resultFile, { force: true });
    const text = attempt.script ?? rollbackScript(this.parameters(attempt.keepOld));
    // busybox looks for applets before PATH, but for functions before both.
    const functions = ROLLBACK_PROGRAMS.map((name) => `${name}() { "${bin}/${name}" "$@"; }\n`);
    const [shell, ...options] = SHELLS[attempt.shell];
    const child = Bun.spawnSync(
      [
        Bun.which("setsid")!,
        "--wait",
        Bun.which(shell)!,
        ...options,
        "-c",
        functions.join("") + text,
      ],
      {
        env: {
          ...files,
          PATH: bin,
          AT: `${attempt.at ?? 0}`,
          STRIKE: attempt.strike ?? "",
          TOP: this.top,
        },
        stderr: "pipe",
        stdout: "pipe",
      },
    );
    const killed = child.signalCode === "SIGKILL" || child.exitCode === 137;
    return {
      status: killed ? undefined : child.exitCode,
      stderr: `${child.stderr}${child.stdout}`,
      calls: readFileSync(files.LOG, "utf8").split("\n").slice(0, -1),
      result: existsSync(resultFile) ? parse(readFileSync(resultFile, "utf8")) : {},
    };
  }

  /** What is wrong after a rollback: empty, if the disk is as it should be. */
  faults(kept: "kept" | "deleted" = "kept"): string[] {
    const { root, blank, oldRoots } = this.names;
    const faults = this.#checkFilesystem();
    const top = this.#look();
    const expected = [...SURVIVORS, root, blank, oldRoots].sort().join();
    const found = readdirSync(top).sort().join();
    if (found !== expected) faults.push(`at the top: ${found}, expected ${expected}`);
    if (existsSync(`${top}/${root}`)) faults.push(...rootFaults(top, this.names));
    if (readdirSync(`${top}/${blank}`).length > 0) faults.push("the blank one is not blank");
    const survivors = digestAll(top, SURVIVORS);
    if (survivors !== this.#survivors) faults.push(`survivors changed: ${survivors}`);
    const olds = existsSync(`${top}/${oldRoots}`) ? readdirSync(`${top}/${oldRoots}`) : [];
    const digests = olds.map((name) => digestTree(`${top}/${oldRoots}/${name}`));
    const wanted = kept === "kept" ? [this.#oldRoot] : [];
    if (digests.join("\n") !== wanted.join("\n")) {
      faults.push(`old roots: ${digests.join("; ") || "none"}, expected ${wanted.join()}`);
    }
    sh(["umount", top]);
    return faults;
  }

  /** Whether nothing has happened to root and its neighbours; otherwise what. */
  changes(): string[] {
    const faults = this.#checkFilesystem();
    const top = this.#look();
    const found = readdirSync(top).sort().join();
    const expected = [...SURVIVORS, this.names.root, this.names.blank].sort().join();
    if (found !== expected) faults.push(`at the top: ${found}, expected ${expected}`);
    else if (digestTree(`${top}/${this.names.root}`) !== this.#oldRoot)
      faults.push("root has changed");
    if (digestAll(top, SURVIVORS) !== this.#survivors) faults.push("survivors changed");
    sh(["umount", top]);
    return faults;
  }

  /** A look must not write: a root whose access time has changed is no unused one. */
  #look(): string {
    return mountAt(this.scratch, "look", this.device, "subvolid=5,ro");
  }

  #checkFilesystem(): string[] {
    const child = Bun.spawnSync(["btrfs", "check", "--readonly", this.device], { stderr: "pipe" });
    return child.exitCode === 0 ? [] : [`btrfs check: ${child.stderr}`];
  }

  #make(populate: (top: string) => void): void {
    const device = attachLoop(this.scratch, "disk", { sizeBytes: SIZE_BYTES });
    sh(["mkfs.btrfs", "--quiet", "--metadata", "single", device]);
    const top = mountAt(this.scratch, "make", device);
    const { root, blank } = this.names;
    for (const name of [...SURVIVORS, root]) create(`${top}/${name}`);
    sh(["btrfs", "subvolume", "snapshot", "-r", `${top}/${root}`, `${top}/${blank}`]);
    for (const name of SURVIVORS) writeFileSync(`${top}/${name}/precious`, `of ${name}\n`);
    mkdirSync(`${top}/${root}/etc`);
    writeFileSync(`${top}/${root}/etc/machine id`, "5f0c\n");
    mkdirSync(`${top}/${root}/var/lib`, { recursive: true });
    create(`${top}/${root}/var/lib/machines`);
    create(`${top}/${root}/var/lib/machines/one`);
    writeFileSync(`${top}/${root}/var/lib/machines/one/deep`, "two levels down\n");
    populate(top);
    sh(["btrfs", "filesystem", "sync", top]);
    this.#survivors = digestAll(top, SURVIVORS);
    this.#oldRoot = digestTree(`${top}/${root}`);
    sh(["umount", top]);
    detachLoop(device);
    renameSync(this.#image, this.pristine);
  }
}

function rootFaults(top: string, { root, blank }: Names): string[] {
  const path = `${top}/${root}`;
  const faults: string[] = [];
  if (statSync(path).ino !== 256) faults.push("root is no subvolume");
  const inside = readdirSync(path).sort();
  if (inside.length > 0) faults.push(`root is not blank, inside is ${inside.join()}`);
  const parent = field(path, "Parent UUID");
  if (parent !== field(`${top}/${blank}`, "UUID")) faults.push(`root is of ${parent}`);
  if (field(path, "Flags") !== "-") faults.push("root is not writable");
  return faults;
}

function field(subvolume: string, name: string): string | undefined {
  const shown = sh(["btrfs", "subvolume", "show", subvolume]);
  return new RegExp(`^\\t${name}:\\s*(.*)$`, "m").exec(shown)?.[1];
}

function digestAll(top: string, names: readonly string[]): string {
  return names.map((name) => `${name} ${digestTree(`${top}/${name}`)}`).join("\n");
}

export function create(path: string): void {
  sh(["btrfs", "subvolume", "create", path]);
}

function parse(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line !== "");
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

function copy(from: string, to: string): void {
  sh(["cp", "--sparse=always", from, to]);
}

function isMounted(dir: string): boolean {
  return Bun.spawnSync(["mountpoint", "--quiet", dir]).exitCode === 0;
}
