/** old-roots diff: what changed between two roots, or from one until now. */
import { defineScript, jsonArgs, profileArgs, say } from "../../lib/cli.ts";
import { diffSubvolumes } from "../../lib/host/diff.ts";
import {
  findDevice,
  newestOldRoot,
  type OldRoots,
  oldRootNamed,
  openOldRoots,
} from "../../lib/host/probe/old-roots.ts";
import { Records, refuseTwoFormats } from "../../lib/host/records.ts";
import { openRoots, type Roots } from "../../lib/host/roots.ts";
import { latin1 } from "../../lib/latin1.ts";
import { reportArgs } from "../../lib/report/diff-options.ts";
import { changeRecord, selectChanges } from "../../lib/report/root-changes.ts";
import { behindWarning } from "../../lib/root-args.ts";
import { visible } from "../../lib/text.ts";

const { null: ends, dirs, type, only } = reportArgs;

export default defineScript({
  name: "old-roots diff",
  summary: "List what changed between two old roots, or since one",
  description: [
    "Without a NAME: from the newest old root to the live root. With one: from that to the live root. With two: from the first to the second. Each path has the letter of its status before it: A came, D went, M content changed, m metadata changed, T type changed. A NAME may be shortened while it is the only one that begins so.",
    "What NixOS links anew at every boot (links into /nix/store and /etc/static) and what persist.ignore matches is left out, as are directories and sockets, unless --all.",
  ],
  profile: "found",
  findings: "something is listed",
  operands: {
    name: "NAME",
    description: "Old roots, as old-roots list shows them",
    usage: "[NAME [NAME]]",
    most: 2,
  },
  args: {
    ...profileArgs,
    ...jsonArgs,
    null: ends,
    all: { type: "boolean", alias: "a", description: "List everything that differs" },
    dirs,
    type,
    only,
  },
  async run({ args, operands, profile: load }) {
    refuseTwoFormats(args);
    const { profile } = await load();
    const selects = selectChanges(args, profile);
    using old = openOldRoots(await findDevice(profile), profile.btrfs.old_roots);
    using roots = operands.length === 2 ? undefined : await openRoots({ profile });
    const { from, to, names } = sidesOf(old, operands.map(latin1), roots);
    say.info(`from ${names[0]} to ${names[1]} on ${visible(old.device)}`);
    if (roots?.isBehind === true) say.warn(behindWarning(roots.device));
    using records = new Records(args, "differences");
    const { format, tooDeep } = records;
    diffSubvolumes({ root: to, base: from, tooDeep }, (change) => {
      records.step();
      if (selects(change)) records.write(changeRecord(change, format));
    });
    records.finish();
    records.throwIfTooDeep();
    return records.count > 0 ? 1 : 0;
  },
});

interface Sides {
  readonly from: number;
  readonly to: number;
  readonly names: readonly [from: string, to: string];
}

function sidesOf(old: OldRoots, names: readonly string[], roots: Roots | undefined): Sides {
  const [first, second] = names;
  const from = first === undefined ? newestOldRoot(old) : oldRootNamed(old, first);
  if (roots !== undefined) {
    return { from: from.fd, to: roots.root, names: [from.name, "the live root"] };
  }
  const to = oldRootNamed(old, second!);
  return { from: from.fd, to: to.fd, names: [from.name, to.name] };
}
