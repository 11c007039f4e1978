/**
 * The kinds of values a profile has, as zod schemas.
 *
 * What is right is decided by the plain checks beside this file; these only carry
 * their words to zod, with a pattern for editors where a check has one.
 */
import { z } from "zod";
import { ignorePatternFault } from "./ignore.ts";
import { fileSystemOptionFault, mountOptionFault } from "./mount-options.ts";
import {
  hostNameFault,
  labelFault,
  mapperNameFault,
  sshKeyFault,
  subvolumeNameFault,
  userNameFault,
} from "./names.ts";
import { mountPointFault, ownedPlaceFault, pathBelowRootFault } from "./paths.ts";
import { parseSize, SIZE_PATTERN } from "./size.ts";

const MIB = 1024 ** 2;
/** Partitions begin and end on whole MiB, which every disk's sectors divide. */
const PARTITION_FAULT = "expected whole MiB, as partitions are aligned to them";

export const devicePath = text(deviceFault).meta({ pattern: "^/" });
export const belowRoot = text(pathBelowRootFault).meta({ pattern: "^/." });
export const mountPoint = text(mountPointFault).meta({ pattern: "^/." });
export const persistPath = text((path) => pathBelowRootFault(path) ?? ownedPlaceFault(path)).meta({
  pattern: "^/.",
});
export const subvolumeName = text(subvolumeNameFault).meta({ pattern: '^[^/,"\\\\]+$' });
export const hostName = text(hostNameFault);
export const userName = text(userNameFault);
export const groupName = text(userNameFault);
export const label = text(labelFault);
export const mapperName = text(mapperNameFault);
export const sshKey = text(sshKeyFault);
export const fileSystemOption = text(fileSystemOptionFault);
export const mountOption = text(mountOptionFault).meta({ examples: ["nosuid", "nodev", "noexec"] });
export const ignorePattern = text(ignorePatternFault).meta({ pattern: "^/." });

export const stateVersion = text((value) =>
  /^[0-9]{2}\.(?:05|11)$/.test(value) ? undefined : "expected a release of NixOS such as 26.05",
);
export const timeZone = text((value) =>
  /^[A-Za-z0-9_+-]+(?:\/[A-Za-z0-9_+-]+)*$/.test(value)
    ? undefined
    : "expected a name of the tz database such as Europe/Paris",
);
export const locale = text((value) =>
  /^[A-Za-z][A-Za-z0-9_.@-]*$/.test(value) ? undefined : "expected a locale such as en_US.UTF-8",
);
export const keymap = text((value) =>
  /^[A-Za-z0-9][A-Za-z0-9_.+/-]*$/.test(value) && !value.includes("..")
    ? undefined
    : "expected a console keymap such as fr",
);
export const fileMode = text((value) =>
  /^[0-7]{3,4}$/.test(value) ? undefined : 'expected three or four octal digits such as "0700"',
);

/** Names that stand as keys: their faults are found by key-faults.ts, editors see a pattern. */
export const subvolumeKey = z.string().meta({ pattern: '^[^/,"\\\\]+$' });
export const userKey = z.string().meta({ pattern: "^[a-z_][a-z0-9_-]*$" });

/** A size that becomes a partition. */
export const partitionSize = size((bytes) => (bytes % MIB === 0 ? undefined : PARTITION_FAULT));

/** A count from 0 up to `maximum`. */
export function count(maximum: number) {
  return z.int().min(0).max(maximum);
}

/** Text that a check finds nothing wrong with; the check's words become the fault. */
function text(check: (value: string) => string | undefined) {
  return z.string().superRefine((value, context) => {
    const message = check(value);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
}

function size(check: (bytes: number) => string | undefined) {
  return z
    .string()
    .meta({ pattern: SIZE_PATTERN.source, examples: ["512MiB", "8GiB"] })
    .transform((value, context) => {
      const parsed = parseSize(value);
      const message = "fault" in parsed ? parsed.fault : check(parsed.sizeBytes);
      if (message !== undefined) context.addIssue({ code: "custom", message });
      return "fault" in parsed ? z.NEVER : parsed.sizeBytes;
    });
}

function deviceFault(path: string): string | undefined {
  if (!path.startsWith("/")) return "expected an absolute path such as /dev/vda";
  return pathBelowRootFault(path);
}
