/**
 * old-roots: the roots of former boots: what they hold, what differs, what can be
 * brought back, and which are no longer kept.
 */
import { defineFamily } from "../lib/cli/family.ts";
import { runAlone } from "../lib/cli.ts";

const script = defineFamily({
  name: "old-roots",
  summary: "List, compare, search, restore and prune the roots of former boots",
  description: [
    "Every boot sets the former root aside below btrfs.old_roots, under a name that begins with the time. What has another name, is no subvolume or is not where the file system has it, is no old root: it is never read and never deleted.",
    "All of it reads btrfs metadata, which needs root, and mounts nothing that anybody sees. old-roots.schema.json describes the JSON, plan.schema.json that of prune.",
  ],
  commands: {
    list: () => import("./old-roots/list.ts"),
    diff: () => import("./old-roots/diff.ts"),
    find: () => import("./old-roots/find.ts"),
    restore: () => import("./old-roots/restore.ts"),
    prune: () => import("./old-roots/prune.ts"),
  },
});

export default script;
await runAlone(script, import.meta.main);
