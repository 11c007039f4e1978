/** A root held against its blank one, with a judge of what the next boot makes of it. */
import { type Judge, type JudgeFilesIn, judgesBy } from "../fate.ts";
import { persistSideOf } from "./fate.ts";
import { openRoots, type Roots, type RootsRequest } from "./roots.ts";

export interface ComparisonRequest extends RootsRequest {
  /** False: the profile's ignore patterns have no say. */
  readonly ignore: boolean;
  /** Whether to look for copies of what no list names, for the sake of the reason. */
  readonly explain: boolean;
}

export interface Comparison extends Disposable {
  readonly roots: Roots;
  readonly judge: Judge;
  readonly judgeFilesIn: JudgeFilesIn;
}

/** @throws as openRoots() */
export async function openComparison(request: ComparisonRequest): Promise<Comparison> {
  using opening = new DisposableStack();
  const roots = opening.use(await openRoots(request));
  const judges = judgesBy({
    live: roots.live,
    persistRoot: roots.persist?.path,
    persist: persistSideOf(roots),
    profile: request.profile,
    ignore: request.ignore,
    explain: request.explain,
  });
  const opened = opening.move();
  return { roots, ...judges, [Symbol.dispose]: () => opened.dispose() };
}
