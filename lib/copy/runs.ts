/**
 * The actions of a plan, taken apart: those that another thread can do in one go, and
 * each of all others by itself. Put together again they are the plan, in its order.
 */
import { latin1OfParent } from "../latin1.ts";
import type { CopyAction } from "../plans/copy.ts";

/** A thread is told of so many at once, and whoever waits for it waits no longer. */
const FILES_MAX = 128;
const BYTES_MAX = 16 * 1024 ** 2;
/** A longer one is told in parts as it is copied. */
const FILE_BYTES_MAX = 1024 ** 2;

/** One action; or several plain files of one directory. */
export type Run = readonly [CopyAction, ...CopyAction[]];

export function* runsOf(actions: readonly CopyAction[]): Generator<Run> {
  let run: [CopyAction, ...CopyAction[]] | undefined;
  let directory: string | undefined;
  let bytes = 0;
  for (const action of actions) {
    const isPlain = isPlainFile(action);
    const parent = isPlain ? latin1OfParent(action.path) : undefined;
    bytes += action.status.sizeBytes;
    const isNext = isPlain && parent === directory && bytes <= BYTES_MAX;
    if (run !== undefined && isNext && run.length < FILES_MAX) {
      run.push(action);
      continue;
    }
    if (run !== undefined) yield run;
    run = [action];
    directory = parent;
    bytes = action.status.sizeBytes;
  }
  if (run !== undefined) yield run;
}

/** What is nobody's other name, and is done once it is made. */
function isPlainFile({ kind, status }: CopyAction): boolean {
  if (kind !== "copy-file" || status.links > 1 || status.sizeBytes > FILE_BYTES_MAX) return false;
  return !status.isImmutable && !status.isAppendOnly;
}
