/** Signals as the caller meant them. */
import { expect, test } from "bun:test";
import { join } from "node:path";

const MODULE = join(import.meta.dir, "../../lib/host/interruption.ts");
/** Sends itself a hangup, and says how it went. */
const SCRIPT = `
  import { listenToInterruptions, throwIfInterrupted } from ${JSON.stringify(MODULE)};
  listenToInterruptions("state");
  process.kill(process.pid, "SIGHUP");
  await Bun.sleep(20);
  try { throwIfInterrupted(); console.log("goes on"); } catch (error) { console.log(error.message); }
`;

test.each([
  ["a hangup interrupts", [], "interrupted by SIGHUP\n"],
  ["one that nohup(1) has ignored does not", ["env", "--ignore-signal=HUP"], "goes on\n"],
])("%s", (_, prefix, said) => {
  const child = Bun.spawnSync([...prefix, process.execPath, "--eval", SCRIPT]);
  expect(child.stdout.toString()).toBe(said);
});
