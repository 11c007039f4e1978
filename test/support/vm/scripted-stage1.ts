/**
 * A scripted stage 1 that runs our hook, in the order of NixOS's stage-1-init.sh:
 * modules, udev, resume, postResumeCommands, mounts, switch_root. Its programs are
 * busybox, udev, kmod and btrfs.
 */
import { readFileSync } from "node:fs";
import { rollbackParameters } from "../../../lib/boot/rollback.ts";
import { scriptedHook, stage1Script } from "../../../lib/boot/stage1.ts";
import type { Profile } from "../../../lib/profile.ts";
import { linkEntry, programEntry } from "../cpio.ts";
import type { Scratch } from "../disk.ts";
import { earlyMounts, type Stage1Options, writeInitrd } from "./initrd.ts";
import type { BootParts } from "./parts.ts";
import type { SmallSystem } from "./system.ts";

/** On the console where `fail` was called, which in NixOS asks what to do. */
export const FAIL_DONE = "stage 1: fail";
/** On the console once udev has seen the devices that were there. */
export const DEVICES_DONE = "stage 1: devices";

const DIR = "stage1";
const LINKED = {
  btrfs: "/usr/sbin/btrfs",
  modprobe: "/usr/bin/kmod",
  udevadm: "/usr/bin/udevadm",
  "systemd-udevd": "/usr/lib/systemd/systemd-udevd",
};

export interface ScriptedOptions extends Stage1Options {
  /** Where the hook goes: postDeviceCommands come before the resume, which they must not. */
  readonly hook?: "postDeviceCommands" | "postResumeCommands";
}

/** Writes the initramfs, and returns its path. */
export function scriptedInitrd(
  scratch: Scratch,
  name: string,
  parts: BootParts,
  system: SmallSystem,
  options: ScriptedOptions = {},
): string {
  const { device = system.device, onFailure = "boot", script = stage1Script } = options;
  const text = script(rollbackParameters(system.profile, device));
  const hooks = {
    [options.hook ?? "postResumeCommands"]: scriptedHook(device, text, onFailure),
  };
  return writeInitrd(scratch, name, parts, [
    programEntry("init", initOf(system.profile, device, hooks)),
    programEntry(`${DIR}/busybox`, readFileSync(parts.busybox)),
    ...Object.entries(LINKED).map(([program, to]) => linkEntry(`${DIR}/bin/${program}`, to)),
    ...(options.files ?? []),
  ]);
}

function initOf(profile: Profile, device: string, hooks: Record<string, string>): string {
  const mounts = earlyMounts(profile).map(
    ({ where, options }) => `
mkdir -p /mnt-root${where}
mount -t btrfs -o ${options.join()} ${device} /mnt-root${where} || fail`,
  );
  return `#!/${DIR}/busybox ash
export PATH=/${DIR}/bin
fail() {
  echo "${FAIL_DONE}"
  poweroff -f
}
for applet in $(/${DIR}/busybox --list); do
  [ -e /${DIR}/bin/$applet ] || /${DIR}/busybox ln -s ../busybox /${DIR}/bin/$applet
done
mkdir -p /proc /sys /dev /run /mnt-root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs -o mode=0755 tmpfs /run
exec </dev/null >/dev/console 2>&1
for module in virtio_pci virtio_blk crc32c_generic btrfs; do modprobe $module; done
systemd-udevd --daemon
udevadm trigger --action=add
udevadm settle
echo "${DEVICES_DONE}"
${hooks.postDeviceCommands ?? ""}

for word in $(cat /proc/cmdline); do
  case $word in
    resume=*)
      node=$(readlink -f "\${word#resume=}")
      set -- $(stat -c '%t %T' "$node")
      echo "stage 1: resume from $node"
      echo $((0x$1)):$((0x$2)) >/sys/power/resume
      echo "stage 1: nothing to resume"
      ;;
  esac
done

${hooks.postResumeCommands ?? ""}

udevadm settle
${mounts.join("")}
udevadm control --exit
mkdir -p /mnt-root/proc /mnt-root/sys /mnt-root/dev /mnt-root/run
for dir in proc sys dev run; do mount --move /$dir /mnt-root/$dir; done
exec env -i /${DIR}/bin/switch_root /mnt-root /nix/system/init
`;
}
