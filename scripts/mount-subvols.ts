/**
 * mount-subvols: the host's tree at a target, for the installation and for
 * repairs from the installer.
 */
import { normalize } from "node:path/posix";
import { defineScript, planArgs, profileArgs, runAlone, say } from "../lib/cli.ts";
import { UsageFault } from "../lib/fault.ts";
import { probeMountFacts } from "../lib/host/probe/mount-facts.ts";
import { showOrApply } from "../lib/host/show-or-apply.ts";
import { planMount, planUnmount } from "../lib/plans/mount.ts";
import { visible } from "../lib/text.ts";

const script = defineScript({
  name: "mount-subvols",
  summary: "Mount the subvolumes and the ESP at the target, or unmount them",
  description: [
    "Mounts the root subvolume at host.target (or --target), the others and the ESP below it, with the profile's options. What is mounted there already stays; what is mounted elsewhere or otherwise is refused. --unmount takes the tree down, deepest first.",
  ],
  profile: "found",
  args: {
    ...profileArgs,
    ...planArgs,
    target: { type: "string", valueHint: "DIR", description: "Where to mount (host.target)" },
    unmount: { type: "boolean", alias: "u", description: "Take the tree down, deepest first" },
    "without-esp": { type: "boolean", description: "Leave the ESP and /boot alone" },
  },
  async run({ args, profile: load }) {
    const { profile, file } = await load();
    const target = checkedTarget(args.target ?? profile.host.target);
    const takeDown = args.unmount === true;
    const withEsp = !takeDown && args["without-esp"] !== true;
    const facts = await probeMountFacts(profile, target, withEsp);
    const plan = (takeDown ? planUnmount : planMount)(profile, file, facts);
    const applied = await showOrApply(plan, {
      dryRun: args["dry-run"] === true,
      json: args.json === true,
      interrupted: takeDown
        ? "The tree is unmounted in part: run mount-subvols --unmount again to finish"
        : "The tree is mounted in part: run mount-subvols again to finish, or with --unmount",
      announce: say.info,
    });
    if (applied) say.success(plan.steps.length === 0 ? plan.summary : `done: ${plan.summary}`);
    return 0;
  },
});

function checkedTarget(target: string): string {
  if (target.startsWith("/") && normalize(target) === target && target !== "/") {
    return target.replace(/\/$/, "");
  }
  throw new UsageFault(
    `Cannot mount at ${visible(target)}: expected an absolute path without "." and "..", and not / itself`,
  );
}

export default script;
await runAlone(script, import.meta.main);
