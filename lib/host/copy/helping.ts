/**
 * The other thread of a copy. It doesn't say why it can't copy a file: that has no copy,
 * and is given back. What else fails is told, for nobody hears of a thread that ended.
 */
import type { MessagePort } from "node:worker_threads";
import { DONE, FREE, States, THEIRS } from "../sharing/states.ts";
import { ContentCopier } from "./content.ts";
import { NewFileFlags } from "./flags.ts";
import type { Outcome, Task } from "./helper.ts";
import { PlainFiles } from "./plain-file.ts";

/** @param port brings the states of all tasks by index first, and then these */
export function helpCopying(port: MessagePort): void {
  const files = new PlainFiles(new ContentCopier(async () => {}));
  let states = new States(0);
  port.on("message", (task: Int32Array<SharedArrayBuffer> | Task) => {
    if (task instanceof Int32Array) {
      states = new States(task);
      return;
    }
    if (states.take(task.index, THEIRS) !== FREE) return;
    port.postMessage(carryOut(task, files, () => states.showLife()));
    states.settle(task.index, DONE);
  });
}

function carryOut(task: Task, files: PlainFiles, onFile: () => void): Outcome {
  const { index, source, target, isLabelled, isBare, names } = task;
  const stage = { isLabelled, flags: new NewFileFlags() };
  const undone: number[] = [];
  let bytes = 0;
  let place = 0;
  try {
    for (const name of eachName(names)) {
      const copied = files.copy(source, target, name, { stage, isBare });
      if (copied === undefined) undone.push(place);
      else bytes += copied;
      onFile();
      place++;
    }
    return { index, undone, bytes };
  } catch (error) {
    return { index, undone, bytes, failure: error instanceof Error ? error.message : `${error}` };
  }
}

function* eachName(names: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < names.length; ) {
    const end = names.indexOf(0, start);
    yield names.subarray(start, end);
    start = end + 1;
  }
}
