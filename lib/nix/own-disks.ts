/**
 * What belongs to the disks of the machine itself. `nixos-rebuild build-vm` makes another
 * machine of the same configuration, which puts a disk of its own in the place of all file
 * systems: there is nothing to roll back there, nothing to keep, and nothing to guard.
 */
import { Application, type Attribute, attribute, Expression } from "./text.ts";

const CONDITION = "ownDisks";
/** Only the module of such a machine (qemu-vm.nix of NixOS) declares it. */
const VM_OPTION = "virtualisation.qemu";

/** What `let` binds. */
export function ownDisksBinding(): Attribute {
  return attribute(
    CONDITION,
    new Expression(`!(options ? ${VM_OPTION})`),
    "Not for nixos-rebuild build-vm, whose machine has a disk of its own.",
  );
}

/** Attributes that are defined only for the machine itself. */
export function onOwnDisks(attributes: readonly Attribute[]): Attribute[] {
  return attributes.map((each) => ({
    ...each,
    value: new Application(`lib.mkIf ${CONDITION}`, each.value),
  }));
}
