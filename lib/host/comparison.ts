/** A root held against its blank one, with a judge of what the next boot makes of it. */
import { type Judge, type JudgeFilesIn, judgesBy } from "../fate.ts";
import type { Profile } from "../profile.ts";
import { persistSideOf } from "./fate.ts";
import { openRoots, type Roots, type RootsRequest } from "./roots.ts";

export interface ComparisonRequest extends RootsRequest {
  /** False: the profile's ignore patterns have no say. */
  readonly ignore: boolean;
  /** Whether to look for copies of what no list names, for the sake of the reason. */
  readonly explain: boolean;
}

/** What the judges go by; can be given to another thread, where descriptors are the same. */
export interface Evidence extends Pick<Roots, "root" | "persist" | "live"> {
  readonly profile: Profile | undefined;
  readonly ignore: boolean;
  readonly explain: boolean;
}

export interface Judges {
  readonly judge: Judge;
  readonly judgeFilesIn: JudgeFilesIn;
}

export interface Comparison extends Disposable, Judges {
  readonly roots: Roots;
  readonly evidence: Evidence;
}

/** @throws as openRoots() */
export async function openComparison(request: ComparisonRequest): Promise<Comparison> {
  using opening = new DisposableStack();
  const roots = opening.use(await openRoots(request));
  const { root, persist, live } = roots;
  const { profile, ignore, explain } = request;
  const evidence = { root, persist, live, profile, ignore, explain };
  const judges = judgesOf(evidence);
  const opened = opening.move();
  return { roots, evidence, ...judges, [Symbol.dispose]: () => opened.dispose() };
}

export function judgesOf(evidence: Evidence): Judges {
  const { live, persist, profile, ignore, explain } = evidence;
  return judgesBy({
    live,
    persistRoot: persist?.path,
    persist: persistSideOf(evidence),
    profile,
    ignore,
    explain,
  });
}
