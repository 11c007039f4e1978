/** What another thread of persist-copy runs; see lib/host/copy/helper.ts. */
import { workerData } from "node:worker_threads";
import { helpCopying } from "../lib/host/copy/helping.ts";

helpCopying(workerData.port);
