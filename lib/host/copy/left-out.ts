/**
 * Why one path has no copy, where the reason concerns no other.
 *
 * What programs do to a file meanwhile, or a sector that can't be read, is no
 * reason to leave all else uncopied: the path is left out, and told at the end.
 */
export class LeftOut extends Error {
  override readonly name = "LeftOut";
  readonly reason: string;

  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    this.reason = reason;
  }
}
