/**
 * What can go wrong, in four kinds that a caller can tell apart by exit status.
 *
 * Every error a person sees is one of these. Prose: the action first, a colon
 * before the detail, current and wanted state, no final period; what would help
 * is a `hint` on a line of its own. An error that is none of these is a bug, and
 * leaves with status 4: we then can't say that nothing was touched.
 */
export abstract class Fault extends Error {
  abstract readonly status: number;
  readonly hint: string | undefined;

  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.hint = options.hint;
  }
}

/** The command line or the profile is wrong. Nothing was touched. */
export class UsageFault extends Fault {
  readonly status = 2;
}

/** We could, and will not: unsure, or unsafe. Nothing was touched. */
export class Refusal extends Fault {
  readonly status = 3;
}

/** Something failed on the way: the output is incomplete, or the disk may have changed. */
export class Failure extends Fault {
  readonly status = 4;
}

/** A signal ended the run: status 128 + its number, as every shell expects. */
export class Interruption extends Fault {
  readonly status: number;

  constructor(signalNumber: number, message: string, hint?: string) {
    super(message, { hint });
    this.status = 128 + signalNumber;
  }
}

/** The reader of our output went away (`| head`). Not an error: we end without a word. */
export class ClosedPipe extends Error {
  override readonly name = "ClosedPipe";
}
