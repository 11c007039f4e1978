/**
 * What is measured side by side: ourselves, two C programs that show the practical
 * limit, and what people use today. Each is one line of bash that prints paths.
 */
import type { Built } from "./build.ts";
import type { Sample } from "./sets.ts";

export interface Contender {
  readonly name: string;
  /** Programs that must be there. */
  readonly needs: readonly string[];
  /** Undefined where it has no answer for a set. */
  line(set: Sample): string | undefined;
  /** So slow on a million that it is run once. */
  readonly slow?: boolean;
}

/** The executable in place, which prints every path. */
export function fsDiff({ inPlace }: Built, { root, base }: Sample): string[] {
  return [inPlace, "fs-diff", "--quiet", "--all", "--root", root, "--base", base];
}

export function contenders(built: Built): Contender[] {
  const { scan, walk } = built;
  return [
    { name: "fs-diff", needs: [], line: (set) => fsDiff(built, set).join(" ") },
    {
      name: "C, the bare search",
      needs: [],
      line: ({ name, root }) => `${name === "delta" ? scan : walk} ${root}`,
    },
    {
      name: "find -xdev",
      needs: ["find"],
      line: ({ name, root }) => (name === "delta" ? undefined : `find ${root} -xdev`),
    },
    {
      name: "fd",
      needs: ["fdfind"],
      line: ({ name, root }) =>
        name === "delta" ? undefined : `fdfind --hidden --no-ignore --one-file-system . ${root}`,
    },
    {
      name: "btrfs subvolume find-new",
      needs: ["btrfs"],
      line: ({ root, base }) => `${TRANSID(base)}; btrfs subvolume find-new ${root} $T`,
    },
    {
      name: "the find-new script",
      needs: ["btrfs"],
      slow: true,
      line: ({ root, base }) =>
        `${TRANSID(base)}; btrfs subvolume find-new ${root} $T | sed '$d' | cut -f17- -d' ' | sort | uniq | while read -r p; do [ -L "${root}/$p" ] || [ -d "${root}/$p" ] || echo "$p"; done`,
    },
    {
      name: "rsync -aHAXn --delete",
      needs: ["rsync"],
      slow: true,
      line: ({ root, base }) => `rsync -aHAXn --delete --itemize-changes ${root}/ ${base}/`,
    },
    {
      name: "btrfs send --no-data | receive --dump",
      needs: ["btrfs"],
      slow: true,
      line: ({ root, base }) =>
        `btrfs property set -ts ${root} ro true; btrfs send --quiet --no-data -p ${base} ${root} | btrfs receive --dump; btrfs property set -f -ts ${root} ro false`,
    },
    {
      name: "snapper status",
      needs: ["snapper"],
      slow: true,
      line: ({ snapper: { root, config, cache } }) =>
        `rm -f ${cache}*; snapper --no-dbus --root ${root} -c ${config} status 1..2`,
    },
  ];
}

/** The line behind the last change, as find-new prints it. */
const TRANSID = (base: string) => `T=$(btrfs subvolume find-new ${base} 9999999 | sed 's/.* //')`;
