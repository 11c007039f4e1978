/** A root and a persist root on real btrfs, between which tests copy. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { blankroot, type Ran } from "./blankroot.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "./disk.ts";

const MIB = 1024 ** 2;

/** Both are subvolumes mounted by hand: no profile is needed. */
export class CopyMachine implements Disposable {
  readonly scratch = new Scratch();
  readonly device: string;
  readonly root: string;
  readonly persist: string;

  constructor(sizeBytes = 512 * MIB) {
    this.device = makeBtrfs(this.scratch, "disk", sizeBytes, "Copies");
    const top = mountAt(this.scratch, "top", this.device);
    for (const name of ["root", "persist"]) sh(["btrfs", "subvolume", "create", `${top}/${name}`]);
    sh(["umount", top]);
    this.root = mountAt(this.scratch, "root", this.device, "subvol=root");
    this.persist = mountAt(this.scratch, "persist", this.device, "subvol=persist");
  }

  write(path: string, text = path): string {
    const file = `${this.root}${path}`;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  copy(...words: (string | Uint8Array)[]): Ran {
    return blankroot(this.words(...(words as string[])));
  }

  words(...words: string[]): string[] {
    return ["persist-copy", "--root", this.root, "--persist", this.persist, ...words];
  }

  /** All that lies at the top of the file system. */
  namesAtTop(): string[] {
    return this.#atTop(["ls", "--almost-all"]);
  }

  /** The subvolumes there, as whoever looks for roots at the top finds them. */
  rootsAtTop(): string[] {
    return this.#atTop([
      "find",
      "-mindepth",
      "1",
      "-maxdepth",
      "1",
      "-inum",
      "256",
      "-printf",
      "%f\\n",
    ]);
  }

  #atTop(argv: string[]): string[] {
    const top = mountAt(this.scratch, "top", this.device);
    const names = sh(["env", `--chdir=${top}`, ...argv]);
    sh(["umount", top]);
    return names.split("\n").filter(Boolean).sort();
  }

  /** What rsync, comparing everything by checksum, still finds to do. */
  differences(path: string): string {
    const [from, to] = [`${this.root}${path}/`, `${this.persist}${path}/`];
    return sh([
      "rsync",
      "-aHAX",
      "--checksum",
      "--dry-run",
      "--itemize-changes",
      "--delete",
      from,
      to,
    ]);
  }

  [Symbol.dispose](): void {
    this.scratch[Symbol.dispose]();
  }
}
