/**
 * render-nix: the profile as a module of NixOS, with the texts that it runs.
 *
 * It writes nothing of its own accord: without --out it prints. What it writes is the
 * user's from then on, so a file that differs stays unless --force says otherwise.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { defineScript, profileArgs, runAlone, say } from "../lib/cli.ts";
import { Refusal, UsageFault } from "../lib/fault.ts";
import { ConfigDirectory, type NewFile, type Outcome } from "../lib/host/config-dir.ts";
import { stdout } from "../lib/host/output.ts";
import { diskFactsIfReadable } from "../lib/host/probe/disk-facts.ts";
import { calledFile } from "../lib/host/script-links.ts";
import { isDownloadOfSelf } from "../lib/host/unpack.ts";
import { BINARY_FILE } from "../lib/nix/binary.ts";
import { NO_DISK } from "../lib/nix/disk-names.ts";
import type { ConfigFile } from "../lib/nix/files.ts";
import { type RenderOptions, remarksOf, renderConfiguration } from "../lib/nix/render.ts";
import { isWithin } from "../lib/profile/paths.ts";
import type { Profile } from "../lib/profile.ts";
import { asUtf8, plural, visible } from "../lib/text.ts";
import { COMMIT } from "../lib/version.ts";

/** Under this name the profile goes along with the executable. */
const PROFILE_FILE = "config.toml";

const script = defineScript({
  name: "render-nix",
  summary: "Write the NixOS configuration that the profile describes",
  description: [
    "Prints blankroot.nix, a module with everything that the profile says: file systems, swap, LUKS, boot loader, the rollback in stage 1, kept state, users and SSH server. It reads rollback.sh and other texts beside it: --out writes all of them, FILE prints one of them instead.",
    "It goes beside a hardware-configuration.nix made by nixos-generate-config --no-filesystems, and beside the module of impermanence or preservation; --full makes configuration.nix and flake.nix for a new machine, which import all of it. What would go wrong without a word is an error when the configuration is evaluated.",
    "File systems are named by the UUIDs on the profile's disk where that is here, else by label, with a comment. DIR is made where it isn't there. A file in it that differs is refused, or with --force kept beside the new one as NAME.old; symbolic links are not followed.",
  ],
  profile: "found",
  operands: { name: "FILE", description: "Print this file of the configuration" },
  args: {
    ...profileArgs,
    out: { type: "string", valueHint: "DIR", description: "Write the files to this directory" },
    force: { type: "boolean", description: "Replace files that differ, and keep them as NAME.old" },
    "dry-run": {
      type: "boolean",
      alias: "n",
      description: "Print what --out would do, do nothing",
    },
    json: { type: "boolean", description: "Print all files as JSON: an object of texts by name" },
    full: {
      type: "boolean",
      description: "Also configuration.nix and flake.nix, for a new machine",
    },
    channels: { type: "boolean", description: "With --full: without a flake" },
    labels: { type: "boolean", description: "Name file systems by label, whatever disks are here" },
    "with-binary": {
      type: "boolean",
      description: "Also this executable and the profile, installed on the machine",
    },
  },
  async run({ args, operands, profile: load }) {
    refuseContradictions(args, operands.length);
    const { profile, file } = await load();
    const withBinary = args["with-binary"] === true;
    if (withBinary) refuseSources();
    const options: RenderOptions = {
      full: args.full !== true ? undefined : args.channels === true ? "channels" : "flake",
      binaryWith: withBinary
        ? { file: PROFILE_FILE, source: pathOnMachine(profile, resolve(args.out!, PROFILE_FILE)) }
        : undefined,
    };
    const unreadable = (why: string) => say.warn(`${why}; labels are used`);
    const facts = args.labels === true ? NO_DISK : await diskFactsIfReadable(profile, unreadable);
    const files = renderConfiguration(profile, facts, options);
    for (const remark of args.labels === true ? [] : remarksOf(profile, facts)) say.info(remark);
    if (args.json === true) printJson(files);
    else if (args.out === undefined) print(files, operands[0]);
    else {
      const beside = withBinary ? await binaryFiles(file, args.out) : [];
      write(args.out, [...files.map(asNewFile), ...beside], {
        force: args.force === true,
        dryRun: args["dry-run"] === true,
      });
    }
    return 0;
  },
});

interface Flags {
  readonly out?: string | undefined;
  readonly force?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly full?: boolean | undefined;
  readonly channels?: boolean | undefined;
  readonly "dry-run"?: boolean | undefined;
  readonly "with-binary"?: boolean | undefined;
}

function refuseContradictions(args: Flags, operands: number): void {
  const out = args.out !== undefined;
  const reasons = [
    operands > 1 && `${operands} operands, expected one FILE`,
    operands > 0 &&
      (out || args.json === true) &&
      "FILE is printed, expected no --out and no --json",
    out && args.json === true && "--json prints, expected no --out",
    !out && args.force === true && "--force without --out, expected --out=DIR",
    !out && args["dry-run"] === true && "--dry-run without --out, expected --out=DIR",
    !out && args["with-binary"] === true && "--with-binary without --out, expected --out=DIR",
    args.channels === true && args.full !== true && "--channels without --full",
  ];
  const reason = reasons.find((each) => each !== false);
  if (reason === undefined) return;
  throw new UsageFault(`Cannot run: ${reason}`, { hint: "render-nix --help shows what there is" });
}

function refuseSources(): void {
  if (COMMIT !== undefined) return;
  throw new Refusal("Cannot take the executable along: this runs from its sources", {
    hint: "npm run build makes the executable",
  });
}

/** On an installer, what is written below the target lies elsewhere for the machine itself. */
function pathOnMachine({ host: { target } }: Profile, path: string): string {
  return target !== "/" && isWithin(path, target) ? path.slice(target.length) : path;
}

function printJson(files: readonly ConfigFile[]): void {
  stdout.line(JSON.stringify(Object.fromEntries(files.map(({ name, text }) => [name, text]))));
}

function print(files: readonly ConfigFile[], operand: Uint8Array | undefined): void {
  const wanted = operand === undefined ? files[0]?.name : asUtf8(operand);
  const file = files.find(({ name }) => name === wanted);
  if (file === undefined) {
    const names = files.map(({ name }) => name).join(", ");
    throw new UsageFault(`Cannot print ${visible(operand ?? "")}: expected one of ${names}`);
  }
  stdout.write(file.text);
}

function asNewFile({ name, text }: ConfigFile): NewFile {
  return { name, content: text, mode: 0o644 };
}

/**
 * The executable as it was called, and the profile. On the machine it runs uncompressed,
 * out of the store: the download that it was made of stays, which is a third as large.
 */
async function binaryFiles(profileFile: string, out: string): Promise<NewFile[]> {
  const binary: NewFile = {
    name: BINARY_FILE,
    content: { copyOf: await calledFile() },
    isAsGood: isDownloadOfSelf,
    mode: 0o755,
  };
  if (profileFile === resolve(out, PROFILE_FILE)) return [binary];
  return [binary, { name: PROFILE_FILE, content: { copyOf: profileFile }, mode: 0o644 }];
}

function write(
  out: string,
  files: readonly NewFile[],
  { force, dryRun }: { readonly force: boolean; readonly dryRun: boolean },
): void {
  if (dryRun && !existsSync(out)) {
    for (const { name } of files) stdout.line(`write ${pathIn(out, name)}`);
    return;
  }
  using directory = new ConfigDirectory(out);
  const outcomes = files.map((file) => directory.look(file));
  if (!force) refuseDiffering(out, outcomes);
  const due = outcomes.filter(({ state }) => state !== "same");
  for (const outcome of due) {
    const path = pathIn(out, outcome.file.name);
    if (dryRun) {
      stdout.line(`${outcome.state === "new" ? "write" : "replace"} ${path}`);
      continue;
    }
    const kept = directory.write(outcome);
    if (kept !== undefined) say.info(`${path} was another one, which is ${visible(kept)} now`);
  }
  if (dryRun) return;
  const same = files.length - due.length;
  const rest = same === 0 ? "" : `, ${same} ${same === 1 ? "was" : "were"} there already`;
  say.success(`${plural(due.length, "file")} written to ${visible(out)}${rest}`);
}

/** For people. */
function pathIn(out: string, name: string): string {
  return visible(`${out.replace(/\/+$/, "")}/${name}`);
}

function refuseDiffering(out: string, outcomes: readonly Outcome[]): void {
  const differing = outcomes.filter(({ state }) => state === "differs");
  if (differing.length === 0) return;
  const names = differing.map(({ file }) => file.name).join(", ");
  throw new Refusal(
    `Cannot write to ${visible(out)}: ${names} of it ${differing.length === 1 ? "differs" : "differ"}, expected nothing there or the same`,
    { hint: "--force replaces them, and keeps the old ones as NAME.old" },
  );
}

export default script;
await runAlone(script, import.meta.main);
