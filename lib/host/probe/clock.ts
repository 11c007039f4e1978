/**
 * What the clock shows, and whether somebody set it: by the kernel's own bookkeeping
 * (adjtimex(2)), which every daemon that disciplines the clock keeps, or by the file
 * that systemd-timesyncd leaves.
 *
 * The error that the kernel takes for possible grows by itself while nobody sets
 * the clock; at 16 seconds it counts as not synchronised, as for timedatectl. The
 * flag STA_UNSYNC says less: it may be set to keep the kernel off the hardware clock.
 */
import { existsSync } from "node:fs";
import type { Clock } from "../../clock.ts";
import { libc, ptr } from "../libc.ts";

/** struct timex of linux/timex.h, for 64-bit programs; with all of its modes 0 nothing is set. */
const Timex = { maxError: 24, size: 208 } as const;
const SYNCHRONISED_BELOW_US = 16_000_000n;
/** See systemd-timesyncd.service(8). */
const SIGN = "/run/systemd/timesync/synchronized";

export function probeClock(): Clock {
  return { now: new Date(), isSynchronised: existsSync(SIGN) || isDisciplined() };
}

function isDisciplined(): boolean {
  const timex = new DataView(new ArrayBuffer(Timex.size));
  const bytes = new Uint8Array(timex.buffer);
  if (libc().adjtimex(ptr(bytes)) === -1) return false;
  return timex.getBigInt64(Timex.maxError, true) < SYNCHRONISED_BELOW_US;
}
