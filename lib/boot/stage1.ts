/**
 * What runs the rollback in stage 1, and what tells of it in stage 2, for both kinds
 * of initrd that NixOS has.
 */
import type { Profile } from "../profile.ts";
import { shellQuote } from "../text.ts";
import { type RollbackParameters, rollbackScript } from "./rollback.ts";
import { deviceUnit, type Related, type ServiceUnit } from "./unit.ts";

/** On the kernel's command line it is about this boot's rollback. */
export const PARAMETER = "blankroot.rollback";
/** Keeps the root, for one boot. */
export const KEEP_PARAMETER = `${PARAMETER}=no`;
/** What is so without it. */
const ROLL_BACK = `${PARAMETER}=yes`;

/**
 * The word of a kernel's command line that keeps the root. Whoever types one for the
 * rollback wants the root kept: with a slip in it, it keeps the root as well, and the
 * check in stage 2 tells of the slip.
 */
export function keepingWord(commandLine: string): string | undefined {
  return commandLine
    .split(/[ \t\n]+/)
    .find((word) => /^"?blankroot\.rollback/.test(word) && word !== ROLL_BACK);
}

/** Whether a kernel's command line keeps the root. */
export function asksToKeep(commandLine: string): boolean {
  return keepingWord(commandLine) !== undefined;
}

/**
 * Leaves in blankroot_keeping what `keepingWord()` finds, and in blankroot_skip whether
 * it is something; needs no program.
 */
export const SKIP_IF_ASKED = `blankroot_keeping=$(
  set -f
  unset IFS
  while read -r line || [ -n "$line" ]; do
    for word in $line; do
      case $word in
        (${ROLL_BACK}) ;;
        (${PARAMETER}* | \\"${PARAMETER}*) printf '%s' "$word" && exit ;;
      esac
    done
  done </proc/cmdline
) || blankroot_keeping=
blankroot_skip=no
if [ -n "$blankroot_keeping" ]; then blankroot_skip=yes; fi
`;

type OnFailure = Profile["rollback"]["on_failure"];

/**
 * The whole text that runs in stage 1, of either kind: the rollback, unless the kernel's
 * command line says no. Its status is the rollback's.
 */
export function stage1Script(parameters: RollbackParameters): string {
  return `${SKIP_IF_ASKED}${rollbackScript(parameters)}`;
}

/** The unit of systemd's stage 1 that runs `stage1Script()`. @param device as the script names it */
export function rollbackUnit(device: string, onFailure: OnFailure): ServiceUnit {
  const node = deviceUnit(device);
  return {
    name: "blankroot-rollback",
    description: "Put a blank root in the place of the old one",
    related: [startedBy(onFailure), ...ordering(node)],
    unit: [
      {
        key: "DefaultDependencies",
        value: false,
        why: "the default ones are those of a running system",
      },
      {
        key: "ConditionPathIsMountPoint",
        value: "!/sysroot",
        why: "never beneath a root that is mounted",
      },
    ],
    service: [
      { key: "Type", value: "oneshot" },
      {
        key: "RemainAfterExit",
        value: true,
        why: "else `systemctl default` in an emergency shell runs it again, over the mounted root",
      },
    ],
  };
}

function startedBy(onFailure: OnFailure): Related {
  return onFailure === "stop"
    ? {
        relation: "requiredBy",
        unit: "sysroot.mount",
        why: "if it fails, the boot stops in emergency mode",
      }
    : {
        relation: "wantedBy",
        unit: "initrd.target",
        why: "if it fails, the unwiped root is booted",
      };
}

/** Units of stage 1 that come after a hibernated system was resumed: only then may a file system be mounted. */
export const RESUMED = ["local-fs-pre.target", "systemd-hibernate-resume.service"] as const;

function ordering(node: string): Related[] {
  return [
    { relation: "requires", unit: node, why: "the file system that is rolled back" },
    { relation: "after", unit: node, why: "once its device is there" },
    {
      relation: "after",
      unit: "initrd-root-device.target",
      why: "and, with encryption, once it is open",
    },
    {
      relation: "after",
      unit: RESUMED[0],
      why: "a hibernated system has been resumed before this, or there is none",
    },
    { relation: "after", unit: RESUMED[1], why: "the same, whatever that target waits for" },
    { relation: "before", unit: "sysroot.mount", why: "the mount must find the new root" },
    { relation: "before", unit: "shutdown.target", why: "stopped before a shutdown goes on" },
    { relation: "conflicts", unit: "shutdown.target", why: "stopped by a shutdown" },
  ];
}

/** What the hook says where it boots a root that could not be rolled back; by it doctor knows. */
export const GOES_ON = "blankroot: booting the root as it is";

/**
 * The hook for scripted stage 1, around `text`, which is `stage1Script()` or an expression
 * of Nix that reads it. It waits for the device itself: what it names may come late, and
 * the wait of stage 1 comes after its hooks. No @word@: stage 1 substitutes those.
 */
export function scriptedHook(device: string, text: string, onFailure: OnFailure): string {
  const node = shellQuote(device);
  // `fail` is stage 1's own: it offers a shell, a reboot, or to go on.
  const failed = onFailure === "stop" ? "fail" : `echo '${GOES_ON}'`;
  return `blankroot_wait=0
while [ ! -b ${node} ] && [ "$blankroot_wait" -lt ${DEVICE_WAIT_SECONDS} ]; do
  sleep 1
  blankroot_wait=$((blankroot_wait + 1))
done
{
${text}
} || ${failed}
`;
}

/** As long as NixOS's own stage 1 waits for the root device, and then half as long again. */
const DEVICE_WAIT_SECONDS = 30;
