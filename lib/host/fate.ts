/** The persist side of a comparison: whether it holds an equal copy of a path now. */
import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import type { PersistSide } from "../fate.ts";
import type { Roots } from "./roots.ts";
export function openPersistSide(roots: Roots): (PersistSide & Disposable) | undefined {
  if (roots.persist === undefined) return undefined;
  const { fd } = roots.persist;
  return {
    equalCopy(path) {
      const a = Buffer.concat([Buffer.from(`/proc/self/fd/${roots.root}`), path]);
      const b = Buffer.concat([Buffer.from(`/proc/self/fd/${fd}`), path]);
      const x = lstatSync(a, { throwIfNoEntry: false });
      const y = lstatSync(b, { throwIfNoEntry: false });
      if (y === undefined || x === undefined) return "missing";
      if (x.mode !== y.mode || x.uid !== y.uid || x.gid !== y.gid) return "differs";
      if (x.isFile() && !readFileSync(a).equals(readFileSync(b))) return "differs";
      if (x.isSymbolicLink() && readlinkSync(a) !== readlinkSync(b)) return "differs";
      return "equal";
    },
    [Symbol.dispose]() {},
  };
}
