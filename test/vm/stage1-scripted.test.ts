/** The rollback at real boots with the hook in scripted stage 1. */
import { DEVICES_DONE, FAIL_DONE, scriptedInitrd } from "../support/vm/scripted-stage1.ts";
import { describeStage1 } from "../support/vm/stage1-cases.ts";

/** Its patience is 30 s, of a clock that runs ahead while nothing happens. */
const RUNNING_AHEAD = ["-icount", "shift=1,sleep=off"];

describeStage1("scripted", {
  make: scriptedInitrd,
  waiting: new RegExp(DEVICES_DONE),
  stopped: FAIL_DONE,
  diskless: /rollback: failed: can't mount .*, nothing was changed/,
  impatient: { devices: RUNNING_AHEAD },
});
