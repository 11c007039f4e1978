/** What an examination finds: a line each, and what to do about it. */

/** In the order in which they are told. */
export const FINDING_NAMES = [
  "root",
  "blank",
  "wiped",
  "initrd",
  "booted-initrd",
  "kernel-parameter",
  "mounts",
  "needed-for-boot",
  "old-roots",
  "persist-root",
  "copies",
  "owners",
  "parents",
  "machine-id",
  "id-maps",
  "password",
  "host-keys",
  "ssh",
  "login",
] as const;

export type FindingName = (typeof FINDING_NAMES)[number];

/** "unknown": what can't be told is not taken for right. */
export const STATES = ["ok", "failed", "unknown"] as const;

export interface Finding {
  readonly name: FindingName;
  readonly state: (typeof STATES)[number];
  /** What is, without a full stop; names from the machine are not escaped yet. */
  readonly text: string;
  /** What to do; undefined where nothing is. */
  readonly advice: string | undefined;
}

export function ok(name: FindingName, text: string): Finding {
  return { name, state: "ok", text, advice: undefined };
}

export function failed(name: FindingName, text: string, advice: string): Finding {
  return { name, state: "failed", text, advice };
}

export function unknown(name: FindingName, text: string, advice: string): Finding {
  return { name, state: "unknown", text, advice };
}

/** A list as a sentence takes it: the first few, and how many more. */
export function some(items: readonly string[], shown = 3): string {
  const more = items.length - shown;
  const text = items.slice(0, shown).join(", ");
  return more > 0 ? `${text} and ${more} more` : text;
}

export function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
