/** A second thread of a copy that does nothing: a task of one file it takes, leaves a mark there, and ends. */
import { writeFileSync } from "node:fs";
import { workerData } from "node:worker_threads";
import type { Task } from "../../lib/host/copy/helper.ts";
import { States, THEIRS } from "../../lib/host/sharing/states.ts";

const states = new States(workerData.states);
workerData.port.on("message", ({ index, names, target }: Task) => {
  if (names.indexOf(0) !== names.length - 1) return;
  states.take(index, THEIRS);
  writeFileSync(`/proc/self/fd/${target}/taken`, "");
});
