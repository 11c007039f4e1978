/** old-roots find: "I lost a file two boots ago". */
import { TooDeep } from "../../lib/btrfs/too-deep.ts";
import { defineScript, jsonArgs, profileArgs, say } from "../../lib/cli.ts";
import { UsageFault } from "../../lib/fault.ts";
import { Glob } from "../../lib/glob.ts";
import { findInRoot } from "../../lib/host/find-in-root.ts";
import { stdout } from "../../lib/host/output.ts";
import { findDevice, openOldRoots } from "../../lib/host/probe/old-roots.ts";
import { stateBelow } from "../../lib/host/probe/state-below.ts";
import { Progress } from "../../lib/host/progress.ts";
import { openRoots } from "../../lib/host/roots.ts";
import { reportArgs } from "../../lib/report/diff-options.ts";
import { foundRecord } from "../../lib/report/found.ts";
import type { ListingFormat } from "../../lib/report/listing.ts";
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
    if (args.json === true && args.null === true) {
      throw new UsageFault("Cannot list with --json and --null: expected one of them");
    }
    const globs = operands.map((pattern) => new Glob(pattern));
    const { profile } = await load();
    using old = openOldRoots(await findDevice(profile), profile.btrfs.old_roots);
    using roots = await openRoots({ profile });
    if (roots.isBehind) say.warn(behindWarning(roots.device));
    const kind = args.json === true ? "json" : args.null === true ? "null" : "lines";
    const format: ListingFormat = { kind, status: true, terminal: stdout.isTerminal };
    using progress = new Progress("paths", args.quiet !== true && !stdout.isTerminal);
    const tooDeep = new TooDeep();
    let count = 0;
    let withheld = 0;
    for (const { name, fd } of old.roots) {
      findInRoot(fd, { globs, tooDeep, onStep: () => progress.step() }, (change) => {
        const record = foundRecord(
          {
            root: name,
            change,
            live: stateBelow(roots.root, change),
            persist: roots.persist && stateBelow(roots.persist.fd, change),
          },
          format,
        );
        count++;
        if (record === undefined) withheld++;
        else stdout.write(record);
      });
    }
    stdout.flush();
    progress[Symbol.dispose]();
    if (withheld > 0) {
      const paths = plural(withheld, "path");
      say.warn(`${paths} left out: a name in it contains a newline. -0 lists them all`);
    }
    say.info(`${count} found in ${plural(old.roots.length, "old root")}`);
    const unlisted = tooDeep.failure();
    if (unlisted !== undefined) throw unlisted;
    return 0;
  },
});
