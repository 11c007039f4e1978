/** A machine with old roots, and neighbours that a careless tool would take for some. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { COMMAND, type Ran } from "./blankroot.ts";
import { sh } from "./disk.ts";
import { Machine } from "./machine.ts";
import { digestTree } from "./tree-digest.ts";

export const BOOT = "00000000-0000-4000-8000-000000000001";
const DAY_MS = 24 * 60 * 60 * 1000;

/** The name of a root that was set aside so many days ago. */
export function nameOfAge(days: number, boot = BOOT): string {
  const time = new Date(Date.now() - days * DAY_MS).toISOString();
  return `${time.replace(/\.\d+|[-:]/g, "")}-${boot}`;
}

export interface Keep {
  readonly days: number;
  readonly at_least: number;
}

export class OldRootsMachine extends Machine {
  /** By age in days, the oldest first. */
  readonly names: readonly string[];

  constructor(
    ages: readonly number[] = [90, 60, 31, 30, 1],
    keep: Keep = { days: 30, at_least: 1 },
  ) {
    super(tables(keep));
    this.names = [...ages].sort((a, b) => b - a).map((days) => nameOfAge(days));
    mkdirSync(this.in("old_roots"));
    for (const name of this.names) this.plant(`old_roots/${name}`);
  }

  /** A subvolume made of the blank one, as old roots are. */
  plant(path: string): void {
    sh(["btrfs", "--quiet", "subvolume", "snapshot", this.in("root-blank"), this.in(path)]);
  }

  create(path: string): void {
    sh(["btrfs", "--quiet", "subvolume", "create", this.in(path)]);
  }

  keep(keep: Keep): void {
    this.writeProfile(tables(keep));
  }

  get token(): string {
    return `${basename(this.device)}-${256 * 1024 ** 2}`;
  }

  /** Neighbours, such that a deletion by listing or by path would reach. */
  plantNeighbours(): void {
    const [oldest] = this.names;
    for (const path of [
      "persist/nested",
      "persist/nested/deeper",
      "root/old_roots",
      `root/old_roots/${oldest}`,
      "home/20200101T000000Z-of-a-user",
      "20200101T000000Z-at-the-top",
      "old_roots.bak",
      `old_roots.bak/${oldest}`,
    ])
      this.create(path);
    writeFileSync(this.in("persist/nested/deeper/only copy"), "precious\n");
  }

  /** Two levels below an old root, with names that a listing can't hold, and one that forges one. */
  plantNested(name: string): void {
    const old = `old_roots/${name}`;
    mkdirSync(this.in(old, "var/lib"), { recursive: true });
    writeFileSync(this.in(old, "var/lib/file"), "old\n");
    this.create(`${old}/var/lib/two  words`);
    this.create(`${old}/var/lib/two  words/*\n\t-r`);
    const [id, home] = [old, "home"].map((path) => this.idOf(path));
    this.create(`${old}/x\nID ${home} gen 1 top level ${id} path home`);
    symlinkSync("../../home", this.in(old, "link"));
  }

  idOf(path: string): string {
    return sh(["btrfs", "inspect-internal", "rootid", this.in(path)]).trim();
  }

  /** Of its disk alone: others of the machine come and go. */
  mounts(): string[] {
    const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    return lines.filter((line) => line.includes(` ${this.device} `));
  }

  /** All but the old roots, file by file. */
  neighbours(): string {
    const others = readdirSync(this.top).filter((name) => name !== "old_roots");
    return others
      .sort()
      .map((name) => `${name} ${digestTree(this.in(name))}`)
      .join("\n");
  }

  old(): string[] {
    return readdirSync(this.in("old_roots")).sort();
  }

  prune(...words: string[]): Ran {
    return this.withClockSet("old-roots", "prune", "--profile", this.profile, ...words);
  }

  /** As on a machine whose clock systemd-timesyncd has set. */
  withClockSet(...words: string[]): Ran {
    return this.inNamespace(
      "mount -t tmpfs none /run; mkdir -p /run/systemd/timesync; : >/run/systemd/timesync/synchronized",
      words,
    );
  }

  inNamespace(prepare: string, words: readonly string[]): Ran {
    const script = `${prepare}; exec "$@"`;
    const child = Bun.spawnSync(
      ["unshare", "--mount", "sh", "-euc", script, "sh", ...COMMAND, ...words],
      {
        cwd: "/",
        env: { ...process.env, BLANKROOT_PROFILE: undefined },
        stdin: "ignore",
        stderr: "pipe",
      },
    );
    return {
      status: child.exitCode,
      stdout: child.stdout.toString(),
      stdoutBytes: child.stdout,
      stderr: child.stderr.toString(),
    };
  }

  /** A command of old-roots. */
  roots(...words: string[]): Ran {
    const [command, ...rest] = words;
    return this.run("old-roots", command!, ...rest);
  }

  /** The words that call a command of old-roots. */
  words(command: string): string[] {
    return [...COMMAND, "old-roots", command, "--profile", this.profile];
  }

  override run(script: string, ...words: string[]): Ran {
    if (script !== "old-roots") return super.run(script, ...words);
    const [command, ...rest] = words;
    return this.runBare(script, command!, "--profile", this.profile, ...rest);
  }
}

function tables({ days, at_least }: Keep): string {
  return `[rollback]
keep = { days = ${days}, at_least = ${at_least} }

[persist]
root = "/persist"
directories = ["/etc/nixos"]
files = ["/etc/machine-id"]
ignore = ["/var/cache/**"]
`;
}
