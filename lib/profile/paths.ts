/**
 * Paths as a profile writes them: absolute and normal, so that two spellings of
 * one place can't pass for two places.
 *
 * Each check returns what is wrong, or undefined. Nothing is normalised in
 * silence: whoever wrote `/persist/../etc` meant something else than we would read.
 */
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Where the kernel's own file systems go: nothing of a disk is ever mounted there. */
const KERNEL_PLACES = ["/dev", "/proc", "/sys", "/run"] as const;

/** Where the ESP is mounted, always. */
export const ESP_MOUNT = "/boot";

/** An absolute path without `.`, `..`, doubled or trailing slashes, or control characters. */
export function pathFault(path: string): string | undefined {
  if (!path.startsWith("/")) return "expected an absolute path";
  if (CONTROL.test(path)) return "expected no control characters";
  if (!path.isWellFormed()) return "expected whole characters";
  if (path === "/") return undefined;
  const parts = path.slice(1).split("/");
  if (parts.at(-1) === "") return "expected no trailing slash";
  if (parts.includes("")) return "expected single slashes";
  if (parts.includes("..") || parts.includes(".")) return "expected no . and .. in it";
  if (parts.some((part) => byteLength(part) > 255))
    return "expected at most 255 bytes between two slashes";
  return byteLength(path) > 4095 ? "expected at most 4095 bytes" : undefined;
}

/** A path below `/`. */
export function pathBelowRootFault(path: string): string | undefined {
  return pathFault(path) ?? (path === "/" ? "expected a path below /" : undefined);
}

/** Where a surviving subvolume is mounted. */
export function mountPointFault(path: string): string | undefined {
  if (path === "/") return "this is where the root subvolume goes, expected a place below /";
  return pathFault(path) ?? ownedPlaceFault(path);
}

/** A place that is to be kept: some are nobody's to keep. */
export function ownedPlaceFault(path: string): string | undefined {
  if (isWithin(path, ESP_MOUNT)) return "/boot belongs to the ESP, expected another place";
  const kernel = KERNEL_PLACES.find((place) => isWithin(path, place));
  if (kernel === undefined) return undefined;
  return `${kernel} belongs to the running system, expected another place`;
}

/** Whether `path` is `top` or lies below it; both normal. */
export function isWithin(path: string, top: string): boolean {
  return path === top || top === "/" || path.startsWith(`${top}/`);
}

/** Whether text has control characters, C1 included. */
export function hasControls(text: string): boolean {
  return CONTROL.test(text);
}

/** The length in UTF-8, which is what limits of the kernel count. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
