/**
 * The whole suite: unit tests, then the tests on real disks, then one line with
 * the sum. What a killed run left behind is taken down before and after.
 *
 * With `--executable FILE`, the tests on real disks once more, on an executable in
 * the place of the sources. With `--boots`, the real boots instead of all that, `--lanes N`
 * guests at once; with `--long` too, all their seeds and repetitions. `--only executables`
 * are the tests that build some, `--only scripts` all others. Boots and executables are set
 * apart, so that each of these may run beside the rest.
 */
import { mkdirSync, readdirSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { FIRST_LOOP, Scratch, sweep } from "./support/disk.ts";
import { missingPrivilege } from "./support/privileged.ts";
import { importsOf, readSources } from "./support/sources.ts";
import { LAID_OUT } from "./support/vm/system.ts";

const TIMEOUT_MS = 180_000;
const BOOTS_TIMEOUT_MS = 600_000;
const FAILURE_LINES_MAX = 60;
/** Guests at once, unless told otherwise: each keeps one processor busy. */
const LANES_MAX = 4;
/** Boots that take longest begin first: else one lane ends long after the others. */
const LONGEST = [
  "stage1-systemd.test.ts",
  "hibernation.test.ts",
  "power.test.ts",
  "systemd.test.ts",
];
/** Each lane of boots has as many loop devices of its own. */
const LOOPS = 100;
/** Far from those of the boots. */
const LOOPS_OF_EXECUTABLES = 500;
const OWN_MOUNTS = ["unshare", "--mount", "--propagation", "private"];
/** Long ones with many seeds, strikes and races: of the scripts, whichever way they are started. */
const SOURCES_ALONE = new Set([
  "diff-random.test.ts",
  "diff-churn.test.ts",
  "old-roots-prune.test.ts",
  "persist-copy-in-use.test.ts",
  "persist-copy-lists-struck.test.ts",
  "persist-copy-power.test.ts",
  "persist-copy-race.test.ts",
  "persist-copy-struck.test.ts",
  "persist-copy-threads.test.ts",
  "rollback-prediction.test.ts",
]);

const sources = readSources();

process.exit(await main());

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      executable: { type: "string" },
      only: { type: "string" },
      boots: { type: "boolean", default: false },
      long: { type: "boolean", default: false },
      lanes: { type: "string", default: String(Math.min(availableParallelism(), LANES_MAX)) },
    },
  });
  const executable = values.executable === undefined ? undefined : resolve(values.executable);
  const privileged = missingPrivilege() === undefined;
  const part = partOf(values.only);
  if (values.boots) setApart("boots");
  else if (part === "executables") setApart("executables");
  const environment = {
    BLANKROOT_TEST_EXECUTABLE: executable,
    BLANKROOT_TEST_LONG: values.long ? "yes" : undefined,
    [FIRST_LOOP]: part === "executables" ? String(LOOPS_OF_EXECUTABLES) : undefined,
  };
  if (privileged) sweep();
  const total: Counts = { passed: 0, failed: 0, failures: [] };
  let crashed = false;
  const add = (counts: Counts | undefined) => {
    crashed ||= counts === undefined;
    total.passed += counts?.passed ?? 0;
    total.failed += counts?.failed ?? 1;
    total.failures.push(...(counts?.failures ?? []));
  };
  if (values.boots) await runBoots(Number(values.lanes), environment, add);
  else
    for (const folder of foldersOf(executable, part))
      add(await runFolder(folder, environment, part));
  if (privileged) sweep();
  for (const failure of total.failures) console.log(failure);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return crashed || total.failed > 0 || total.passed === 0 ? 1 : 0;
}

type Part = "scripts" | "executables" | "all";

function partOf(only: string | undefined): Part {
  if (only === undefined) return "all";
  if (only === "scripts" || only === "executables") return only;
  console.error(`Cannot run: --only ${only}, expected scripts or executables`);
  process.exit(2);
}

/** With files, loop devices and mounts of their own. */
function setApart(name: "boots" | "executables"): void {
  const folder = join(tmpdir(), `blankroot-${name}`);
  mkdirSync(folder, { recursive: true });
  process.env.TMPDIR = folder;
}

function foldersOf(executable: string | undefined, part: Part): string[] {
  return executable !== undefined || part === "executables" ? ["system"] : ["unit", "system"];
}

interface Counts {
  passed: number;
  failed: number;
  /** What was printed of each test that failed: the error, then its name. */
  failures: string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

async function runFolder(
  folder: string,
  environment: Environment,
  part: Part,
): Promise<Counts | undefined> {
  const isExecutable = environment.BLANKROOT_TEST_EXECUTABLE !== undefined;
  const files = testsIn(folder).filter(
    (name) => isIn(part, name) && (!isExecutable || takesAnExecutable(name)),
  );
  if (files.length === 0) return { passed: 0, failed: 0, failures: [] };
  return await runFiles(folder, files, environment, part === "executables");
}

function isIn(part: Part, name: string): boolean {
  return part === "all" || buildsExecutables(name) === (part === "executables");
}

function buildsExecutables(name: string): boolean {
  return name.startsWith("executable-");
}

/** A process for each file, and as many of them at once as there are lanes. */
async function runBoots(
  lanes: number,
  environment: Environment,
  add: (counts: Counts | undefined) => void,
): Promise<void> {
  using scratch = new Scratch();
  const shared = { ...environment, [LAID_OUT]: scratch.path("laid-out") };
  const waiting = [...LONGEST, ...testsIn("vm").filter((name) => !LONGEST.includes(name))];
  const lane = async (_: unknown, index: number) => {
    const own = { ...shared, [FIRST_LOOP]: String((index + 1) * LOOPS) };
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      add(await runFiles("vm", [file], own, true));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

function testsIn(folder: string): string[] {
  const names = readdirSync(join(import.meta.dir, folder));
  return names.filter((name) => name.endsWith(".test.ts"));
}

/** Undefined where the runner itself failed: no test may vanish without a word. */
async function runFiles(
  folder: string,
  files: readonly string[],
  environment: Environment,
  isApart: boolean,
): Promise<Counts | undefined> {
  const paths = files.map((name) => join(import.meta.dir, folder, name));
  const within = isApart && missingPrivilege() === undefined ? OWN_MOUNTS : [];
  const timeoutMs = folder === "vm" ? BOOTS_TIMEOUT_MS : TIMEOUT_MS;
  const argv = [...within, process.execPath, "test", "--timeout", String(timeoutMs), ...paths];
  const child = Bun.spawn(argv, {
    env: { ...process.env, ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  const text = `${stdout}${stderr}`;
  process.stderr.write(text);
  const passed = /^\s*(\d+) pass$/m.exec(text);
  const failed = /^\s*(\d+) fail$/m.exec(text);
  if (passed === null || failed === null) return undefined;
  const counts = {
    passed: Number(passed[1]),
    failed: Number(failed[1]),
    failures: failuresIn(text),
  };
  // A status without a failed test: an error outside of any test.
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

/** Whether there is something for an executable to replace: a test that calls the command line. */
function takesAnExecutable(name: string): boolean {
  if (buildsExecutables(name) || SOURCES_ALONE.has(name)) return false;
  return callsCommandLine(`test/system/${name}`);
}

/** By itself, or through what supports it. */
function callsCommandLine(file: string): boolean {
  return importsOf(file, sources.get(file) ?? "").some(({ to, names }) => {
    if (to === "test/support/blankroot.ts") return names.some((name) => name !== "MAIN");
    return to.startsWith("test/support/") && callsCommandLine(to);
  });
}

/** Bun prints a test's error first, and then the line with its name. */
function failuresIn(text: string): string[] {
  const failures: string[] = [];
  let before: string[] = [];
  for (const line of text.split("\n")) {
    if (/^\((pass|skip|todo)\)/.test(line)) before = [];
    else before.push(line);
    if (!/^\(fail\)/.test(line)) continue;
    failures.push(before.slice(-FAILURE_LINES_MAX).join("\n"));
    before = [];
  }
  return failures;
}
