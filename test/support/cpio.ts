/** Archives as the kernel takes them for an initramfs: cpio(5), "New ASCII Format". */
import { dirname } from "node:path";

const MAGIC = "070701";
const TRAILER = "TRAILER!!!";
const Folder = 0o040000;
const File = 0o100000;
const Link = 0o120000;

/** What lies at a path. Folders of a path have entries of their own, ahead of it. */
export type Entry =
  | { readonly path: string; readonly kind: "folder" }
  | { readonly path: string; readonly kind: "link"; readonly to: string }
  | {
      readonly path: string;
      readonly kind: "file";
      readonly content: string | Uint8Array;
      readonly executable?: boolean;
    };

/** Made of text, as most are. */
export function fileEntry(path: string, content: string): Entry {
  return { path, kind: "file", content };
}

export function programEntry(path: string, content: string | Uint8Array): Entry {
  return { path, kind: "file", content, executable: true };
}

export function linkEntry(path: string, to: string): Entry {
  return { path, kind: "link", to };
}

/** With an entry for each folder on the way, ahead of all. */
export function withFolders(entries: readonly Entry[]): Entry[] {
  const folders = new Set<string>();
  for (const { path } of entries) {
    for (let dir = dirname(path); dir !== "."; dir = dirname(dir)) folders.add(dir);
  }
  const made = Array.from(folders).sort();
  return [...made.map((path): Entry => ({ path, kind: "folder" })), ...entries];
}

/** Several of them, one behind the other, are unpacked in turn: the last one wins. */
export function cpioArchive(entries: readonly Entry[]): Uint8Array {
  const parts = entries.flatMap((entry, index) =>
    record(index + 1, entry.path, modeOf(entry), contentOf(entry)),
  );
  return Buffer.concat([...parts, ...record(0, TRAILER, 0, new Uint8Array())]);
}

function modeOf(entry: Entry): number {
  if (entry.kind === "folder") return Folder | 0o755;
  if (entry.kind === "link") return Link | 0o777;
  return File | (entry.executable === true ? 0o755 : 0o644);
}

function contentOf(entry: Entry): Uint8Array {
  if (entry.kind === "folder") return new Uint8Array();
  const content = entry.kind === "link" ? entry.to : entry.content;
  return typeof content === "string" ? Buffer.from(content) : content;
}

function record(inode: number, path: string, mode: number, content: Uint8Array): Uint8Array[] {
  const name = Buffer.from(`${path}\0`);
  const links = 1;
  const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = fields.map((field) => field.toString(16).padStart(8, "0")).join("");
  return [padded(Buffer.concat([Buffer.from(MAGIC + header), name])), padded(content)];
}

function padded(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, new Uint8Array(-bytes.length & 3)]);
}
