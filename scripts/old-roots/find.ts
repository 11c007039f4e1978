/** old-roots find: "I lost a file two boots ago". */
import { defineScript, jsonArgs, profileArgs, say } from "../../lib/cli.ts";
import { Glob } from "../../lib/glob.ts";
import { findInRoot } from "../../lib/host/find-in-root.ts";
import { findDevice, openOldRoots } from "../../lib/host/probe/old-roots.ts";
import { stateBelow } from "../../lib/host/probe/state-below.ts";
import { Records, refuseTwoFormats } from "../../lib/host/records.ts";
import { openRoots } from "../../lib/host/roots.ts";
import { reportArgs } from "../../lib/report/diff-options.ts";
import { foundRecord } from "../../lib/report/found.ts";
import { behindWarning } from "../../lib/root-args.ts";
import { plural } from "../../lib/text.ts";

export default defineScript({
  name: "old-roots find",
  summary: "Search all old roots, the newest first",
  description: [
    "Lists the paths that a GLOB matches: the old root, whether the path is in the live root and in the persist root now (as it was, or another), and the path, with tabs between them.",
    "In a GLOB, * and ? stand for characters of one name, ** for any part of a path, and a backslash takes the next character as it is; they are bytes as names are. One without a slash is for a name in any directory, one that begins with a slash for a whole path, any other for the end of one. Quote it: the shell must not read it first.",
  ],
  profile: "found",
  operands: {
    name: "GLOB",
    description: "What to look for, such as '*.conf' or '/etc/**/*.key'",
    usage: "GLOB…",
    least: 1,
  },
  args: { ...profileArgs, ...jsonArgs, null: reportArgs.null },
  async run({ args, operands, profile: load }) {
    refuseTwoFormats(args);
    const globs = operands.map((pattern) => new Glob(pattern));
    const { profile } = await load();
    using old = openOldRoots(await findDevice(profile), profile.btrfs.old_roots);
    using roots = await openRoots({ profile });
    if (roots.isBehind) say.warn(behindWarning(roots.device));
    using records = new Records(args, "paths");
    const { format, tooDeep } = records;
    for (const { name, fd } of old.roots) {
      findInRoot(fd, { globs, tooDeep, onStep: () => records.step() }, (change) => {
        const live = stateBelow(roots.root, change);
        const persist = roots.persist && stateBelow(roots.persist.fd, change);
        records.write(foundRecord({ root: name, change, live, persist }, format));
      });
    }
    records.finish();
    say.info(`${records.count} found in ${plural(old.roots.length, "old root")}`);
    records.throwIfTooDeep();
    return 0;
  },
});
