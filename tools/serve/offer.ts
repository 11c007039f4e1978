/** What is offered: the files of dist/ that are what SHA256SUMS says, each read once. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "../../lib/fault.ts";
import { visible } from "../../lib/text.ts";

export interface Offered {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export const SUMS = "SHA256SUMS";
/** sha256sum(1): the sum, a space, a space for text or an asterisk for binary, the name. */
const LINE = /^([0-9a-f]{64}) [ *](blankroot-[a-z0-9_]+-linux(?:-in-place)?)$/;
const HINT = "npm run build";

/** @throws Refusal for what is missing, damaged or half built */
export function readOffered(folder: string): Offered[] {
  const list = read(folder, SUMS).toString("latin1");
  const offered = list
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [, sha256, name] = LINE.exec(line) ?? [];
      if (sha256 === undefined || name === undefined) {
        const where = visible(join(folder, SUMS));
        throw new Refusal(`Cannot serve ${where}: no such line is ours: ${visible(line)}`, {
          hint: HINT,
        });
      }
      return { name, sha256, bytes: verified(folder, name, sha256) };
    });
  if (offered.length > 0) return offered;
  throw new Refusal(`Cannot serve ${visible(join(folder, SUMS))}: it is empty`, { hint: HINT });
}

function verified(folder: string, name: string, sha256: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(read(folder, name));
  const actual = createHash("sha256").update(bytes).digest("hex");
  if (actual === sha256) return bytes;
  const where = visible(join(folder, name));
  throw new Refusal(`Cannot serve ${where}: its checksum is not that of ${SUMS}`, { hint: HINT });
}

function read(folder: string, name: string): Buffer {
  try {
    return readFileSync(join(folder, name));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Refusal(`Cannot serve ${visible(join(folder, name))}: ${code}`, {
      hint: HINT,
      cause,
    });
  }
}
