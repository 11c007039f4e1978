/**
 * The line for a login message: from the comparison, or, where nothing was written since
 * it was made, the one of the last time.
 *
 * A login must not wait: to read a profile takes longer than all else here, and a walk
 * takes as long as there are files. What the line follows from is the profile's text, the
 * mounts, how the kernel was and will be started, and the subvolumes; of these the kernel
 * numbers every change (generation), so the kept line is as true as a new one.
 */
import { constants, openSync, readFileSync } from "node:fs";
import { VERSION_LINE } from "../version.ts";
import { Handle } from "./at.ts";
import { type Answer, keepAnswer, keptAnswer } from "./login-answer.ts";
import { commandLine } from "./probe/command-line.ts";
import { subvolumesState } from "./probe/subvolumes-state.ts";
import { NEXT_SYSTEM, textInRoot } from "./probe/text-in-root.ts";
import { findProfile, type ProfileFile } from "./profile-file.ts";
import { View } from "./roots/views.ts";

export interface LoginRequest {
  /** The values of --profile and $BLANKROOT_PROFILE. */
  readonly flag: string | undefined;
  readonly env: string | undefined;
  /** Directories that flags named: then nothing is kept. */
  readonly named: {
    readonly root?: string | undefined;
    readonly base?: string | undefined;
    readonly persist?: string | undefined;
  };
  readonly mayKeep: boolean;
}

/**
 * Undefined where nothing would be lost, or no profile says that this machine has a root
 * that is rolled back.
 *
 * @throws Fault where it can't be told
 */
export async function loginLine(request: LoginRequest): Promise<string | undefined> {
  const { flag, env, named } = request;
  const file = findProfile({ flag, env, mode: "found" });
  if (file === undefined) return undefined;
  const isNamed = Object.values(named).some((dir) => dir !== undefined);
  const key = request.mayKeep && !isNamed ? keyOf(file) : undefined;
  const kept = key === undefined ? undefined : keptAnswer(key);
  if (kept !== undefined && isStillTrue(kept)) return kept.line ?? undefined;
  const { countForLogin } = await import("./login-count.ts");
  const { line, state } = await countForLogin(file, named);
  if (key !== undefined && state !== undefined) keepAnswer({ key, line: line ?? null, ...state });
  return line;
}

/** All that decides, but for what the subvolumes hold. */
function keyOf({ file, bytes }: ProfileFile): string {
  using top = new Handle(openSync("/", constants.O_RDONLY | constants.O_DIRECTORY));
  return JSON.stringify([
    VERSION_LINE,
    file,
    Buffer.from(bytes).toString("latin1"),
    readFileSync("/proc/self/mountinfo", "latin1"),
    commandLine(),
    textInRoot(top.fd, `${NEXT_SYSTEM}/kernel-params`) ?? null,
  ]);
}

/** What fails here fails again where it is counted, with words. */
function isStillTrue({ device, state }: Answer): boolean {
  try {
    using view = View.ofDevice(device, "read-only");
    const trees = state.trees.map(({ tree }) => tree);
    return JSON.stringify(subvolumesState(view.top, trees)) === JSON.stringify(state);
  } catch {
    return false;
  }
}
