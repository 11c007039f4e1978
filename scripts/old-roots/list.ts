/** old-roots list: what each old root holds, and what only it holds. */
import { defineScript, jsonArgs, profileArgs, say } from "../../lib/cli.ts";
import { diskSpace } from "../../lib/host/disk-space.ts";
import { findSpaceWithNested } from "../../lib/host/exclusive-bytes.ts";
import { stdout } from "../../lib/host/output.ts";
import { findDevice, type OldRoots, openOldRoots } from "../../lib/host/probe/old-roots.ts";
import { Progress } from "../../lib/host/progress.ts";
import { type KeepRule, rootsToPrune } from "../../lib/old-roots.ts";
import {
  fullText,
  type OldRootList,
  oldRootJson,
  oldRootLines,
  oldRootSummary,
} from "../../lib/report/old-roots.ts";
import { visible } from "../../lib/text.ts";

export default defineScript({
  name: "old-roots list",
  summary: "Show the old roots, how much each holds and what it holds alone",
  description: [
    "The newest first: its name, which begins with the time that it was set aside, its age, how much of the disk it refers to, and how much of that nothing else does, which is what deleting it alone frees; nested subvolumes are counted with it. What rollback.keep of the profile no longer asks for is marked.",
    "Space is told by quota groups where these are on, else by a look at the references to each extent, and which of them is said. Old roots that share extents with each other free more together than one by one.",
  ],
  profile: "found",
  args: { ...profileArgs, ...jsonArgs },
  async run({ args, profile: load }) {
    const { profile } = await load();
    using old = openOldRoots(await findDevice(profile), profile.btrfs.old_roots);
    const list = look(old, profile.rollback.keep, new Date(), args.quiet !== true);
    if (args.json === true) stdout.line(oldRootJson(list));
    else for (const line of oldRootLines(list)) stdout.line(line);
    stdout.flush();
    for (const { name, reason } of list.strangers) {
      say.info(`not among them: ${visible(name)}, for ${reason}`);
    }
    say.info(oldRootSummary(list));
    const full = fullText(list);
    if (full !== undefined) say.warn(full);
    return 0;
  },
});

function look(old: OldRoots, keep: KeepRule, now: Date, showsProgress: boolean): OldRootList {
  const names = old.roots.map(({ name }) => name);
  const due = new Set(rootsToPrune(names, keep, now, 0));
  using progress = new Progress("", showsProgress);
  const roots = old.roots.map(({ name, time, tree }, index) => {
    progress.tell(() => `${index} of ${names.length} old roots looked at`);
    return { name, time, space: findSpaceWithNested(old.top, [tree]), isDue: due.has(name) };
  });
  const trees = old.roots.filter(({ name }) => due.has(name)).map(({ tree }) => tree);
  return {
    device: old.device,
    directory: old.directory,
    roots,
    due: trees.length === 0 ? undefined : findSpaceWithNested(old.top, trees),
    strangers: old.strangers,
    disk: diskSpace(old.top),
    now,
  };
}
