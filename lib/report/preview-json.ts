/** A preview of the next boot for programs. Sizes are bytes. */
import type { Preview } from "../plans/preview.ts";
import { jsonNumber, pathFields, toJson } from "./json.ts";
import { verdictOf } from "./preview.ts";

export function previewJson(preview: Preview): string {
  const { setAside } = preview;
  const value = {
    verdict: verdictOf(preview),
    swap: preview.swap,
    device: preview.device,
    root: preview.root,
    blank: preview.blank,
    on_failure: preview.onFailure,
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
    largest_losses: preview.largestLosses.map(({ path, files, bytes }) => ({
      ...pathFields(path),
      files,
      bytes: jsonNumber(bytes),
    })),
    lost_first: preview.examples.map(pathFields),
    keep: preview.keep,
    pruned: preview.pruned.map((name) => pathFields(Buffer.from(name, "latin1"))),
    outdated: preview.outdated.map((name) => pathFields(Buffer.from(name, "latin1"))),
    warnings: preview.warnings,
  };
  return toJson(value, 2);
}
