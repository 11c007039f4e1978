/**
 * Extended attributes of a handle, in all namespaces: ACLs and capabilities are
 * kept in them too. See xattr(7).
 *
 * The calls on descriptors refuse an O_PATH one, so it goes by /proc/self/fd,
 * which leads to the very inode, also where that is a symbolic link.
 */
import { visible } from "../text.ts";
import type { Handle } from "./at.ts";
import { CallFailure, checked, cString, errno, libc, ptr } from "./libc.ts";

/** Name (bytes as latin1) and value. */
export type Attributes = ReadonlyMap<string, Uint8Array>;

/** XATTR_LIST_MAX and XATTR_SIZE_MAX of linux/limits.h. */
const BUFFER_BYTES = 65536;
const buffer = new Uint8Array(new ArrayBuffer(BUFFER_BYTES));
export const NONE: Attributes = new Map();

export function attributesOf(handle: Handle): Attributes {
  const path = cString(handle.path);
  const length = Number(libc().listxattr(ptr(path), ptr(buffer), BUFFER_BYTES));
  if (length === 0) return NONE;
  if (length === -1) {
    const fault = new CallFailure("Cannot list extended attributes", errno());
    // A file system without them has none.
    if (fault.code === "EOPNOTSUPP" || fault.code === "ENOTSUP") return NONE;
    throw fault;
  }
  const names = Buffer.from(buffer.subarray(0, length)).toString("latin1").split("\0");
  const attributes = new Map<string, Uint8Array>();
  for (const name of names.filter((text) => text !== "").sort()) {
    attributes.set(name, readValue(path, name));
  }
  return attributes;
}

/** The same of what is open for real, in one call where there are none. */
export function attributesOfOpen(file: Handle): Attributes {
  return Number(libc().flistxattr(file.fd, null, 0)) === 0 ? NONE : attributesOf(file);
}

/** Sets what is wanted and removes what is not. */
export function setAttributes(handle: Handle, wanted: Attributes): void {
  const path = cString(handle.path);
  const present = attributesOf(handle);
  for (const name of present.keys()) {
    if (wanted.has(name)) continue;
    const key = cString(Buffer.from(name, "latin1"));
    checked(libc().removexattr(ptr(path), ptr(key)), () => `Cannot remove ${visible(name)}`);
  }
  for (const [name, value] of wanted) {
    const key = cString(Buffer.from(name, "latin1"));
    // An empty value still needs an address.
    const bytes = new Uint8Array(new ArrayBuffer(Math.max(1, value.length)));
    bytes.set(value);
    const result = libc().setxattr(ptr(path), ptr(key), ptr(bytes), value.length, 0);
    checked(result, () => `Cannot set the extended attribute ${visible(name)}`);
  }
}

export function sameAttributes(a: Attributes, b: Attributes): boolean {
  if (a.size !== b.size) return false;
  for (const [name, value] of a) {
    const other = b.get(name);
    if (other === undefined || !Buffer.from(value).equals(other)) return false;
  }
  return true;
}

function readValue(path: Uint8Array, name: string): Uint8Array {
  const key = cString(Buffer.from(name, "latin1"));
  const length = libc().getxattr(ptr(path), ptr(key), ptr(buffer), BUFFER_BYTES);
  return buffer.slice(
    0,
    checked(Number(length), () => `Cannot read the extended attribute ${visible(name)}`),
  );
}
