/**
 * rollback-preview: what exactly the next boot will do and take, before it does.
 *
 * It reads the whole comparison first and speaks then: the verdict in one
 * sentence comes before all else. --login must not keep anybody waiting, so what it
 * doesn't need is loaded behind it.
 */
import { defineScript, jsonArgs, profileArgs, runAlone } from "../lib/cli.ts";
import { Fault, UsageFault } from "../lib/fault.ts";
import { stdout } from "../lib/host/output.ts";
import { cannotTell } from "../lib/report/cannot-tell.ts";
import { namedRoots, type RootFlags, rootArgs } from "../lib/root-args.ts";

const script = defineScript({
  name: "rollback-preview",
  summary: "Show what the next boot will do and take",
  description: [
    "Says in one sentence what the next boot loses; then what it does, step by step, and how much is lost, kept, managed and ignored. Losses are told by whom they belong to (a service, a user, a project, a cache), the largest first, with the time of the last change (ctime): what was changed within the hour is marked, for somebody is probably working on it. Warns of what would surprise: no blank snapshot, or one that isn't blank; listed paths that have no copy and come up empty; a password file that isn't there; a disk nearly full; files of a time to come.",
    "--login prints one line, or nothing where nothing would be lost or there is no profile, and always ends with 0, after two seconds at the most. It names services and users, but no files, for everybody who logs in may read it; where it can't tell, it says so. The line is kept in /run/blankroot for as long as nothing is written. With rollback.login, render-nix puts it into the message that a login shows.",
    "--script prints the text that stage 1 runs, as render-nix writes it for the profile; whether the machine's initrd has it is for doctor to say. rollback-preview.schema.json describes what --json prints. fs-diff lists the files themselves and explains how each is judged.",
  ],
  profile: "found",
  findings: "something would be lost",
  args: {
    ...profileArgs,
    ...rootArgs,
    ...jsonArgs,
    login: { type: "boolean", description: "Print one line for a login message, if any" },
    script: {
      type: "boolean",
      description: "Print the script that stage 1 runs, and nothing else",
    },
  },
  async run({ args, profile: load }) {
    const modes = [args.script, args.json, args.login].filter((mode) => mode === true);
    if (modes.length > 1) {
      throw new UsageFault("Cannot run: expected one of --json, --login and --script");
    }
    if (args.login === true) return printLogin(args);
    const { profile } = await load();
    const { printPreview, printScript } = await import("../lib/host/preview.ts");
    return args.script === true ? printScript(profile) : printPreview(profile, args);
  },
});

/** Whatever happens, a login goes on: what goes wrong is the line. */
async function printLogin(flags: RootFlags): Promise<number> {
  try {
    const { loginLine } = await import("../lib/host/login.ts");
    const line = await loginLine({
      flag: flags.profile,
      env: process.env.BLANKROOT_PROFILE,
      named: namedRoots(flags),
      mayKeep: process.env.BLANKROOT_CACHE !== "off",
    });
    if (line !== undefined) stdout.line(line);
  } catch (error) {
    stdout.line(cannotTell(error instanceof Fault ? error.message : "a fault in blankroot itself"));
  }
  return 0;
}

export default script;
await runAlone(script, import.meta.main);
