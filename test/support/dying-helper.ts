/** A second thread that takes the last directory of a shared walk and ends. */
import { workerData } from "node:worker_threads";
import { THEIRS } from "../../lib/host/sharing/work.ts";

const { states, directories } = workerData.work;
Atomics.store(states, directories.length - 1, THEIRS);
