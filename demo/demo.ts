/**
 * The demo: a blank disk to a blank root, and what happens to state between, on
 * a loop disk with real partitions and a real btrfs.
 *
 * Each command is printed as a user would type it and then run by the very
 * scripts; an exit status other than the expected one ends the demo as failed.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { shellQuote } from "../lib/text.ts";
import { attachLoop, Scratch } from "../test/support/disk.ts";
import { claim, clearLeftovers, PREFIX, watchRun } from "./leftovers.ts";
import { ensurePackages } from "./packages.ts";
import { profileFor } from "./profile.ts";
import { makeState } from "./state.ts";

const SIZE_BYTES = 20 * 1024 ** 3;
const MAIN = join(import.meta.dir, "../scripts/main.ts");

class Demo {
  readonly #dir: string;
  /** The words that `blankroot` stands for. */
  readonly #command: string;

  constructor(dir: string, executable: string | undefined) {
    this.#dir = dir;
    const words = executable === undefined ? [process.execPath, MAIN] : [executable];
    this.#command = words.map(shellQuote).join(" ");
  }

  /** Prints and runs a line of the shell. */
  async type(line: string, expected = 0): Promise<void> {
    throwIfStopped();
    console.log(`\n\x1b[1m$ ${line}\x1b[0m`);
    const script = `blankroot() { ${this.#command} "$@"; }; set -o pipefail; ${line}`;
    const child = Bun.spawn(["bash", "-c", script], {
      cwd: this.#dir,
      env: {
        ...process.env,
        BLANKROOT_PROFILE: join(this.#dir, "host.toml"),
      },
      stdio: ["ignore", "inherit", "inherit"],
    });
    const status = await child.exited;
    throwIfStopped();
    if (status !== expected) throw new Error(`status ${status}, expected ${expected}: ${line}`);
    if (status !== 0) console.log(`(exit status ${status})`);
  }
}

let stopped: NodeJS.Signals | undefined;

function throwIfStopped(): void {
  if (stopped !== undefined) throw new Error(`stopped by ${stopped}`);
}

process.exit(await main(process.argv.slice(2)));

async function main(words: readonly string[]): Promise<number> {
  const options = readOptions(words);
  if (options === undefined) {
    console.error("usage: npm run demo [-- [--install] [--executable FILE]]");
    return 2;
  }
  const reason = cannotRun() ?? (await ensurePackages(options.install));
  if (reason !== undefined) {
    console.error(`The demo can't run here: ${reason}`);
    return 3;
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      stopped ??= signal;
    });
  }
  for (const dir of clearLeftovers()) {
    say(`An earlier demo was killed: its disk, its mounts and ${dir} are gone now.`);
  }
  using _run = watchRun();
  using scratch = new Scratch(PREFIX);
  claim(scratch.dir);
  try {
    await walkThrough(scratch, options.executable);
  } catch (error) {
    console.error(`\nThe demo failed: ${(error as Error).message}`);
    return stopped === undefined ? 1 : 130;
  }
  return 0;
}

interface Options {
  /** Whether packages that are missing may be installed. */
  readonly install: boolean;
  /** Shown in the place of the sources. */
  readonly executable: string | undefined;
}

function readOptions(words: readonly string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: { install: { type: "boolean" }, executable: { type: "string" } },
    });
    const { install = false, executable } = values;
    return { install, executable: executable === undefined ? undefined : resolve(executable) };
  } catch {
    return undefined;
  }
}

function cannotRun(): string | undefined {
  if (process.getuid?.() !== 0) return "it makes disks and mounts them, which needs root";
  if (!existsSync("/dev/loop-control")) return "there are no loop devices (modprobe loop)";
  const known = () => /\tbtrfs$/m.test(readFileSync("/proc/filesystems", "utf8"));
  if (!known() && Bun.which("modprobe") !== null) Bun.spawnSync(["modprobe", "btrfs"]);
  return known() ? undefined : "this kernel has no btrfs";
}

async function walkThrough(scratch: Scratch, executable: string | undefined): Promise<void> {
  const device = attachLoop(scratch, "disk.img", { sizeBytes: SIZE_BYTES });
  const token = `${basename(device)}-${SIZE_BYTES}`;
  const target = scratch.path("mnt");
  writeFileSync(scratch.path("host.toml"), profileFor(device, target), { mode: 0o644 });
  const vfat = /\tvfat$/m.test(readFileSync("/proc/filesystems", "utf8"));
  const mount = vfat ? "blankroot mount-subvols" : "blankroot mount-subvols --without-esp";
  const demo = new Demo(scratch.dir, executable);
  // With a seed the plan that is shown is the one that runs, to the last UUID.
  const seed = `--seed=${crypto.randomUUID()}`;

  say(`A blank disk of 20 GiB is ${device}; the profile says what it shall become.`);
  await demo.type("cat host.toml");
  say("1. The disk. First what would be done, then the deed: it wants the disk's own token.");
  await demo.type(`blankroot format-disk --dry-run ${seed} | grep -v '^$' | tail -n 32`);
  await demo.type("blankroot format-disk", 3);
  await demo.type(`blankroot format-disk ${seed} --apply=${token}`);
  await demo.type(`sfdisk --list ${device}`);

  say("2. The subvolumes, and the blank snapshot that every boot starts from.");
  await demo.type("blankroot make-subvols");
  await demo.type(mount);
  await demo.type(`findmnt --submounts --output TARGET,SOURCE,OPTIONS ${target}`);

  say(
    "3. The configuration: all of it comes from the profile. First the rollback's part, then the files.",
  );
  await demo.type("blankroot render-nix | grep -A 38 'services.blankroot-rollback'");
  await demo.type(`blankroot render-nix --full --out ${target}/etc/nixos`);

  say("4. Some weeks pass: the machine gathers state.");
  makeState(target);
  await demo.type("blankroot fs-diff", 1);
  await demo.type("blankroot fs-diff -0 /root | xargs -0 printf '%q\\n'", 1);

  say("5. What would the next boot take?");
  await demo.type("blankroot rollback-preview", 1);

  say("6. Save what matters: what the profile lists, and the database that it forgot.");
  await demo.type("blankroot persist-copy");
  await demo.type("blankroot fs-diff --json /var/lib/postgresql/16/PG_VERSION", 1);
  say("What was listed and copied is kept. The database is in no list yet:");
  await demo.type("blankroot persist-copy --add --dry-run /var/lib/postgresql");
  await demo.type("blankroot persist-copy --add --verify /var/lib/postgresql");
  await demo.type("grep -B 3 -A 2 postgresql host.toml");
  await demo.type("blankroot fs-diff", 1);

  say("7. The rollback, as at every boot: the old root is set aside, a blank one takes its place.");
  await demo.type(`${mount} --unmount`);
  await demo.type(`blankroot rollback --apply=${token}`);
  await demo.type(mount);
  await demo.type("blankroot fs-diff");
  await demo.type(`find ${target}/persist -type f`);

  say("8. Something was forgotten after all: the old root still has it.");
  await demo.type("blankroot old-roots list");
  await demo.type("blankroot old-roots find '*history'");
  await demo.type("blankroot old-roots restore 2 /root/.bash_history");
  await demo.type(`cat ${target}/root/.bash_history`);
  await demo.type(`${mount} --unmount`);
  console.log("\nDone. The disk and all mounts of the demo are gone.");
}

function say(text: string): void {
  console.log(`\n\x1b[36m${text}\x1b[0m`);
}
