/** Packages from npm's registry, pinned by hash, unpacked once; nothing in them is run. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { exec } from "./exec.ts";

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** As package-lock.json has it: "sha512-", then base64. */
  readonly integrity: string;
}

const CACHE = join(import.meta.dir, "../../node_modules/.cache/blankroot");

/** @returns the folder it is unpacked in */
export function fetchPackage(wanted: NpmPackage): string {
  const digest = wanted.integrity.slice("sha512-".length);
  const folder = join(CACHE, Buffer.from(digest, "base64").toString("hex").slice(0, 32));
  if (existsSync(folder)) return join(folder, "package");
  // Unpacked under another name, so that an interrupted build leaves nothing that looks whole.
  const making = `${folder}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  const spec = `${wanted.name}@${wanted.version}`;
  const packed = exec(["npm", "pack", "--silent", "--pack-destination", making, spec]).trim();
  const archive = join(making, packed.split("\n").at(-1)!);
  const found = `sha512-${hash(archive)}`;
  if (found !== wanted.integrity) {
    rmSync(making, { recursive: true });
    throw new Error(`Cannot use ${spec}: its hash is ${found}, expected ${wanted.integrity}`);
  }
  exec(["tar", "--extract", "--gzip", "--no-same-owner", "--file", archive, "--directory", making]);
  rmSync(archive);
  try {
    renameSync(making, folder);
  } catch (error) {
    // Another build was faster, and has the same by its hash.
    if (!existsSync(folder)) throw error;
    rmSync(making, { recursive: true });
  }
  return join(folder, "package");
}

function hash(path: string): string {
  return new Bun.CryptoHasher("sha512").update(readFileSync(path)).digest("base64");
}
