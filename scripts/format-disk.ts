/**
 * format-disk: lay out the profile's disk as ESP, swap and btrfs.
 *
 * This erases the whole disk, so it shows its plan first and runs it only for
 * whoever repeats the disk's own token: a serial number can't be mistyped into
 * another disk the way sda and sdb can.
 */
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { defineScript, planArgs, profileArgs, runAlone, say } from "../lib/cli.ts";
import { describeContents } from "../lib/disk-text.ts";
import type { Disk } from "../lib/facts.ts";
import { Refusal, UsageFault } from "../lib/fault.ts";
import { agreeToErase } from "../lib/host/confirm.ts";
import { probeDisk, probeLabelChecks, probeLabelsElsewhere } from "../lib/host/probe/disk.ts";
import { mkfsTakesDeviceUuid } from "../lib/host/probe/mkfs.ts";
import { newFileFault } from "../lib/host/probe/new-file.ts";
import { udevRuns } from "../lib/host/probe/udev.ts";
import { showOrApply } from "../lib/host/show-or-apply.ts";
import { tableFileFor } from "../lib/host/table-file.ts";
import { diskIds, isUuid } from "../lib/ids.ts";
import { planFormat } from "../lib/plans/format.ts";
import { labelsInUse } from "../lib/plans/labels.ts";
import { visible } from "../lib/text.ts";

const script = defineScript({
  name: "format-disk",
  summary: "Partition the profile's disk and make its file systems",
  description: [
    "Erases the disk named by disk.device and lays it out anew: a GPT with an ESP, swap where the profile wants it, and btrfs over the rest. The profile must be named, by --profile or $BLANKROOT_PROFILE.",
    "Nothing is written before the disk's token is given: typed on the terminal, or as --apply=TOKEN. A disk that holds anything is refused without --wipe as well.",
    "--dry-run prints the plan as an sh script that begins by checking that it runs on the same disk, unchanged and idle.",
  ],
  profile: "named",
  args: {
    ...profileArgs,
    ...planArgs,
    apply: {
      type: "string",
      valueHint: "TOKEN",
      description: "Agree to erase the disk with this token",
    },
    wipe: { type: "boolean", description: "Agree to lose what is on the disk" },
    "save-table": {
      type: "string",
      valueHint: "FILE",
      description: "Where to keep the old partition table (a new file in /root)",
    },
    seed: {
      type: "string",
      valueHint: "UUID",
      description: "Make all GUIDs and UUIDs from this one (random)",
    },
  },
  async run({ args, profile: load }) {
    const seed = args.seed ?? randomUUID();
    if (!isUuid(seed)) throw new UsageFault(`Cannot run: --seed is "${seed}", expected a UUID`);
    refuseUnshowable(args["save-table"]);
    const { profile, file } = await load();
    const disk = await probeDisk(profile.disk.device);
    // Before the search elsewhere: whoever is taken for expected here must not be there then.
    const labelChecks = await probeLabelChecks(labelsInUse(profile));
    const tableFile = resolve(args["save-table"] ?? tableFileFor(disk.kernelName));
    const plan = planFormat(profile, {
      profileFile: file,
      disk,
      labelChecks,
      labelsElsewhere: await probeLabelsElsewhere(disk),
      ids: diskIds(seed),
      udevRuns: udevRuns(),
      choosesDeviceUuid: await mkfsTakesDeviceUuid(),
      tableFile,
      tableFileFault: newFileFault(tableFile),
      wipe: args.wipe === true,
    });
    const applied = await showOrApply(plan, {
      dryRun: args["dry-run"] === true,
      json: args.json === true,
      agree: async () => {
        // What will be lost, and how the table comes back, is no talk that --quiet is for.
        const tell = isBlank(disk) ? say.info : say.warn;
        for (const note of plan.notes) tell(note);
        await agreeToErase({ disk, plan: plan.steps.map((step) => step.why), apply: args.apply });
        // A question can stand for hours: the disk must be what was shown.
        if (!isDeepStrictEqual(await probeDisk(profile.disk.device), disk)) {
          throw new Refusal(`Cannot format ${disk.node}: it changed since the plan was made`, {
            hint: "Nothing was touched. Run it again to see the disk as it is now",
          });
        }
      },
      interrupted: `${disk.node} may be laid out in part: run format-disk again with --wipe`,
      announce: say.info,
    });
    if (applied) say.success(`${disk.node} is laid out; make-subvols comes next`);
    return 0;
  },
});

/** The file's name is printed within a command to paste, which must be the command that was meant. */
function refuseUnshowable(file: string | undefined): void {
  if (file === undefined || visible(file) === file) return;
  throw new UsageFault(
    `Cannot run: --save-table is "${visible(file)}", expected a name without control characters`,
  );
}

function isBlank({ contents }: Disk): boolean {
  return describeContents(contents).length === 0;
}

export default script;
await runAlone(script, import.meta.main);
