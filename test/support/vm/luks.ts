/**
 * An encrypted disk, without device-mapper on this machine: QEMU's own tool encrypts a
 * small file system into what becomes the last partition, and reads it back.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { succeed } from "../blankroot.ts";
import { type Entry, fileEntry } from "../cpio.ts";
import { attachLoop, detachLoop, mountAt, type Scratch, sh } from "../disk.ts";
import { alone } from "./alone.ts";
import type { BootParts } from "./parts.ts";
import { copyImage, EXAMPLE, installSmall, partitions, type SmallSystem, STATE } from "./system.ts";

const MIB = 1024 ** 2;
const INNER_BYTES = 256 * MIB;
/** More than the header that QEMU's tool makes. */
const OUTER_BYTES = INNER_BYTES + 4 * MIB;
export const PASSPHRASE = "correct horse";
/** The state in its root before the first boot. */
export const LIVED_IN = "of nobody";
export const MAPPER = "cryptroot";
const SECRET = ["--object", `secret,id=passphrase,data=${PASSPHRASE}`];

/** @returns the image of a disk like `system`'s, whose file system is encrypted */
export function encryptedImage(scratch: Scratch, parts: BootParts, system: SmallSystem): string {
  // Like whatever looks at every disk of the machine.
  alone(() => makeInner(scratch, parts));
  const luks = scratch.path("luks");
  const options = "key-secret=passphrase,iter-time=10,hash-alg=sha256";
  const format = ["-f", "raw", "-O", "luks", "-o", options];
  sh(["qemu-img", "convert", ...SECRET, ...format, scratch.path("inner"), luks]);
  const image = copyImage(scratch, system.image, "encrypted");
  putPartition(luks, image);
  return image;
}

function makeInner(scratch: Scratch, parts: BootParts): void {
  const inner = attachLoop(scratch, "inner", { sizeBytes: INNER_BYTES });
  sh(["mkfs.btrfs", "--quiet", inner]);
  const profile = scratch.path("inner.toml");
  const text = readFileSync(EXAMPLE, "utf8").replace(/^# device = .*$/m, `device = "${inner}"`);
  writeFileSync(profile, text, { mode: 0o644 });
  succeed("make-subvols", "--profile", profile);
  const top = mountAt(scratch, "inner-top", inner);
  installSmall(top, parts);
  mkdirSync(join(top, "root", dirname(STATE)));
  writeFileSync(join(top, "root", STATE), `${LIVED_IN}\n`);
  sh(["umount", top]);
  detachLoop(inner);
}

/** @returns an image of the same disk with its file system in the clear */
export function decryptedImage(scratch: Scratch, image: string, system: SmallSystem): string {
  const luks = scratch.path("luks-read");
  const { start } = partitions(image).btrfs;
  sh([
    "dd",
    `if=${image}`,
    `of=${luks}`,
    "bs=1M",
    `skip=${start / MIB}`,
    `count=${OUTER_BYTES / MIB}`,
  ]);
  const source = `driver=luks,key-secret=passphrase,file.filename=${luks}`;
  const plain = scratch.path("plain");
  sh(["qemu-img", "convert", ...SECRET, "-O", "raw", "--image-opts", source, plain]);
  const clear = copyImage(scratch, system.image, "decrypted");
  putPartition(plain, clear);
  return clear;
}

/** How stage 1 opens it: crypttab(5), with the passphrase asked for on the console. */
export function crypttab(scratch: Scratch): Entry {
  const uuid = sh([
    "blkid",
    "--probe",
    "--match-tag",
    "UUID",
    "--output",
    "value",
    scratch.path("luks"),
  ]);
  return fileEntry("etc/crypttab", `${MAPPER} UUID=${uuid.trim()} none luks\n`);
}

function putPartition(content: string, image: string): void {
  const seek = `seek=${partitions(image).btrfs.start / MIB}`;
  sh(["dd", `if=${content}`, `of=${image}`, "bs=1M", seek, "conv=notrunc"]);
}
