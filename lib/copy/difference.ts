/** In what an original and its copy can differ. */
export type Difference =
  | "type"
  | "content"
  | "target"
  | "device number"
  | "owner"
  | "mode"
  | "extended attributes"
  | "hard links"
  | "flags"
  | "mtime";

/**
 * Whether these differences leave a copy that nothing but a time tells from the
 * original, or that it is not protected yet as that is (chattr +i, +a).
 */
export function isEqualCopy(differences: readonly Difference[]): boolean {
  return differences.every((difference) => difference === "mtime" || difference === "flags");
}
