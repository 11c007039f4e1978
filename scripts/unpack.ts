/** unpack: the executable in its uncompressed form, for a store or a disk image. */
import { defineScript, runAlone, say } from "../lib/cli.ts";
import { Refusal, UsageFault } from "../lib/fault.ts";
import { unpackTo } from "../lib/host/unpack.ts";
import { asUtf8, visible } from "../lib/text.ts";
import { COMMIT } from "../lib/version.ts";

const script = defineScript({
  name: "unpack",
  summary: "Write the executable uncompressed, for a store or a disk image",
  description: [
    "The executable that is downloaded is compressed: it unpacks itself once after each boot, to a directory below /run that is its caller's alone, and into memory for one start where there is no such place or where BLANKROOT_CACHE=off says so. Uncompressed, it starts from where it lies and takes no memory below /run.",
  ],
  profile: "none",
  args: {},
  operands: { name: "FILE", description: "A new file for it, mode 0755" },
  run({ operands }) {
    const [operand] = operands;
    if (operand === undefined || operands.length > 1) {
      throw new UsageFault(`Cannot unpack: ${operands.length} operands, expected one FILE`);
    }
    const file = asUtf8(operand);
    if (file === "")
      throw new UsageFault("Cannot unpack: FILE is empty, expected a new file's name");
    if (file === undefined) throw new UsageFault(`Cannot write ${visible(operand)}: not UTF-8`);
    if (COMMIT === undefined) {
      throw new Refusal("Cannot unpack: this runs from its sources", {
        hint: "npm run build makes the executable",
      });
    }
    unpackTo(file);
    say.success(`wrote ${visible(file)}`);
    return 0;
  },
});

export default script;
await runAlone(script, import.meta.main);
