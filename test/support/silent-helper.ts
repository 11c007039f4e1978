/** A second thread of a copy that does nothing: a task of one file it takes, leaves a mark there, and ends. */
import { writeFileSync } from "node:fs";
import { workerData } from "node:worker_threads";
import type { Task } from "../../lib/host/copy/helper.ts";
import { States, THEIRS } from "../../lib/host/sharing/states.ts";

let states = new States(0);
workerData.port.on("message", (task: Int32Array<SharedArrayBuffer> | Task) => {
  if (task instanceof Int32Array) {
    states = new States(task);
    return;
  }
  const { index, names, target } = task;
  if (names.indexOf(0) !== names.length - 1) return;
  states.take(index, THEIRS);
  writeFileSync(`/proc/self/fd/${target}/taken`, "");
});
