/**
 * doctor: is the wipe really set up, did it really happen, and would the next boot
 * lock somebody out.
 *
 * A check that can't be made counts as one that failed: a monitor that sees nothing
 * must not be green.
 */
import { realpathSync } from "node:fs";
import { defineScript, jsonArgs, profileArgs, runAlone, say } from "../lib/cli.ts";
import { examine, examineWithout } from "../lib/doctor/examine.ts";
import type { Finding } from "../lib/doctor/finding.ts";
import { Refusal } from "../lib/fault.ts";
import { stdout } from "../lib/host/output.ts";
import { canAdminister } from "../lib/host/probe/capability.ts";
import { probeDoctorFacts, probeMachineFacts } from "../lib/host/probe/doctor-facts.ts";
import { refuseUnlessSubvolume } from "../lib/host/roots/views.ts";
import { openRoots } from "../lib/host/roots.ts";
import type { Profile } from "../lib/profile.ts";
import { doctorJson, findingLine, isSound, summaryOf } from "../lib/report/doctor.ts";
import { behindWarning } from "../lib/root-args.ts";

const script = defineScript({
  name: "doctor",
  summary: "Check that the wipe is set up and happened, and locks nobody out",
  description: [
    "Looks at the running system, or at a mounted one with --target, and says in a line for each check what is and, where something is wrong, what to do: whether / is the profile's root subvolume and was wiped at this boot; whether the blank snapshot is unharmed; whether the initrd of the next boot, and of this one if it is another, really holds the rollback, starts it, and has it for this profile's names; what is mounted, and what stage 1 mounts; old roots that nothing prunes; copies that are missing, their owners and those of the directories above them; machine-id, the maps of users and groups, password files, host keys, and whether anybody who may become root can log in.",
    "On an installer, --target names what mount-subvols has mounted. It changes nothing, asks no clock whether the root was wiped, and shows no secret. doctor.schema.json describes what --json prints.",
  ],
  profile: "found",
  findings: "a check failed, or couldn't be made",
  args: {
    ...profileArgs,
    target: {
      type: "string",
      valueHint: "DIR",
      description: "Look at the system that is mounted there instead of the running one",
    },
    ...jsonArgs,
  },
  async run({ args, profile: load }) {
    const { profile } = await load();
    if (!canAdminister()) throw new Refusal("Cannot examine the system: that needs root");
    const dir = placeOf(args.target);
    const { device, findings } = await examination(profile, dir);
    if (args.json === true) stdout.line(doctorJson(dir, device, findings));
    else for (const finding of findings) stdout.line(findingLine(finding));
    stdout.flush();
    if (isSound(findings)) say.success(summaryOf(findings));
    else say.warn(summaryOf(findings));
    return isSound(findings) ? 0 : 1;
  },
});

/** The canonical path of the tree's root. */
function placeOf(target: string | undefined): string {
  if (target === undefined) return "/";
  refuseUnlessSubvolume("--target", target);
  return realpathSync(target);
}

interface Examination {
  readonly device: string | undefined;
  readonly findings: readonly Finding[];
}

/** A running system whose file system can't be looked at is a finding as well, and no refusal. */
async function examination(profile: Profile, dir: string): Promise<Examination> {
  const isRunning = dir === "/";
  try {
    using roots = await openRoots({ profile, root: isRunning ? undefined : dir, plain: "never" });
    if (roots.isBehind) say.warn(behindWarning(roots.device));
    return {
      device: roots.device,
      findings: examine(profile, probeDoctorFacts(profile, roots, dir)),
    };
  } catch (error) {
    if (!isRunning || !(error instanceof Refusal)) throw error;
    const facts = probeMachineFacts(profile, dir);
    const advice = error.hint ?? "disk and btrfs of the profile must name the machine's";
    return { device: undefined, findings: examineWithout(profile, facts, error.message, advice) };
  }
}

export default script;
await runAlone(script, import.meta.main);
