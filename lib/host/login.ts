/**
 * The line for a login message: from the comparison, or, where nothing was written since
 * it was made, the one of the last time.
 *
 * A login must not wait: to read a profile takes longer than all else here, and a walk
 * takes as long as there are files. What the line follows from is the profile's text, the
 * mounts on the root, how the kernel was and will be started, and the subvolumes; of these
 * the kernel numbers every change (generation), so the kept line is as true as a new one.
 */
import { constants, openSync } from "node:fs";
import { VERSION_LINE } from "../version.ts";
import { Handle } from "./at.ts";
import { filesystemInfo } from "./btrfs-ioctl.ts";
import { type Answer, keepAnswer, keptAnswer } from "./login-answer.ts";
import { commandLine } from "./probe/command-line.ts";
import { probeDecidingMounts } from "./probe/deciding-mounts.ts";
import { type SubvolumesState, subvolumesState } from "./probe/subvolumes-state.ts";
import { NEXT_SYSTEM, textInRoot } from "./probe/text-in-root.ts";
import { findProfile, type ProfileFile } from "./profile-file.ts";
import { View } from "./roots/views.ts";
import { isBtrfs } from "./statfs.ts";

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
  const profile =
    kept?.profile ?? (await import("../profile/read.ts")).readProfile(file.file, file.bytes);
  const { line, basis } = await countForLogin(profile, named);
  if (key !== undefined && basis !== undefined) {
    keepAnswer({ key, profile, line: line ?? null, ...basis });
  }
  return line;
}

/** All that decides, but for the mounts and what the subvolumes hold. */
function keyOf({ file, bytes }: ProfileFile): string {
  using top = new Handle(openSync("/", constants.O_RDONLY | constants.O_DIRECTORY));
  return JSON.stringify([
    VERSION_LINE,
    file,
    Buffer.from(bytes).toString("latin1"),
    commandLine(),
    textInRoot(top.fd, `${NEXT_SYSTEM}/kernel-params`) ?? null,
  ]);
}

/** What fails here fails again where it is counted, with words. */
function isStillTrue({ place, mounts, state }: Answer): boolean {
  try {
    return (
      isSame(probeDecidingMounts(place), mounts) && isSame(stateNow(place.device, state), state)
    );
  } catch {
    return false;
  }
}

/** Asked of `/` where that is the same file system, for a mount takes longer than the answer. */
function stateNow(device: string, { filesystem, trees }: SubvolumesState): SubvolumesState {
  const numbers = trees.map(({ tree }) => tree);
  using top = new Handle(openSync("/", constants.O_RDONLY | constants.O_DIRECTORY));
  if (isBtrfs("/") && filesystemInfo(top.fd).id === filesystem) {
    return subvolumesState(top.fd, numbers);
  }
  using view = View.ofDevice(device, "read-only");
  return subvolumesState(view.top, numbers);
}

function isSame(now: unknown, then: unknown): boolean {
  return JSON.stringify(now) === JSON.stringify(then);
}
