/** What the mkfs.btrfs of this machine can do. */
import { run } from "../spawn.ts";

/** Since btrfs-progs 6.3; a plan made where it is missing leaves that UUID to chance. */
export async function mkfsTakesDeviceUuid(): Promise<boolean> {
  const { stdout } = await run(["mkfs.btrfs", "--help"]);
  return stdout.includes("--device-uuid");
}
