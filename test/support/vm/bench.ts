/** What the tests of one file boot: one disk, laid out once, and copies of it. */
import { Scratch } from "../disk.ts";
import { alone } from "./alone.ts";
import type { MakeInitrd, Stage1Options } from "./initrd.ts";
import { bootParts } from "./parts.ts";
import { type Boot, boot } from "./qemu.ts";
import { type Disk, readDisk } from "./records.ts";
import { copyImage, installSystem, onTop } from "./system.ts";

export class BootBench<Options extends Stage1Options = Stage1Options> implements Disposable {
  readonly scratch = new Scratch();
  readonly parts = alone(bootParts);
  readonly system = installSystem(this.scratch, this.parts);
  readonly #make: MakeInitrd<Options>;
  #made = 0;

  constructor(make: MakeInitrd<Options>) {
    this.#make = make;
  }

  initrd(options?: Options): string {
    return this.#make(this.scratch, `initrd-${this.#made++}`, this.parts, this.system, options);
  }

  copy(image = this.system.image): string {
    return copyImage(this.scratch, image, `image-${this.#made++}`);
  }

  boot(initrd: string, image: string, more: Partial<Boot> = {}): Promise<string> {
    return boot({ parts: this.parts, initrd, image, ...more });
  }

  read(image: string): Disk {
    return readDisk(this.scratch, image);
  }

  /** Changes an image as the machine's owner could have. */
  change(image: string, act: (top: string) => void): void {
    onTop(this.scratch, image, act);
  }

  [Symbol.dispose](): void {
    this.scratch[Symbol.dispose]();
  }
}
