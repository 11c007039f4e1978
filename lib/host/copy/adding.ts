/**
 * What --add and --nix do: the paths that were named and are in no list go into the
 * profile's, or are printed for a configuration.
 *
 * Everything that could refuse is asked before the first copy; what is left for the end
 * is to put the text in place that was made and read back then.
 */
import { additionsFor, type Candidate } from "../../copy/additions.ts";
import { renamedOverNotes } from "../../copy/renamed-over.ts";
import { Failure, Refusal } from "../../fault.ts";
import { latin1 } from "../../latin1.ts";
import { listAttributes } from "../../nix/persistence.ts";
import { renderAttributes } from "../../nix/text.ts";
import type { CopyFacts, CopyPlan } from "../../plans/copy.ts";
import { type Additions, additionLines, appendToLists, countOf } from "../../profile/append.ts";
import type { Profile } from "../../profile.ts";
import { visible } from "../../text.ts";
import { PROFILE_SIZE_MAX_BYTES } from "../profile-file.ts";
import { ProfileSource } from "../profile-source.ts";

export interface AddingRequest {
  readonly loaded: { readonly profile: Profile; readonly file: string };
  readonly add: boolean;
  readonly facts: CopyFacts;
  readonly plan: CopyPlan;
}

export class Adding implements Disposable {
  readonly additions: Additions;
  /** What the user should know, a line each. */
  readonly notes: readonly string[];
  readonly #profile: Profile;
  readonly #source: ProfileSource | undefined;
  readonly #text: string | undefined;

  /** @throws Refusal where something can't be listed, or the profile's file not be changed */
  constructor({ loaded, add, facts, plan }: AddingRequest) {
    using opening = new DisposableStack();
    this.#source = add ? opening.use(new ProfileSource(loaded)) : undefined;
    this.#profile = this.#source?.profile ?? loaded.profile;
    this.additions = additionsFor(this.#profile, candidatesOf(facts, plan));
    this.notes = renamedOverNotes(this.additions.files.map(({ path }) => path));
    this.#text = this.#source && appended(this.#source, this.additions);
    opening.move();
  }

  [Symbol.dispose](): void {
    this.#source?.[Symbol.dispose]();
  }

  /** What will be done to the profile, as lines of a plan. */
  plan(): string {
    return additionLines(this.additions)
      .map((line) => `list      ${line}\n`)
      .join("");
  }

  /** As Nix, ready to be pasted into a module; nothing where all is listed. */
  nix(): string {
    if (countOf(this.additions) === 0) return "";
    const persist = { ...this.#profile.persist, ...copied(this.additions) };
    return renderAttributes(listAttributes({ persist }))
      .map((line) => `${line}\n`)
      .join("");
  }

  /**
   * Puts the new text in the place of the old one.
   *
   * @returns what was done, as a sentence
   * @throws Failure, and then the profile is as it was
   */
  carryOut(): string {
    if (this.#source === undefined || this.#text === undefined) return "";
    const file = visible(this.#source.file);
    const count = countOf(this.additions);
    try {
      if (count === 0) this.#source.tidy();
      else this.#source.replace(this.#text);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Failure(`Cannot add to the profile, but everything is copied: ${reason}`, {
        hint: `What is to be added, by hand or by running this again:${indented(additionLines(this.additions))}`,
        cause,
      });
    }
    if (count === 0) return `${file} lists all of it already`;
    return `${count} ${count === 1 ? "entry" : "entries"} added to ${file}; in force at the next boot after render-nix and nixos-rebuild boot`;
  }
}

/** The named paths, each with what the persist root will hold. */
function candidatesOf({ entries, named }: CopyFacts, { skipped }: CopyPlan): Candidate[] {
  const byPath = new Map(entries.map((entry) => [latin1(entry.path), entry]));
  const idle = new Set(skipped.map(({ path }) => latin1(path)));
  return named.map((path) => {
    const entry = byPath.get(latin1(path));
    const isIdle = idle.has(latin1(path));
    return { path, type: (isIdle ? entry?.copy?.status : entry?.status)?.type };
  });
}

function appended(source: ProfileSource, additions: Additions): string {
  const result = appendToLists(source.text, additions);
  const fault =
    "fault" in result
      ? result.fault
      : Buffer.byteLength(result.text) > PROFILE_SIZE_MAX_BYTES
        ? "it would be larger than 1 MiB"
        : undefined;
  if (fault === undefined && "text" in result) return result.text;
  throw new Refusal(`Cannot add to the profile ${visible(source.file)}: ${visible(fault ?? "")}`, {
    hint: `Nothing was copied. What is to be added, by hand:${indented(additionLines(additions))}`,
  });
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `\n    ${line}`).join("");
}

function copied({
  directories,
  files,
}: Additions): Pick<Profile["persist"], "directories" | "files"> {
  return { directories: [...directories], files: [...files] };
}
