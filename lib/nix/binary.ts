/**
 * blankroot itself in the configuration, so that it survives what it does: a package
 * of the executable beside the module, and the profile where every script finds it.
 */

import { PROFILE_SOURCE, PROFILE_TEXT } from "../profile/places.ts";
import { VERSION } from "../version.ts";
import { Application, type Attribute, attribute, Expression, IndentedString, set } from "./text.ts";

export const BINARY_FILE = "blankroot";

/** What `let` binds. */
export function packageBinding(): Attribute {
  const build = new IndentedString([
    `mkdir -p $out/bin
`,
    new Expression(`./${BINARY_FILE}`),
    ` unpack $out/bin/blankroot
$out/bin/blankroot install-links $out/bin
`,
  ]);
  const name = `pkgs.runCommand "blankroot-${VERSION}" { BLANKROOT_CACHE = "off"; }`;
  return attribute(
    "blankroot",
    new Application(name, build),
    "Unpacked into the store once, or it would unpack itself below /run after every boot.",
  );
}

/** The profile that goes along. */
export interface BinaryProfile {
  /** Beside the module. */
  readonly file: string;
  /** Where that file lies on the machine, as far as is known where this is rendered. */
  readonly source: string;
}

export function binaryAttributes({ file, source }: BinaryProfile): Attribute[] {
  return [
    attribute("environment.systemPackages", [new Expression("blankroot")]),
    {
      path: ["environment", "etc", belowEtc(PROFILE_TEXT)],
      value: set({ source: new Expression(`./${file}`) }),
    },
    {
      path: ["environment", "etc", belowEtc(PROFILE_SOURCE)],
      value: set({ text: source }),
      comment: "The one above is a copy in the store: this file is what persist-copy --add edits.",
    },
  ];
}

function belowEtc(path: string): string {
  return path.replace(/^\/etc\//, "");
}
