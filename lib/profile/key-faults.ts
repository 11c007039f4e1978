/**
 * Names that people give (of subvolumes and users) and names that nobody may give.
 *
 * Looked at beside the schema and not in it: where zod finds a bad name it looks at
 * nothing below, and a fault there would only come to light on the next run.
 */
import { DEPTH_MAX, type KeyPath, type ProfileFault } from "./fault.ts";
import { subvolumeNameFault, userNameFault } from "./names.ts";

/** @param value what a TOML parser made of a profile, unchecked */
export function keyFaults(value: unknown): ProfileFault[] {
  return [
    ...reservedKeys(value, []),
    ...nameFaults(value, ["btrfs", "subvolumes"], subvolumeNameFault),
    ...nameFaults(value, ["users"], userNameFault),
  ];
}

/** `__proto__` is no key of ours anywhere, and zod would pass over it in silence. */
function reservedKeys(value: unknown, path: KeyPath): ProfileFault[] {
  if (typeof value !== "object" || value === null || path.length > DEPTH_MAX) return [];
  return Object.keys(value).flatMap((key) => {
    const inner = [...path, Array.isArray(value) ? Number(key) : key];
    if (key === "__proto__") {
      return [{ path: inner, message: "cannot be a name here, expected another", atKey: true }];
    }
    return reservedKeys((value as Record<string, unknown>)[key], inner);
  });
}

function nameFaults(
  value: unknown,
  path: readonly string[],
  check: (name: string) => string | undefined,
): ProfileFault[] {
  let table = value;
  for (const key of path) table = (table as Record<string, unknown> | undefined)?.[key];
  if (typeof table !== "object" || table === null || Array.isArray(table)) return [];
  return Object.keys(table).flatMap((name) => {
    const reason = name === "__proto__" ? undefined : check(name);
    if (reason === undefined) return [];
    return [{ path: [...path, name], message: `not a good name: ${reason}`, atKey: true }];
  });
}
