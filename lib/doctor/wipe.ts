/**
 * Whether the root is the one that is rolled back, and whether it was at this boot.
 *
 * No clock is asked: the result carries the id of its boot, and btrfs knows what the
 * root is a snapshot of.
 */
import { checkUnit } from "../boot/check.ts";
import { pruneTimer, pruneUnit } from "../boot/prune.ts";
import { NEXT_SUFFIX } from "../boot/rollback.ts";
import type { RollbackResult } from "../boot/rollback-result.ts";
import { keepingWord, rollbackUnit } from "../boot/stage1.ts";
import { rootsToPrune } from "../old-roots.ts";
import type { Profile } from "../profile.ts";
import { plural, visible } from "../text.ts";
import type { BootFacts, DoctorFacts, MachineFacts } from "./facts.ts";
import { type Finding, failed, octal, ok, some } from "./finding.ts";

const BLANK_MODE = 0o755;
/** The pruning runs daily; two days late, something keeps it from running. */
const PRUNING_LATE_MS = 2 * 24 * 60 * 60 * 1000;
const UNITS = [rollbackUnit("/dev/null", "boot"), checkUnit()];
const TO_JOURNAL = `journalctl -b ${UNITS.map(({ name }) => `-u ${name}`).join(" ")}`;

export function rootFinding(profile: Profile, { root, dir, filesystem }: MachineFacts): Finding {
  const { btrfs, disk } = profile;
  const device = filesystem?.device ?? btrfs.device ?? disk.device;
  const wanted = `the subvolume ${btrfs.root} of ${device}`;
  if (root?.isProfiles === true) return ok("root", `${dir} is ${wanted}`);
  const is = root === undefined ? "not mounted" : `${root.fsType} (${root.source}, ${root.path})`;
  const advice =
    "btrfs.root and disk of the profile, and fileSystems of the configuration, must name the same";
  const isElsewhere = root?.fsType !== "btrfs" && dir === "/";
  return failed(
    "root",
    `${dir} is ${is}, expected ${wanted}`,
    isElsewhere
      ? `on an installer, --target DIR names what mount-subvols mounted; else ${advice}`
      : advice,
  );
}

export function blankFinding({ btrfs }: Profile, facts: DoctorFacts): Finding {
  const { blank, device } = facts.preview;
  const remake = `take it anew: btrfs subvolume delete ${btrfs.blank}, then make-subvols from the installer`;
  if (blank === undefined) {
    return failed("blank", `${device} has no subvolume ${btrfs.blank}`, "make-subvols takes it");
  }
  if (!blank.readOnly) {
    return failed(
      "blank",
      `${btrfs.blank} is writable, and so no boot rolls back`,
      "btrfs property set -ts SUBVOLUME ro true makes it read-only",
    );
  }
  if (!blank.empty) {
    return failed(
      "blank",
      `${btrfs.blank} is not empty: every boot brings back what it holds`,
      remake,
    );
  }
  const { uid = 0, gid = 0, mode = BLANK_MODE } = facts.blankOwner ?? {};
  if (uid !== 0 || gid !== 0 || mode !== BLANK_MODE) {
    return failed(
      "blank",
      `${btrfs.blank} belongs to ${uid}:${gid} with the mode ${octal(mode)}, expected 0:0 and 0755: every boot makes / so`,
      remake,
    );
  }
  return ok("blank", `${btrfs.blank} is read-only and empty`);
}

/** None where the system doesn't run. @param isOfBlank whether the root subvolume was seen to be its snapshot */
export function wipedFindings(
  profile: Profile,
  { boot, root, dir }: MachineFacts,
  isOfBlank: boolean,
): Finding[] {
  if (boot === undefined) return [];
  const keeping = keepingWord(boot.commandLine);
  if (keeping !== undefined) {
    return [
      failed(
        "wiped",
        `the root was to be kept at this boot: the kernel's command line has ${visible(keeping)}`,
        "boot without it",
      ),
    ];
  }
  const fault = resultFault(boot);
  if (fault !== undefined) return [failed("wiped", `the root was not wiped: ${fault}`, TO_JOURNAL)];
  if (root?.isProfiles !== true) {
    return [
      failed(
        "wiped",
        `the rollback says that it wiped the root, but ${dir} is another`,
        TO_JOURNAL,
      ),
    ];
  }
  if (!isOfBlank) {
    const { root: name, blank } = profile.btrfs;
    return [
      failed(
        "wiped",
        `the rollback says that it wiped the root, but ${name} is no snapshot of ${blank}`,
        "the rollback may be of other subvolumes: compare btrfs.root and btrfs.blank with it",
      ),
    ];
  }
  return [
    ok("wiped", `the root was wiped at this boot: it is a snapshot of ${profile.btrfs.blank}`),
  ];
}

function resultFault({ result, bootId }: BootFacts): string | undefined {
  if (result === undefined) return "no rollback left a result at this boot";
  if (typeof result === "string") return result;
  if (result.boot_id !== bootId) return "the rollback's result is of another boot";
  const sentences: Record<RollbackResult["outcome"], string | undefined> = {
    done: undefined,
    finished: undefined,
    failed: `the rollback failed: ${result.reason}`,
    skipped: "the rollback was skipped, though the kernel's command line doesn't ask for it",
  };
  return sentences[result.outcome];
}

export function oldRootsFinding(
  { btrfs, rollback }: Profile,
  { preview, boot }: DoctorFacts,
): Finding {
  const move = "look at it, and move it away";
  if (preview.strangeNext) {
    const next = `${btrfs.root}${NEXT_SUFFIX}`;
    return failed(
      "old-roots",
      `${next} is no snapshot of ${btrfs.blank}, and so no boot rolls back`,
      move,
    );
  }
  if (preview.strangeOldRoots) {
    return failed(
      "old-roots",
      `${btrfs.old_roots} is no directory, and so no boot rolls back`,
      move,
    );
  }
  const due = new Date(preview.now.getTime() - PRUNING_LATE_MS);
  const late = rootsToPrune(preview.oldRoots, rollback.keep, due, 0);
  if (late.length > 0) {
    return failed(
      "old-roots",
      `${plural(late.length, "old root")} should be gone by rollback.keep: ${some(late)}`,
      `systemctl status ${pruneTimer().name}.timer ${pruneUnit().name}.service`,
    );
  }
  const warning = boot && warningOf(boot);
  if (warning) {
    const text = `the rollback of this boot left something behind: ${warning}`;
    return failed("old-roots", text, "look at it, and delete it");
  }
  return ok("old-roots", `${plural(preview.oldRoots.length, "old root")} in ${btrfs.old_roots}`);
}

function warningOf({ result, bootId }: BootFacts): string | undefined {
  return typeof result === "object" && result.boot_id === bootId ? result.warning : undefined;
}
