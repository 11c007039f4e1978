/** What another thread of fs-diff runs; see lib/host/sharing. */
import { workerData } from "node:worker_threads";
import { helpWith } from "../lib/host/sharing/helper.ts";

const { work, port } = workerData;
helpWith(work, (records) => {
  const memory = records.pieces.map(({ buffer }) => buffer as ArrayBuffer);
  port.postMessage(records, memory);
});
