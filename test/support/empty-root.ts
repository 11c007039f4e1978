/**
 * An empty root with the executable in it, entered in a mount namespace of its own:
 * what is mounted there goes with the process.
 */
import { chmodSync, copyFileSync } from "node:fs";
import type { Ran } from "./blankroot.ts";
import { Scratch } from "./disk.ts";

export interface Entered {
  /** Lines of sh run before, outside of the root: `$R` is it. */
  readonly before?: string;
  /** The command in the root; it is started without a shell. */
  readonly command?: readonly string[];
  readonly user?: number;
  readonly env?: Record<string, string>;
  /** Lines of sh run instead of the command: `enter` becomes its words, in the root. */
  readonly script?: string;
  /** Namespaces besides the one for mounts. */
  readonly unshare?: readonly string[];
}

export class EmptyRoot implements Disposable {
  readonly #scratch = new Scratch();
  readonly dir: string;

  /** @param file becomes /blankroot in the root, next to nothing but an empty /proc */
  constructor(file: string) {
    this.dir = this.#scratch.mkdir("root");
    this.#scratch.mkdir("root", "proc");
    chmodSync(this.dir, 0o755);
    copyFileSync(file, this.path("blankroot"));
    chmodSync(this.path("blankroot"), 0o755);
  }

  path(...names: string[]): string {
    return this.#scratch.path("root", ...names);
  }

  mkdir(...names: string[]): string {
    return this.#scratch.mkdir("root", ...names);
  }

  enter(how: Entered = {}): Ran {
    const user = how.user ?? 0;
    const script = [
      "set -eu",
      'mount -t proc proc "$R/proc"',
      how.before ?? "",
      `enter() { exec chroot --userspec=${user}:${user} --groups= "$R" "$@"; }`,
      how.script ?? 'enter "$@"',
    ].join("\n");
    const command = how.command ?? ["/blankroot", "--version"];
    const child = Bun.spawnSync(
      ["unshare", "--mount", ...(how.unshare ?? []), "sh", "-c", script, "sh", ...command],
      {
        env: { PATH: process.env.PATH, R: this.dir, ...how.env },
        stdin: "ignore",
        stdout: "pipe",
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

  [Symbol.dispose](): void {
    this.#scratch[Symbol.dispose]();
  }
}
