/**
 * --stale and --missing: the profile's lists held against the persist root. Nothing is
 * written, and the persist root is mounted for reading alone.
 */
import { realpathSync } from "node:fs";
import { say } from "../../cli.ts";
import { Claims } from "../../copy/claims.ts";
import type { Review } from "../../copy/list-args.ts";
import {
  type MissingFinding,
  missingRecord,
  type ReviewFormat,
  staleRecord,
} from "../../copy/review.ts";
import { listedPaths } from "../../copy/sources.ts";
import { leadsTo } from "../../fate/links.ts";
import { ClosedPipe, Refusal } from "../../fault.ts";
import { latin1, latin1OfText } from "../../latin1.ts";
import { survivingPlace } from "../../mount-points.ts";
import { isWithin } from "../../profile/paths.ts";
import type { Profile } from "../../profile.ts";
import { behindWarning } from "../../root-args.ts";
import { formatBytes, plural } from "../../text.ts";
import { linkTextOf, lookAt } from "../at.ts";
import { statusOf } from "../inode-status.ts";
import { stdout } from "../output.ts";
import { blockNameOf, mountsOfBtrfs } from "../probe/btrfs-members.ts";
import { Progress } from "../progress.ts";
import { refuseUnlessDirectory, View } from "../roots/views.ts";
import { openRoots } from "../roots.ts";
import { isThere } from "./look.ts";
import { findStale } from "./stale.ts";

export interface ReviewFlags {
  readonly root?: string | undefined;
  readonly persist?: string | undefined;
  readonly json?: boolean | undefined;
  readonly null?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

interface Sides extends Disposable {
  /** Undefined where there is none to be looked at. */
  readonly root: number | undefined;
  readonly persist: { readonly fd: number; readonly path: string };
  /** The node of the file system, where that is known. */
  readonly device: string | undefined;
}

/** @returns the exit status */
export async function runReview(
  review: Review,
  flags: ReviewFlags,
  profile: Profile,
): Promise<number> {
  const kind = flags.json === true ? "json" : flags.null === true ? "null" : "lines";
  const format: ReviewFormat = { kind, terminal: stdout.isTerminal };
  using sides = await openSides(flags, profile);
  const printer = new Printer();
  try {
    if (review === "missing") printMissing(sides, profile, format, printer);
    else printStale(sides, profile, format, printer, flags.quiet !== true && !stdout.isTerminal);
    stdout.flush();
  } catch (error) {
    // What was read already was a finding.
    if (!(error instanceof ClosedPipe)) throw error;
    return 1;
  }
  printer.tellWithheld();
  return printer.count > 0 ? 1 : 0;
}

class Printer {
  count = 0;
  #withheld = 0;

  print(record: Uint8Array | undefined): void {
    this.count++;
    if (record === undefined) this.#withheld++;
    else stdout.write(record);
  }

  tellWithheld(): void {
    if (this.#withheld === 0) return;
    const paths = plural(this.#withheld, "path");
    say.warn(`${paths} left out: a name in it contains a newline. -0 lists them all`);
  }
}

/** The persist root alone will do where it is named and the root can't be had. */
async function openSides({ root, persist }: ReviewFlags, profile: Profile): Promise<Sides> {
  try {
    return await openBoth({ root, persist }, profile);
  } catch (error) {
    if (!(error instanceof Refusal) || persist === undefined || root !== undefined) throw error;
    say.warn(`${error.message}; looking at the persist root alone`);
  }
  refuseUnlessDirectory("--persist", persist);
  const view = View.ofDirectory(realpathSync(persist));
  return {
    root: undefined,
    persist: { fd: view.top, path: profile.persist.root },
    device: undefined,
    [Symbol.dispose]: () => view[Symbol.dispose](),
  };
}

async function openBoth({ root, persist }: ReviewFlags, profile: Profile): Promise<Sides> {
  using opening = new DisposableStack();
  const roots = opening.use(await openRoots({ root, persist, profile, access: "read-only" }));
  if (roots.persist === undefined) {
    throw new Refusal(`Cannot look at ${profile.persist.root}: there is no such directory`, {
      hint: "make-subvols creates its subvolume",
    });
  }
  say.info(`looking at the persist root of ${roots.source}`);
  if (roots.isBehind) say.warn(behindWarning(roots.device));
  const opened = opening.move();
  return {
    root: roots.root,
    persist: roots.persist,
    device: roots.device,
    [Symbol.dispose]: () => opened.dispose(),
  };
}

function printStale(
  { persist, device }: Sides,
  profile: Profile,
  format: ReviewFormat,
  printer: Printer,
  showsProgress: boolean,
): void {
  using progress = new Progress("paths looked at", showsProgress);
  const told = { root: persist.path, nowNs: BigInt(Date.now()) * 1_000_000n };
  let bytes = 0;
  findStale(
    persist.fd,
    new Claims(profile, device === undefined ? [] : mountedFrom(profile, device)),
    (finding) => {
      bytes += finding.bytes;
      printer.print(staleRecord(finding, told, format));
    },
    () => progress.step(),
  );
  progress[Symbol.dispose]();
  if (printer.count === 0) say.info("the lists name all that the persist root holds");
  else say.info(`${plural(printer.count, "path")} in no list, ${formatBytes(bytes)} in all`);
}

/** What is mounted from the persist root now, by whatever: paths below it, as latin1. */
function mountedFrom(profile: Profile, device: string): string[] {
  const place = survivingPlace(profile, profile.persist.root);
  const name = blockNameOf(device);
  if (place === undefined || name === undefined) return [];
  const top = latin1OfText(`/${place.subvolume}${place.rest}`);
  return mountsOfBtrfs(name)
    .filter(({ root }) => root !== top && isWithin(root, top))
    .map(({ root }) => root.slice(top.length));
}

function printMissing(
  sides: Sides,
  profile: Profile,
  format: ReviewFormat,
  printer: Printer,
): void {
  const findings = findMissing(sides, profile);
  for (const finding of findings) printer.print(missingRecord(finding, format));
  const inRoot = findings.filter((finding) => finding.inRoot === true).length;
  if (findings.length === 0) say.info("the persist root holds all that the lists name");
  else {
    const known = sides.root === undefined ? "" : `, ${inRoot} of them in the root`;
    const cure = inRoot === 0 ? "" : ": persist-copy saves what is there";
    say.info(`${plural(findings.length, "path")} missing${known}${cure}`);
  }
}

function findMissing({ root, persist }: Sides, profile: Profile): MissingFinding[] {
  const files = new Set(profile.persist.files.map(({ path }) => path));
  return listedPaths(profile)
    .filter(({ bytes }) => !isThere(persist.fd, bytes))
    .map(({ text, bytes }) => ({
      path: text,
      list: files.has(text) ? "files" : "directories",
      inRoot: root === undefined ? undefined : holds(root, bytes, profile.persist.root),
    }));
}

/** A link to the very place that is missing holds nothing: impermanence makes such ones. */
function holds(root: number, path: Uint8Array, persistRoot: string): boolean {
  using found = lookAt(root, path);
  if (found === undefined) return false;
  if (statusOf(found.fd).type !== "symlink") return true;
  const target = leadsTo(latin1(path), latin1(linkTextOf(found)));
  return target !== latin1OfText(persistRoot) + latin1(path);
}
