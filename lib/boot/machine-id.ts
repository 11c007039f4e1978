/**
 * Puts the kept machine id in its place in stage 1: what puts it there in stage 2 is
 * too late, the journal of stage 1 has another id then and every boot looks like the
 * first. preservation can do that itself (`inInitrd`), impermanence can't.
 */
import { Refusal } from "../fault.ts";
import { hasControls } from "../profile/paths.ts";
import { shellQuote, visible } from "../text.ts";
import unchanging from "./machine-id.sh" with { type: "text" };
import { mountUnit, type ServiceUnit } from "./unit.ts";

export const MACHINE_ID = "/etc/machine-id";

/** Whether a file's text is an id; as machine-id.sh has it, all zeros is none. */
export function isMachineId(text: string): boolean {
  return /^(?!0{32})[0-9a-f]{32}\n?$/.test(text);
}

/** The unit of systemd's stage 1 that does it. */
export const MACHINE_ID_UNIT = "blankroot-machine-id";

export interface MachineIdParameters {
  /** Where stage 1 has mounted the new root: /sysroot, or /mnt-root in the scripted one. */
  readonly sysroot: string;
  /** The persist root, as the running system sees it. */
  readonly persist: string;
}

/** The script for sh. @throws Refusal for a value with control characters */
export function machineIdScript({ sysroot, persist }: MachineIdParameters): string {
  const kept = persist + MACHINE_ID;
  if (hasControls(kept + sysroot)) {
    throw new Refusal(
      `Cannot write the machine id's script: the persist root is "${visible(persist)}", expected no control characters`,
    );
  }
  return `blankroot_sysroot=${shellQuote(sysroot)}\nblankroot_kept=${shellQuote(kept)}\n\n${unchanging}`;
}

/** The unit of systemd's stage 1. @param mountPoint of the file system with the persist root */
export function machineIdUnit(mountPoint: string): ServiceUnit {
  const mount = mountUnit(`/sysroot${mountPoint}`);
  return {
    name: MACHINE_ID_UNIT,
    description: "Put the kept machine id in its place",
    related: [
      {
        relation: "wantedBy",
        unit: "initrd.target",
        why: "if it fails, the machine has another id for this boot",
      },
      { relation: "requires", unit: mount, why: "the file system that keeps the id" },
      { relation: "after", unit: mount, why: "where the id is kept" },
      { relation: "after", unit: "sysroot.mount", why: "where it belongs" },
      {
        relation: "after",
        unit: "sysroot-etc.mount",
        why: "the same, with system.etc.overlay; elsewhere there is none",
      },
      {
        relation: "before",
        unit: "initrd.target",
        why: "what starts the system comes after that",
      },
      { relation: "before", unit: "shutdown.target", why: "stopped before a shutdown goes on" },
      { relation: "conflicts", unit: "shutdown.target", why: "stopped by a shutdown" },
    ],
    unit: [
      {
        key: "DefaultDependencies",
        value: false,
        why: "the default ones are those of a running system",
      },
    ],
    service: [
      { key: "Type", value: "oneshot" },
      { key: "RemainAfterExit", value: true, why: "once is enough" },
    ],
  };
}
