/** Threads of our own: how one is started, and heard without waiting for it. */
import type { MessagePort } from "node:worker_threads";

/**
 * @param entry the file that it runs
 * @param data its workerData, to which `port` is added, where it is to tell what it does
 * @returns where that arrives
 */
export function startThread(entry: URL, data: object): MessagePort {
  const { Worker, MessageChannel } = threads();
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(entry, {
    workerData: { ...data, port: port2 },
    transferList: [port2],
  });
  // One that can't start takes nothing, so that all is done by who started it; unheard, it
  // would end us.
  worker.on("error", () => undefined);
  worker.unref();
  return port1;
}

/** What has arrived, if anything. */
export function received<T>(port: MessagePort): T | undefined {
  return threads().receiveMessageOnPort(port)?.message as T | undefined;
}

/** Loaded when wanted: most runs are over before they need another thread. */
function threads(): typeof import("node:worker_threads") {
  return require("node:worker_threads");
}
