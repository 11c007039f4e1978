/** All findings about a machine. Pure: the same profile and facts always give the same ones. */
import type { Profile } from "../profile.ts";
import type { DoctorFacts } from "./facts.ts";
import { FINDING_NAMES, type Finding } from "./finding.ts";
import { loginFindings } from "./logins.ts";
import { stage1Findings } from "./stage1.ts";
import { keptFindings, mountsFinding } from "./state.ts";
import { blankFinding, oldRootsFinding, rootFinding, wipedFindings } from "./wipe.ts";

/** In the order of FINDING_NAMES: first whether it works, then what depends on it. */
export function examine(profile: Profile, facts: DoctorFacts): Finding[] {
  const findings = [
    rootFinding(profile, facts),
    blankFinding(profile, facts),
    ...wipedFindings(profile, facts),
    ...stage1Findings(profile, facts),
    mountsFinding(profile, facts),
    oldRootsFinding(profile, facts),
    ...keptFindings(profile, facts),
    ...loginFindings(profile, facts),
  ];
  const rank = ({ name }: Finding) => FINDING_NAMES.indexOf(name);
  return findings.sort((a, b) => rank(a) - rank(b));
}
