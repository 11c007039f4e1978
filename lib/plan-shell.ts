/**
 * A plan as an sh script that a person can read, keep and run.
 *
 * It begins with the plan's own checks and exits 3 before the first step where
 * one doesn't hold, so it can't be run on another disk after names have changed.
 * The top of a file system is mounted in a mount namespace of the script's own:
 * a killed script leaves no mount behind.
 */
import { dirname } from "node:path/posix";
import type { AwaitPartitionsStep, Check, Plan, Step, Word } from "./plan.ts";
import { programsOf, usesTop } from "./plan.ts";
import { shellQuote, visible } from "./text.ts";

/** sysfs counts sizes and starts in 512 bytes whatever the disk's sector is. */
const SYSFS_UNIT_BYTES = 512;
const POLLS_PER_SECOND = 10;

export function toShell(plan: Plan): string {
  const before = plan.checks.filter((check) => !usesTop(check));
  const within = plan.checks.filter(usesTop);
  const work = [
    ...within.map(renderExpect),
    "",
    "began=yes",
    ...plan.steps.flatMap((step) => ["", ...comment(step.why), ...renderStep(step)]),
  ];
  const text = [
    ...header(plan),
    ...functions(plan),
    ...requirements(plan),
    ...before.map(renderExpect),
    ...(plan.topOf === undefined ? work : inNamespace([...functions(plan), ...work], plan.topOf)),
  ];
  return `${text.join("\n")}\n`;
}

function header(plan: Plan): string[] {
  return [
    "#!/bin/sh",
    ...comment(`blankroot ${plan.script}: ${plan.summary}`),
    ...comment(`made from the profile ${visible(plan.profileFile)}`),
    ...plan.notes.flatMap((note) => comment(`NOTE: ${note}`)),
    "set -eu",
    "umask 022",
    "export LC_ALL=C",
  ];
}

function functions(plan: Plan): string[] {
  const lines = [
    "",
    "# Exit status: 3 refused, nothing touched; 4 failed, something may have changed.",
    "began=no",
    `trap 'status=$?; if [ "$status" -ne 0 ] && [ "$began" = yes ]; then echo "failed: the steps above were done, those after were not" >&2; exit 4; fi' EXIT`,
    "refuse() { # why",
    `  [ "$began" = no ] || { printf '%s\\n' "$1" >&2; exit 4; }`,
    `  printf 'refused, nothing was touched: %s\\n' "$1" >&2`,
    "  exit 3",
    "}",
    "expect() { # what, expected output, command…",
    "  what=$1 want=$2",
    "  shift 2",
    `  have=$("$@") || refuse "$what: $1 failed"`,
    `  [ "$have" = "$want" ] || refuse "$what: it is \\"$have\\", the plan was made for \\"$want\\""`,
    "}",
  ];
  if (checksOf(plan).some(({ accept }) => accept !== undefined)) lines.push(...EXPECT_STATUS);
  if (plan.steps.some((step) => step.kind === "await-partitions")) lines.push(...AWAIT_PARTITION);
  return lines;
}

function checksOf(plan: Plan): Check[] {
  return [...plan.checks, ...plan.steps.flatMap((s) => (s.kind === "check" ? [s.check] : []))];
}

const EXPECT_STATUS = [
  "expect_status() { # accepted statuses, what, expected output, command…",
  "  accepted=$1 what=$2 want=$3 got=0",
  "  shift 3",
  `  have=$("$@") || got=$?`,
  `  case " $accepted " in *" $got "*) ;; *) refuse "$what: $1 failed" ;; esac`,
  `  [ "$have" = "$want" ] || refuse "$what: it is \\"$have\\", the plan was made for \\"$want\\""`,
  "}",
];

function requirements(plan: Plan): string[] {
  const namespace = plan.topOf === undefined ? [] : ["mktemp", "mount", "unshare"];
  const saves = plan.steps.some((step) => step.kind === "command" && step.saveTo !== undefined);
  const keeping = saves ? ["rm", "sync"] : [];
  const programs = [...new Set([...programsOf(plan), ...namespace, ...keeping])].join(" ");
  return [
    "",
    `for program in ${programs}; do`,
    `  command -v "$program" >/dev/null || refuse "$program is not installed"`,
    "done",
    `[ "$(id -u)" = 0 ] || refuse "this needs root"`,
    "",
    "# What this was made for. Every line is looked at again here.",
  ];
}

const AWAIT_PARTITION = [
  "await_partition() { # kernel name of the disk, number, start and size in 512 bytes, polls",
  "  polls=$5",
  `  while [ "$polls" -gt 0 ]; do`,
  `    for dir in /sys/class/block/"$1"/*/; do`,
  `      [ -e "$dir/partition" ] || continue`,
  `      [ "$(cat "$dir/partition") $(cat "$dir/start") $(cat "$dir/size")" = "$2 $3 $4" ] || continue`,
  `      while IFS== read -r key value; do [ "$key" != DEVNAME ] || node=/dev/$value; done <"$dir/uevent"`,
  `      [ ! -b "$node" ] || return 0`,
  "    done",
  "    polls=$((polls - 1))",
  "    sleep 0.1",
  "  done",
  `  echo "partition $2 of $1 did not appear as it was written" >&2`,
  "  exit 4",
  "}",
];

function renderStep(step: Step): string[] {
  if (step.kind === "check") return [renderExpect(step.check)];
  if (step.kind === "await-partitions") return renderAwait(step);
  if (step.kind === "delete-subvolume") {
    return [`btrfs subvolume delete --subvolid ${step.id} "$top"`];
  }
  const command = step.argv.map(renderWord).join(" ");
  if (step.stdin !== undefined) return hereDocument(command, step.stdin.replace(/\n$/, ""), "END");
  if (step.saveTo === undefined) return [command];
  return keepOutput(command, step.saveTo);
}

/** The file is whole and on the disk, its name too, or it isn't there. */
function keepOutput(command: string, saveTo: string): string[] {
  const file = shellQuote(saveTo);
  return [
    `(umask 077; set -C; : >${file})`,
    `${command} >>${file} || { rm ${file}; exit 4; }`,
    `sync ${file} ${shellQuote(dirname(saveTo))}`,
  ];
}

function renderAwait(step: AwaitPartitionsStep): string[] {
  const polls = Math.ceil((step.timeoutMs / 1000) * POLLS_PER_SECOND);
  return step.partitions.flatMap(({ number, startBytes, sizeBytes }) => [
    `await_partition ${shellQuote(step.kernelName)} ${number} ${startBytes / SYSFS_UNIT_BYTES} ${sizeBytes / SYSFS_UNIT_BYTES} ${polls}`,
    `part${number}=$node`,
  ]);
}

function renderExpect(check: Check): string {
  const argv = check.argv.map(renderWord).join(" ");
  const expect =
    check.accept === undefined ? "expect" : `expect_status ${shellQuote(check.accept.join(" "))}`;
  return `${expect} ${shellQuote(check.what)} ${shellQuote(check.expected)} \\\n  ${argv}`;
}

function renderWord(word: Word): string {
  if (typeof word === "string") return shellQuote(word);
  if ("partition" in word) return `"$part${word.partition}"`;
  return word.top === "" ? `"$top"` : `"$top"/${shellQuote(word.top)}`;
}

/** Comments can't end early: a newline in a name is written as \\n by visible(). */
function comment(text: string): string[] {
  return text.split("\n").map((line) => `# ${visible(line)}`);
}

function inNamespace(body: readonly string[], device: string): string[] {
  const mount = `mount -t btrfs -o subvolid=5,nosuid,nodev,noexec ${shellQuote(device)} "$top"`;
  const namespaced = "unshare --mount --propagation private sh -eu /proc/self/fd/3";
  const refusal = `{ echo "refused, nothing was touched: can't mount it" >&2; exit 3; }`;
  const text = [`${mount} || ${refusal}`, ...body].join("\n");
  return [
    "",
    "top=$(mktemp -d)",
    `trap 'rmdir "$top"' EXIT`,
    "export top",
    "# All mounts of this script are its own and end with it.",
    ...hereDocument(namespaced, text, "SCRIPT", "3"),
  ];
}

/** The closing word must be no line of the text: names from a disk could end it early. */
function hereDocument(command: string, text: string, word: string, fd = ""): string[] {
  const lines = new Set(text.split("\n"));
  let closing = word;
  while (lines.has(closing)) closing += "_";
  return [`${command} ${fd}<<'${closing}'`, text, closing];
}
