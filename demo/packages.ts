/**
 * The programs that the demo needs, and the packages they come in: installed
 * with apt after a question, or named exactly where there is no apt.
 */
import { ask, canAsk } from "../lib/host/ask.ts";
import { missingPrograms } from "../lib/host/spawn.ts";

/** Program: package of Debian 12. Other systems call most of them alike. */
const PACKAGES: Record<string, string> = {
  btrfs: "btrfs-progs",
  "mkfs.btrfs": "btrfs-progs",
  "mkfs.fat": "dosfstools",
  sfdisk: "fdisk",
  losetup: "mount",
  mount: "mount",
  partx: "util-linux",
  unshare: "util-linux",
};

/** @returns why the demo can't run, or undefined when all is there */
export async function ensurePackages(install: boolean): Promise<string | undefined> {
  const programs = missingPrograms(Object.keys(PACKAGES));
  if (programs.length === 0) return undefined;
  const packages = [...new Set(programs.map((program) => PACKAGES[program]!))];
  console.log(`Missing programs: ${programs.join(", ")}`);
  if (missingPrograms(["apt-get"]).length > 0) {
    return `install what has ${programs.join(", ")} (on Debian: ${packages.join(", ")})`;
  }
  if (!install && canAsk()) {
    const answer = await ask(`Install ${packages.join(", ")} with apt? [y/N] `);
    if (!/^y(es)?$/i.test(answer ?? ""))
      return `install them: apt-get install ${packages.join(" ")}`;
  }
  return aptInstall(packages);
}

function aptInstall(packages: readonly string[]): string | undefined {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const commands = [
    ["apt-get", "update", "-qq"],
    ["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...packages],
  ];
  for (const argv of commands) {
    console.log(`$ ${argv.join(" ")}`);
    const { exitCode } = Bun.spawnSync(argv, { env, stdio: ["ignore", "ignore", "inherit"] });
    if (exitCode !== 0) return `${argv.join(" ")} ended with status ${exitCode}`;
  }
  return undefined;
}
