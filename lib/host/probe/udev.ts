/** Whether udev manages /dev: installers run it, containers and rescue shells may not. */
import { existsSync } from "node:fs";

/** The socket that udevadm talks to; without it `udevadm settle` only waits for its time to be up. */
export function udevRuns(): boolean {
  return existsSync("/run/udev/control");
}
