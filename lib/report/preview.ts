/** A preview of the next boot for people: the verdict in one sentence, then why. */
import { keepText } from "../old-roots.ts";
import type { FreedSpace, Preview } from "../plans/preview.ts";
import type { PreviewStep } from "../plans/preview-steps.ts";
import type { Count } from "../tally.ts";
import { formatBytes, plural, visible } from "../text.ts";
import { groupLines } from "./losses.ts";

/** So many paths fit into a sentence. */
const NAMED_IN_VERDICT = 3;
/** And into a step, or a list of nested subvolumes. */
const NAMED_IN_STEP = 8;
const NESTED_SHOWN = 20;
const ROOTS_SHOWN = 20;

/** Lines of text in which no name can drive a terminal. */
export function renderPreview(preview: Preview): string[] {
  const sections = [
    [verdictOf(preview)],
    warningLines(preview),
    stepLines(preview),
    nestedLines(preview),
    countLines(preview),
    groupLines(preview.groups, preview.now),
    exampleLines(preview),
    pruneLines(preview),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .flatMap((lines, index) => (index === 0 ? lines : ["", ...lines]));
}

/** One sentence without a period. */
export function verdictOf(preview: Preview): string {
  const { lost } = preview.counts;
  const losses = lost.files === 0 ? "nothing" : `${amount(lost)}${lossDetail(preview)}`;
  if (preview.swap === "done") return `The next boot loses ${losses}`;
  if (preview.swap === "kept") {
    return `The next boot keeps the root, as the kernel's command line asks; a rollback would lose ${losses}`;
  }
  if (preview.swap === "none") {
    return "The next boot changes nothing: nothing was written to the root since it was made";
  }
  const outcome =
    preview.onFailure === "boot" ? "starts from the root as it is" : "stops in emergency mode";
  return `The next boot can't roll back and ${outcome}; a rollback would lose ${losses}`;
}

function lossDetail({ counts, examples, largestLosses }: Preview): string {
  if (counts.lost.files <= Math.min(NAMED_IN_VERDICT, examples.length)) {
    return `: ${examples.map(visible).join(", ")}`;
  }
  const [largest] = largestLosses;
  return largest === undefined ? "" : `, most of it in ${visible(largest.path)}`;
}

function amount({ files, bytes }: Count): string {
  return `${plural(files, "file")}, ${formatBytes(bytes)}`;
}

function warningLines({ warnings }: Preview): string[] {
  return warnings.map(({ text }) => `Warning: ${visible(text)}`);
}

function stepLines({ steps }: Preview): string[] {
  return [
    "What it does, in this order:",
    ...steps.map((step, index) => `${`${index + 1}`.padStart(3)}. ${stepText(step)}`),
  ];
}

function stepText({ text, names }: PreviewStep): string {
  if (names.length === 0) return visible(text);
  const more = names.length - NAMED_IN_STEP;
  const rest = more > 0 ? ` and ${more} more` : "";
  return `${visible(text)}: ${names.slice(0, NAMED_IN_STEP).map(visible).join(", ")}${rest}`;
}

function nestedLines({ setAside }: Preview): string[] {
  if (setAside === undefined || setAside.nested.length === 0) return [];
  const { nested } = setAside;
  const more = nested.length - NESTED_SHOWN;
  return [
    `${plural(nested.length, "nested subvolume")} in it ${nested.length === 1 ? "goes" : "go"} with it:`,
    ...nested.slice(0, NESTED_SHOWN).map((path) => `  ${visible(path)}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

function countLines({ counts, uncopied }: Preview): string[] {
  const lines = Object.entries(counts).map(
    ([fate, { files, bytes }]) =>
      `${fate.padEnd(9)}${plural(files, "file").padStart(15)}${formatBytes(bytes).padStart(14)}`,
  );
  if (uncopied === 0) return lines;
  const which = `${plural(uncopied, "lost file")} ${uncopied === 1 ? "is" : "are"} listed`;
  return [...lines, `${which}, but without an equal copy: persist-copy copies what is missing`];
}

function exampleLines({ examples, counts }: Preview): string[] {
  if (examples.length === 0) return [];
  const more = counts.lost.files - examples.length;
  return [
    "Files that are lost:",
    ...examples.map((path) => `  ${visible(path)}`),
    ...(more > 0 ? [`  and ${more} more: fs-diff lists them all`] : []),
  ];
}

function pruneLines({ pruned, outdated, keep, freed, setAside, root }: Preview): string[] {
  const frees = freed === undefined ? "" : `, which frees ${freedText(freed)}`;
  if (setAside?.kept === false) {
    const old = pruned.length === 0 ? "" : ` and ${plural(pruned.length, "old root")}`;
    const colon = pruned.length === 0 ? "" : ":";
    const first = `${visible(root)}${old} to be deleted, for none are kept${frees}${colon}`;
    return [first, ...rootLines(pruned)];
  }
  if (pruned.length > 0) {
    const which = plural(pruned.length, "old root");
    return [`${which} to be deleted, for none are kept${frees}:`, ...rootLines(pruned)];
  }
  if (outdated.length === 0) return [];
  const which = `${plural(outdated.length, "old root")} older than rollback.keep asks for`;
  return [
    `${which} (${keepText(keep)}), for the daily pruning to delete${frees}:`,
    ...rootLines(outdated),
  ];
}

function rootLines(names: readonly string[]): string[] {
  const more = names.length - ROOTS_SHOWN;
  return [
    ...names.slice(0, ROOTS_SHOWN).map((name) => `  ${visible(Buffer.from(name, "latin1"))}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

/** With the way it was found: what is shared counts for nobody. */
function freedText({ bytes, method }: FreedSpace): string {
  const way = method === "qgroups" ? "quota groups" : "the references to each extent";
  return `${formatBytes(bytes)} by ${way}`;
}
