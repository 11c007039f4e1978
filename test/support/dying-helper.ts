/** A second thread that takes the last directory of a shared walk and ends. */
import { workerData } from "node:worker_threads";
import { States, THEIRS } from "../../lib/host/sharing/states.ts";

const states = new States(workerData.work.states);
states.take(states.count - 1, THEIRS);
