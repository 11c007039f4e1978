/** Makes initrds as NixOS lays them out, of either kind, byte by byte. */

import { MACHINE_ID_UNIT, machineIdScript, machineIdUnit } from "../../lib/boot/machine-id.ts";
import type { RollbackParameters } from "../../lib/boot/rollback.ts";
import { rollbackUnit, scriptedHook, stage1Script } from "../../lib/boot/stage1.ts";
import { unitFile } from "../../lib/boot/unit.ts";

export interface File {
  readonly path: string;
  /** The text of a file, or of a link. */
  readonly text: string | Uint8Array;
  readonly isLink?: boolean;
}

const STORE = "nix/store/0000000000000000000000000000000a";
const UNITS = `${STORE}-initrd-units`;
const MACHINE_ID_TEXT = machineIdScript({ sysroot: "/sysroot", persist: "/persist" });

/** An archive in cpio's newc format. */
export function archive(files: readonly File[]): Buffer {
  const trailer = { path: "TRAILER!!!", text: "" };
  return Buffer.concat([...files, trailer].flatMap(entry));
}

function entry({ path, text, isLink = false }: File): Buffer[] {
  const data = Buffer.from(text as string);
  const name = Buffer.from(`${path}\0`);
  const mode = isLink ? 0o120777 : 0o100644;
  const fields = [1, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  return [filled(Buffer.concat([Buffer.from(header), name])), filled(data)];
}

function filled(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

/** What NixOS puts into an initrd with systemd. */
export function systemdInitrd(parameters: RollbackParameters, startedBy = "wantedBy"): File[] {
  const unit = rollbackUnit(parameters.device, startedBy === "requiredBy" ? "stop" : "boot");
  const script = `${STORE}-unit-script-blankroot-rollback-start/bin/blankroot-rollback-start`;
  return [
    ...plainSystemdInitrd(),
    { path: `${UNITS}/blankroot-rollback.service`, text: unitFile(unit, `/${script}`) },
    {
      path: `${UNITS}/${startedBy === "requiredBy" ? "sysroot.mount.requires" : "initrd.target.wants"}/blankroot-rollback.service`,
      text: "../blankroot-rollback.service",
      isLink: true,
    },
    { path: script, text: `#!/bin/bash\nset -e\n${stage1Script(parameters)}` },
    ...machineIdFiles(),
  ];
}

export function plainSystemdInitrd(): File[] {
  return [
    { path: "./init", text: `/${STORE}-systemd-260/lib/systemd/systemd`, isLink: true },
    { path: "./etc/initrd-release", text: `/${STORE}-initrd-release`, isLink: true },
    { path: "./etc/systemd/system", text: `/${UNITS}`, isLink: true },
    { path: `${UNITS}/initrd.target`, text: "[Unit]\n" },
  ];
}

/** Of an initrd with systemd, what puts the machine id in its place. */
function machineIdFiles(): File[] {
  const unit = `${MACHINE_ID_UNIT}.service`;
  return [
    { path: `${UNITS}/${unit}`, text: unitFile(machineIdUnit("/persist"), "/bin/id") },
    { path: `${UNITS}/initrd.target.wants/${unit}`, text: `../${unit}`, isLink: true },
    { path: "bin/id", text: MACHINE_ID_TEXT },
  ];
}

/** What NixOS puts into a scripted one. */
export function scriptedInitrd(
  parameters?: RollbackParameters,
  onFailure: "boot" | "stop" = "boot",
): File[] {
  const hook =
    parameters === undefined
      ? ""
      : scriptedHook(parameters.device, stage1Script(parameters), onFailure) + MACHINE_ID_TEXT;
  const init = `${STORE}-stage-1-init.sh`;
  return [
    { path: "init", text: `/${init}`, isLink: true },
    { path: init, text: `#!/bin/ash\ntargetRoot=/mnt-root\n${hook}\nexec switch_root\n` },
  ];
}

/** What the processor's vendor has to say, ahead of all: an archive that is not compressed. */
export function microcode(): Buffer {
  const path = "kernel/x86/microcode/AuthenticAMD.bin";
  return Buffer.concat([archive([{ path, text: Buffer.alloc(3000, 7) }]), Buffer.alloc(400)]);
}
