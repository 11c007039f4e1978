/** All findings about a machine. Pure: the same profile and facts always give the same ones. */
import type { Profile } from "../profile.ts";
import type { DoctorFacts, MachineFacts } from "./facts.ts";
import { FINDING_NAMES, type Finding, type FindingName, unknown } from "./finding.ts";
import { loginFindings } from "./logins.ts";
import { stage1Findings } from "./stage1.ts";
import { keptFindings, mountsFinding } from "./state.ts";
import { blankFinding, oldRootsFinding, rootFinding, wipedFindings } from "./wipe.ts";

/** In the order of FINDING_NAMES: first whether it works, then what depends on it. */
export function examine(profile: Profile, facts: DoctorFacts): Finding[] {
  const findings = [
    rootFinding(profile, facts),
    blankFinding(profile, facts),
    ...wipedFindings(profile, facts, facts.isOfBlank),
    ...stage1Findings(profile, facts),
    mountsFinding(profile, facts),
    oldRootsFinding(profile, facts),
    ...keptFindings(profile, facts),
    ...loginFindings(profile, facts),
  ];
  return inOrder(findings);
}

/**
 * The same of a machine on which the profile's file system can't be looked at: what can
 * be told without it, and that the rest can't.
 *
 * @param why a sentence without a full stop
 */
export function examineWithout(
  profile: Profile,
  facts: MachineFacts,
  why: string,
  advice: string,
): Finding[] {
  const { btrfs, persist, users } = profile;
  const unseen: (readonly [FindingName, string])[] = [
    ["blank", btrfs.blank],
    ["mounts", "what is mounted of the file system"],
    ["old-roots", btrfs.old_roots],
    ["persist-root", persist.root],
    ...(Object.keys(users).length === 0 ? [] : [["login", "who can log in"] as const]),
  ];
  return inOrder([
    rootFinding(profile, facts),
    ...wipedFindings(profile, facts, false),
    ...stage1Findings(profile, facts),
    ...unseen.map(([name, what]) => unknown(name, `${what} can't be told: ${why}`, advice)),
  ]);
}

function inOrder(findings: readonly Finding[]): Finding[] {
  const rank = ({ name }: Finding) => FINDING_NAMES.indexOf(name);
  return findings.toSorted((a, b) => rank(a) - rank(b));
}
