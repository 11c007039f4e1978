/** In what an original and its copy can differ. */
export type Difference =
  | "type"
  | "content"
  | "target"
  | "device number"
  | "owner"
  | "mode"
  | "extended attributes"
  | "mtime";

/** Whether these differences leave a copy that nothing but a time tells from the original. */
export function isEqualCopy(differences: readonly Difference[]): boolean {
  return differences.every((difference) => difference === "mtime");
}
