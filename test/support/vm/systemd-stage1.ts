/**
 * A systemd stage 1 that runs our unit: Debian's initramfs, over which lie the unit and
 * the script as lib/boot/ gives them, the mounts of the profile, and the little that
 * NixOS has and Debian has not.
 */
import { ROLLBACK_PROGRAMS, rollbackParameters } from "../../../lib/boot/rollback.ts";
import { rollbackUnit, stage1Script } from "../../../lib/boot/stage1.ts";
import { installLinks, type ServiceUnit, unitFile } from "../../../lib/boot/unit.ts";
import type { Profile } from "../../../lib/profile.ts";
import { type Entry, fileEntry, linkEntry, programEntry } from "../cpio.ts";
import type { Scratch } from "../disk.ts";
import { earlyMounts, type Stage1Options, writeInitrd } from "./initrd.ts";
import { isLong } from "./long.ts";
import type { BootParts } from "./parts.ts";
import type { SmallSystem } from "./system.ts";

/** On the console where the boot ended in emergency mode. */
export const EMERGENCY_DONE = "emergency mode: done";

/** Far beyond what a boot takes; below the time that boot() waits. */
const STUCK_SECONDS = 180;
const UNITS = "etc/systemd/system";
const SCRIPT = "etc/blankroot/rollback";
const BIN = "etc/blankroot/bin";

export interface SystemdOptions extends Stage1Options {
  /** The unit instead of ours. */
  readonly unit?: (unit: ServiceUnit) => ServiceUnit;
}

/** Writes the initramfs, and returns its path. */
export function systemdInitrd(
  scratch: Scratch,
  name: string,
  parts: BootParts,
  system: SmallSystem,
  options: SystemdOptions = {},
): string {
  const { device = system.device, onFailure = "boot", unit = (same) => same } = options;
  const parameters = rollbackParameters(system.profile, device);
  const script = (options.script ?? stage1Script)(parameters);
  const service = unit(rollbackUnit(device, onFailure));
  return writeInitrd(scratch, name, parts, [
    ...unitEntries(service),
    // As NixOS wraps a unit's script. Nothing but its programs can be found.
    programEntry(SCRIPT, `#!/bin/bash\nset -e\nexport PATH=/${BIN}\n${script}`),
    ...ROLLBACK_PROGRAMS.map((program) => linkEntry(`${BIN}/${program}`, `/usr/bin/${program}`)),
    ...mountEntries(system.profile, device),
    ...activationEntries(),
    ...coldplugEntries(),
    ...reportEntries(),
    ...(options.files ?? []),
  ]);
}

function unitEntries(service: ServiceUnit): Entry[] {
  return [
    fileEntry(`${UNITS}/${service.name}.service`, unitFile(service, `/${SCRIPT}`)),
    ...installLinks(service).map((path) =>
      linkEntry(`${UNITS}/${path}`, `/${UNITS}/${service.name}.service`),
    ),
  ];
}

/** Debian's systemd knows no root=fstab: what mounts where is its initramfs' own fstab. */
function mountEntries(profile: Profile, device: string): Entry[] {
  const mounts = earlyMounts(profile);
  const lines = mounts.map(
    ({ where, options }) =>
      `${device} /sysroot${where} btrfs ${[...options, "x-initrd.mount"].join()} 0 0\n`,
  );
  const below = mounts.filter(({ where }) => where !== "");
  const units = below.map(({ where }) => `sysroot${where.replaceAll("/", "-")}.mount`);
  // Without these links initrd-cleanup would unmount them again.
  return [
    fileEntry("etc/fstab", lines.join("")),
    wanted("initrd-root-fs.target.requires", "sysroot.mount"),
    ...units.map((unit) => wanted("initrd-fs.target.requires", unit)),
  ];
}

function wanted(folder: string, unit: string): Entry {
  return linkEntry(`${UNITS}/${folder}/${unit}`, `/run/systemd/generator/${unit}`);
}

/**
 * What initrd-nixos-activation does, as far as systemd wants it to switch roots: a root
 * without os-release is none. The journal of stage 1 goes along.
 */
function activationEntries(): Entry[] {
  const commands = `set -e
mkdir -p /sysroot/etc
echo ID=small >/sysroot/etc/os-release
journalctl --boot --output json --no-pager >/run/journal.json
`;
  const unit = `[Unit]
Description=What NixOS's activation is
DefaultDependencies=no
After=initrd-fs.target initrd-cleanup.service initrd-switch-root.target
Before=initrd-switch-root.service
[Service]
Type=oneshot
ExecStart=/etc/activate
`;
  return [
    programEntry("etc/activate", `#!/bin/bash\n${commands}`),
    fileEntry(`${UNITS}/activate.service`, unit),
    linkEntry(
      `${UNITS}/initrd-switch-root.service.requires/activate.service`,
      "../activate.service",
    ),
  ];
}

/**
 * Which devices udev looks at when it starts: in `test:long` all, else those that lead to
 * a disk. Most are terminals, and they take a quarter of a boot.
 */
function coldplugEntries(): Entry[] {
  if (isLong()) return [];
  const subsystems = ["block", "misc", "pci", "virtio"].map((name) => `--subsystem-match=${name}`);
  const trigger = `/usr/bin/udevadm trigger --action=add ${subsystems.join(" ")}`;
  return [
    fileEntry(
      `${UNITS}/systemd-udev-trigger.service.d/few.conf`,
      `[Service]\nExecStart=\nExecStart=${trigger}\n`,
    ),
  ];
}

/** A boot that fails or gets stuck says what systemd knows, and ends. */
function reportEntries(): Entry[] {
  const commands = `#!/bin/bash
sleep "$2"
echo "$1"
journalctl --boot --output short-monotonic --no-pager
systemctl list-jobs --no-pager
systemctl list-units --all --no-pager --type=mount,device,service,target
echo "$1: done"
systemctl poweroff -ff
`;
  return [
    programEntry("etc/report", commands),
    fileEntry(
      `${UNITS}/emergency.service`,
      `[Unit]
Description=Emergency mode
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target
[Service]
Type=oneshot
StandardOutput=tty
ExecStart=/etc/report "emergency mode" 0
`,
    ),
    fileEntry(
      `${UNITS}/stuck.service`,
      `[Unit]
Description=Report of a boot that is stuck
DefaultDependencies=no
Conflicts=shutdown.target initrd-switch-root.target
[Service]
StandardOutput=tty
ExecStart=/etc/report stuck ${STUCK_SECONDS}
`,
    ),
    linkEntry(`${UNITS}/sysinit.target.wants/stuck.service`, "../stuck.service"),
  ];
}
