/** The rollback at real boots with systemd in stage 1. */
import { fileEntry } from "../support/cpio.ts";
import { describeStage1 } from "../support/vm/stage1-cases.ts";
import { EMERGENCY_DONE, systemdInitrd } from "../support/vm/systemd-stage1.ts";

/** Its patience is 90 s. */
const IMPATIENT = fileEntry(
  "etc/systemd/system.conf.d/impatient.conf",
  "[Manager]\nDefaultDeviceTimeoutSec=10\n",
);

describeStage1("systemd", {
  make: systemdInitrd,
  waiting: /Finished systemd-udev-trig/,
  stopped: EMERGENCY_DONE,
  diskless: /Dependency failed for blankroot-rollb/,
  impatient: { files: [IMPATIENT] },
});
