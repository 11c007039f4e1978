/**
 * blankroot.nix: a profile as a module of NixOS, to be imported beside that of
 * impermanence or preservation.
 */
import type { Profile } from "../profile.ts";
import { assertionAttributes, guardBindings, guardsOf, warningAttributes } from "./assertions.ts";
import { type BinaryProfile, binaryAttributes, packageBinding } from "./binary.ts";
import { btrfsName, type DiskFacts } from "./disk-names.ts";
import {
  fileSystemAttributes,
  loaderAttributes,
  luksAttributes,
  luksBindings,
  swapAttributes,
} from "./file-systems.ts";
import { hostAttributes, sshAttributes, sudoAttributes, userAttributes } from "./host.ts";
import { loginAttributes } from "./login.ts";
import { onOwnDisks, ownDisksBinding } from "./own-disks.ts";
import { persistenceAttributes } from "./persistence.ts";
import { type RunningText, runningAttributes } from "./running.ts";
import { keepRootAttributes, stage1Attributes } from "./stage1.ts";
import { type Attribute, apart, attribute, commentLines, sentence } from "./text.ts";
import { renderModule } from "./write-module.ts";

export const MODULE_FILE = "blankroot.nix";

export interface ModuleOptions {
  readonly running: readonly RunningText[];
  /** The profile that goes along with the executable, where that does. */
  readonly binaryWith: BinaryProfile | undefined;
}

export function moduleText(profile: Profile, facts: DiskFacts, options: ModuleOptions): string {
  const device = btrfsName(profile, facts);
  const { running, binaryWith } = options;
  const guards = guardsOf(profile, facts);
  const bindings = [
    ...(binaryWith === undefined ? [] : [packageBinding()]),
    ownDisksBinding(),
    attribute("btrfs", device.path, deviceComment(device.remark)),
    ...luksBindings(profile, facts),
    ...guardBindings(guards),
  ];
  const sections: Attribute[][] = [
    fileSystemAttributes(profile, facts),
    luksAttributes(profile),
    ...swapAttributes(profile, facts).map((each) => [each]),
    loaderAttributes(),
    ...stage1Attributes(profile, device.path).map((each) => [each]),
    keepRootAttributes(),
    ...onOwnDisks(runningAttributes(running)).map((each) => [each]),
    ...onOwnDisks(loginAttributes(profile)).map((each) => [each]),
    ...onOwnDisks(persistenceAttributes(profile)).map((each) => [each]),
    hostAttributes(profile),
    userAttributes(profile),
    sudoAttributes(),
    sshAttributes(profile),
    binaryWith === undefined ? [] : binaryAttributes(binaryWith),
    onOwnDisks(assertionAttributes(guards)),
    onOwnDisks(warningAttributes(guards)),
  ];
  return renderModule({
    head: headOf(profile),
    arguments: ["config", "lib", "options", "pkgs", "utils"],
    bindings: apart(bindings.map((each) => [each])),
    attributes: apart(sections),
  });
}

function headOf({ persist }: Profile): string[] {
  return commentLines(
    `NixOS with a root that is put back to a blank snapshot at every boot.\n\nWritten by blankroot's render-nix from a profile: change that, and write this anew. It\ndefines all file systems, swap and LUKS devices of the machine, so it belongs beside a\nhardware-configuration.nix of nixos-generate-config --no-filesystems, and beside\nnixosModules.${persist.module} of github:nix-community/${persist.module}.`,
  );
}

function deviceComment(remark: string | undefined): string {
  const what = "What is rolled back and mounted, under the name that rollback.sh has for it.";
  return remark === undefined ? what : `${what}\n${sentence(remark)}`;
}
