/**
 * blankroot itself in the configuration, so that it survives what it does: a package
 * of the executable beside the module, and the profile where every script finds it.
 */
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

/** @param profileFile beside the module */
export function binaryAttributes(profileFile: string): Attribute[] {
  return [
    attribute("environment.systemPackages", [new Expression("blankroot")]),
    {
      path: ["environment", "etc", "blankroot/config.toml"],
      value: set({ source: new Expression(`./${profileFile}`) }),
    },
  ];
}
