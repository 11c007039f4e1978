/**
 * What must be so of every state that a disk is left in, once the next rollback has run
 * on it: the root is blank, the old root is kept once and whole, its neighbours are as
 * they were, and btrfs check finds nothing. That rollback runs on this machine.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rollbackParameters, rollbackScript } from "../../../lib/boot/rollback.ts";
import { type Scratch, sh } from "../disk.ts";
import { digestTree } from "../tree-digest.ts";
import { checkDevice, onPartition, onTop, type SmallSystem, STATE } from "./system.ts";
import { textOf } from "./text-of.ts";

const SURVIVORS = ["home", "nix", "log"];
const PRECIOUS = "precious";
/** The state in the root in which power is lost: its own boot writes another. */
const LIVED_IN = "of nobody";
const TOP = ["home", "log", "nix", "old_roots", "persist", "root", "root-blank"];

export class PowerOracle {
  readonly #scratch: Scratch;
  readonly #system: SmallSystem;
  readonly #survivors: string;
  readonly #oldRoot: string;

  /** @param image as it is before the boot in which power is lost; what must survive is put there */
  constructor(scratch: Scratch, system: SmallSystem, image: string) {
    this.#scratch = scratch;
    this.#system = system;
    onTop(scratch, image, (top) => {
      for (const name of [...SURVIVORS, "persist"]) {
        writeFileSync(join(top, name, PRECIOUS), `of ${name}\n`);
      }
      const nested = join(top, "root/var/lib/machines");
      mkdirSync(join(top, "root/var/lib"), { recursive: true });
      writeFileSync(join(top, "root", STATE), `${LIVED_IN}\n`);
      for (const path of [nested, join(nested, "one")]) {
        sh(["btrfs", "--quiet", "subvolume", "create", path]);
      }
      writeFileSync(join(nested, "one/deep"), "two levels down\n");
    });
    [this.#survivors, this.#oldRoot] = onTop(scratch, image, (top) => [
      survivorsOf(top),
      digestTree(join(top, "root")),
    ]);
  }

  /** Runs the next rollback on a state. @returns what is wrong then */
  faults(image: string): string[] {
    const faults = onPartition(image, (device) => {
      const failed = this.#rollBack(device);
      const found = checkDevice(device);
      return found === "" ? failed : [...failed, found];
    });
    return faults.length > 0 ? faults : onTop(this.#scratch, image, (top) => this.#look(top));
  }

  #rollBack(device: string): string[] {
    const script = rollbackScript({
      ...rollbackParameters(this.#system.profile, device),
      top: this.#scratch.path("rollback-top"),
      result: this.#scratch.path("rollback-result"),
    });
    const child = Bun.spawnSync(["bash", "-e", "-c", script], { stderr: "pipe", stdout: "pipe" });
    return child.exitCode === 0 ? [] : [`the next rollback: ${child.stderr}`];
  }

  #look(top: string): string[] {
    const faults: string[] = [];
    const names = readdirSync(top).sort();
    if (names.join() !== TOP.join()) faults.push(`at the top: ${names}`);
    const inside = readdirSync(join(top, "root"));
    if (inside.length > 0) faults.push(`the root is not blank, inside is ${inside}`);
    const survivors = survivorsOf(top);
    if (survivors !== this.#survivors) faults.push(`survivors changed: ${survivors}`);
    const oldRoots = join(top, "old_roots");
    const olds = existsSync(oldRoots) ? readdirSync(oldRoots) : [];
    const kept = olds
      .map((name) => join(oldRoots, name))
      .filter((old) => textOf(join(old, STATE)) === LIVED_IN);
    if (kept.length !== 1) faults.push(`the old root is there ${kept.length} times`);
    for (const old of kept) {
      if (digestTree(old) !== this.#oldRoot) faults.push("the old root has changed");
    }
    return faults;
  }
}

/** Stage 2 writes records to the persist subvolume; what lay there must be there. */
function survivorsOf(top: string): string {
  const digests = SURVIVORS.map((name) => `${name} ${digestTree(join(top, name))}`);
  return [...digests, `persist ${textOf(join(top, "persist", PRECIOUS))}`].join("\n");
}
