/**
 * The other thread of a copy. It says nothing of what goes wrong: a file that it can't
 * copy has no copy, and is given back.
 */
import type { MessagePort } from "node:worker_threads";
import { DONE, FREE, States, THEIRS } from "../sharing/states.ts";
import { ContentCopier } from "./content.ts";
import { NewFileFlags } from "./flags.ts";
import type { Outcome, Task } from "./helper.ts";
import { PlainFiles } from "./plain-file.ts";

/** @param words of the states of all tasks, by index */
export function helpCopying(port: MessagePort, words: Int32Array<SharedArrayBuffer>): void {
  const states = new States(words);
  const files = new PlainFiles(new ContentCopier(async () => {}));
  port.on("message", ({ index, source, target, isLabelled, names }: Task) => {
    if (states.take(index, THEIRS) !== FREE) return;
    const stage = { isLabelled, flags: new NewFileFlags() };
    const undone: number[] = [];
    let bytes = 0;
    let place = 0;
    for (const name of eachName(names)) {
      const copied = files.copy(source, target, name, stage);
      if (copied === undefined) undone.push(place);
      else bytes += copied;
      states.showLife();
      place++;
    }
    const outcome: Outcome = { index, undone, bytes };
    port.postMessage(outcome);
    states.settle(index, DONE);
  });
}

function* eachName(names: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < names.length; ) {
    const end = names.indexOf(0, start);
    yield names.subarray(start, end);
    start = end + 1;
  }
}
