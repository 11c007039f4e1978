/** install-links: a link for each script, so that `fs-diff` alone calls it. */
import { defineScript, runAlone, say } from "../lib/cli.ts";
import { UsageFault } from "../lib/fault.ts";
import { stdout } from "../lib/host/output.ts";
import { calledFile, makeLink, missingLinks } from "../lib/host/script-links.ts";
import { asUtf8, plural, shellQuote, visible } from "../lib/text.ts";

const script = defineScript({
  name: "install-links",
  summary: "Make links by which each script is called alone",
  description: [
    "Makes a symbolic link to this executable for each script, such as DIR/fs-diff. What is there already and leads here stays; where anything else has such a name, none is made.",
  ],
  profile: "none",
  args: {
    "dry-run": { type: "boolean", alias: "n", description: "Print what would be done, do nothing" },
  },
  operands: { name: "DIR", description: "The directory for them" },
  async run({ args, operands }) {
    const [operand] = operands;
    if (operand === undefined || operands.length > 1) {
      throw new UsageFault(`Cannot make links: ${operands.length} operands, expected one DIR`);
    }
    const directory = asUtf8(operand);
    if (directory === undefined) {
      throw new UsageFault(`Cannot link in ${visible(operand)}: not UTF-8`);
    }
    const { scripts } = await import("./index.ts");
    const names = Object.keys(scripts).filter((name) => !OWN.includes(name));
    const links = missingLinks(directory, await calledFile(), names);
    if (args["dry-run"] === true) {
      for (const { path, target } of links) {
        stdout.line(`ln -s -- ${shellQuote(target)} ${shellQuote(path)}`);
      }
      return 0;
    }
    for (const link of links) makeLink(link);
    say.success(`${plural(links.length, "link")} made in ${visible(directory)}`);
    return 0;
  },
});

/** About the executable itself, and called by its name. */
const OWN = ["unpack", "install-links"];

export default script;
await runAlone(script, import.meta.main);
