/**
 * make-subvols: the profile's subvolumes, and the blank snapshot of the root.
 *
 * It only adds, so it asks nobody; on a system that exists already it makes what
 * is missing and changes nothing that is there.
 */
import { defineScript, planArgs, profileArgs, runAlone, say } from "../lib/cli.ts";
import { probeBtrfsTop } from "../lib/host/probe/btrfs-top.ts";
import { findFilesystem } from "../lib/host/probe/filesystem.ts";
import { showOrApply } from "../lib/host/show-or-apply.ts";
import { namesAtTop, planSubvolumes } from "../lib/plans/subvolumes.ts";

const script = defineScript({
  name: "make-subvols",
  summary: "Create the profile's subvolumes and the blank snapshot of the root",
  description: [
    "Creates the subvolumes that are missing, then takes the read-only blank snapshot that every boot starts from, and sees that it is read-only and empty. Run twice it changes nothing; interrupted, it finishes on the next run.",
    "A root that has content already gets a blank one made of a fresh, empty subvolume. The file system is the one labelled disk.label on disk.device, or btrfs.device.",
  ],
  profile: "found",
  args: { ...profileArgs, ...planArgs },
  async run({ args, profile: load }) {
    const { profile, file } = await load();
    const node = await findFilesystem(profile);
    const top = await probeBtrfsTop(node, namesAtTop(profile));
    const plan = planSubvolumes(profile, file, top);
    const applied = await showOrApply(plan, {
      dryRun: args["dry-run"] === true,
      json: args.json === true,
      interrupted: "What was made stays: run make-subvols again to finish",
      announce: say.info,
    });
    if (applied)
      say.success(plan.steps.length === 0 ? plan.summary : `done on ${node}: ${plan.summary}`);
    return 0;
  },
});

export default script;
await runAlone(script, import.meta.main);
