/** The command line as it runs on a machine whose root is a test's: in a mount namespace of its own. */
import { join } from "node:path";
import { MAIN, type Ran } from "./blankroot.ts";

const PROJECT = join(import.meta.dir, "../..");

/**
 * @param host where the machine's tree is mounted
 * @param words of a script that takes a profile, its name first
 * @param prepare text for sh that mounts more below $HOST
 */
export function runWithin(host: string, words: readonly string[], prepare = ""): Ran {
  const script = `
    for dir in /proc /sys /dev /tmp /usr /lib /lib64 "$PROJECT"; do
      mkdir -p "$HOST$dir"
      mount --rbind "$dir" "$HOST$dir"
    done
    ${prepare}
    exec chroot "$HOST" "$@"`;
  const argv = ["unshare", "--mount", "sh", "-eu", "-c", script, "sh", process.execPath, MAIN];
  const env = { ...process.env, HOST: host, PROJECT, BLANKROOT_PROFILE: undefined };
  const child = Bun.spawnSync([...argv, ...words], { env, stdout: "pipe", stderr: "pipe" });
  return {
    status: child.exitCode,
    stdout: child.stdout.toString(),
    stdoutBytes: child.stdout,
    stderr: child.stderr.toString(),
  };
}
