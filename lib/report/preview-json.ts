/** A preview of the next boot for programs. Sizes are bytes, times RFC 3339 in UTC. */
import type { LossGroup } from "../losses/losses.ts";
import type { Preview } from "../plans/preview.ts";
import { jsonNumber, pathFields, toJson } from "./json.ts";
import { verdictOf } from "./preview.ts";

export function previewJson(preview: Preview): string {
  const { setAside, now } = preview;
  const value = {
    verdict: verdictOf(preview),
    time: now.toISOString(),
    swap: preview.swap,
    device: preview.device,
    root: preview.root,
    blank: preview.blank,
    on_failure: preview.onFailure,
    steps: preview.steps,
    set_aside:
      setAside === undefined
        ? null
        : { as: setAside.as, kept: setAside.kept, nested: setAside.nested.map(pathFields) },
    counts: Object.fromEntries(
      Object.entries(preview.counts).map(([fate, { files, bytes }]) => [
        fate,
        { files, bytes: jsonNumber(bytes) },
      ]),
    ),
    lost_though_listed: preview.uncopied,
    groups: preview.groups.map((group) => groupFields(group, now)),
    largest_losses: preview.largestLosses.map(({ path, files, bytes }) => ({
      ...pathFields(path),
      files,
      bytes: jsonNumber(bytes),
    })),
    lost_first: preview.examples.map(pathFields),
    keep: preview.keep,
    pruned: preview.pruned.map(placeFields),
    outdated: preview.outdated.map(placeFields),
    freed: preview.freed ?? null,
    warnings: preview.warnings,
  };
  return toJson(value, 2);
}

function groupFields(group: LossGroup, now: Date) {
  const { kind, name, places, files, bytes, newest, recent, future } = group;
  return {
    kind,
    name: placeFields(name).path,
    places: places.map(placeFields),
    files,
    bytes: jsonNumber(bytes),
    newest: newest === undefined ? null : newestFields(newest, now),
    changed_within_the_hour: { files: recent.files, bytes: jsonNumber(recent.bytes) },
    of_a_time_to_come: future,
  };
}

function newestFields({ path, timeMs }: NonNullable<LossGroup["newest"]>, now: Date) {
  const age = Math.max(0, Math.floor((now.getTime() - timeMs) / 1000));
  return { ...pathFields(path), age_seconds: age };
}

function placeFields(latin1: string) {
  return pathFields(Buffer.from(latin1, "latin1"));
}
