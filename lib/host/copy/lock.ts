/**
 * Locks between runs (flock(2)), on files that only root can open: on a directory
 * that users may read, any of them could hold one and so keep root from its work.
 * They end with the descriptor, however a run ends; the files stay until the boot.
 */
import { constants, mkdirSync, openSync } from "node:fs";
import { Refusal } from "../../fault.ts";
import { O_CLOEXEC } from "../at.ts";
import { CallFailure, checked, errno, libc } from "../libc.ts";

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
/** Only root can write to /run, and it is gone with the boot. */
const LOCKS = "/run/blankroot";
const OPEN = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | O_CLOEXEC;

export class Lock implements Disposable {
  readonly #fd: number;
  readonly #name: string;

  /** @throws Refusal where there can be none */
  constructor(name: string) {
    this.#name = name;
    this.#fd = open(`${LOCKS}/${name}.lock`);
  }

  /** Takes it where no other run has it, not even shared. @returns whether that is so */
  claim(): boolean {
    if (libc().flock(this.#fd, LOCK_EX | LOCK_NB) !== -1) return true;
    const fault = new CallFailure(`Cannot lock ${this.#name}`, errno());
    if (fault.code === "EAGAIN" || fault.code === "EWOULDBLOCK") return false;
    throw fault;
  }

  /** Has it with other runs; waits for one that has claimed it. */
  share(): void {
    checked(libc().flock(this.#fd, LOCK_SH), () => `Cannot lock ${this.#name}`);
  }

  [Symbol.dispose](): void {
    libc().close(this.#fd);
  }
}

function open(file: string): number {
  try {
    mkdirSync(LOCKS, { recursive: true, mode: 0o755 });
    return openSync(file, OPEN, 0o600);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Refusal(`Cannot copy: can't make the lock ${file} (${code})`, { cause });
  }
}
