/**
 * What rollback-preview and fs-diff predict, then the rollback for real, then every path
 * looked at: what is lost is gone, what is kept is there, and nothing else has changed.
 * A failing seed can be run alone by its number.
 */
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ROLLBACK_RESULT, ROLLBACK_TOP } from "../../lib/boot/rollback.ts";
import { sh } from "../support/disk.ts";
import { Machine } from "../support/machine.ts";
import { Operations } from "../support/operations.ts";
import {
  likeNothing,
  linesOf,
  mispredicted,
  predictions,
  type Tree,
  walkTree,
} from "../support/prediction.ts";
import { describePrivileged } from "../support/privileged.ts";
import { Random } from "../support/random.ts";

const SEEDS = [1, 2, 3, 4, 5, 6];
const OPERATIONS = 400;
const DIRECTORIES = ["/a", "/b/c", "/c", "/d/a"];
const FILES = ["/a0", "/a.b", "/b/a", "/d/b/c"];
const TABLES = `[persist]
directories = ${JSON.stringify(DIRECTORIES)}
files = ${JSON.stringify(FILES)}
ignore = ["/a-b", "/d/d/**", "/b/a?b"]
`;
const MOUNTS = { home: "/home", nix: "/nix", persist: "/persist", log: "/var/log" };
const SUBVOLUMES = Object.keys(MOUNTS);

describePrivileged("the prediction of a rollback", () => {
  test.each(SEEDS.flatMap((seed) => [[seed, "empty"] as const, [seed, "full"] as const]))(
    "holds for every path, seed %d, the blank snapshot %s",
    (seed, blank) => {
      using machine = new Machine(TABLES);
      if (blank === "full") fillBlank(machine, seed);
      live(machine, seed);
      const oldBefore = blank === "full" ? readdirSync(machine.in("old_roots")) : [];
      const top = (name: string) => walkTree(machine.in(name));
      const before = top("root");
      const others = treesOf(machine, [...SUBVOLUMES, "root-blank"]);

      const listed = machine.run("fs-diff", "--all", "--json");
      const all = predictions(listed.stdout);
      const preview = JSON.parse(machine.run("rollback-preview", "--json").stdout);
      boot(machine);

      const after = top("root");
      const seen = (path: string) => seenAt(path, after, others);
      expect(mispredicted(all, { before, blank: others["root-blank"]!, after, seen })).toEqual([]);
      expect(treesOf(machine, [...SUBVOLUMES, "root-blank"])).toEqual(others);
      expect(readdirSync(machine.top).sort()).toEqual(
        [...SUBVOLUMES, "root", "root-blank", "old_roots"].sort(),
      );
      const olds = readdirSync(machine.in("old_roots"));
      const [old, ...more] = olds.filter((name) => !oldBefore.includes(name));
      expect(linesOf(top(`old_roots/${old}`))).toEqual(linesOf(before));
      expect(more).toEqual([]);
      expectSums(preview, listed.stdout);
      expect(all.length).toBeGreaterThan(20);
    },
  );

  test("is of use: what it doesn't say would be seen", () => {
    using machine = new Machine(TABLES);
    machine.write("root", "/x", "/a/kept", "/a/lost");
    machine.persist("/a/kept");
    const before = walkTree(machine.in("root"));
    const all = predictions(machine.run("fs-diff", "--all", "--json").stdout);
    const others = treesOf(machine, [...SUBVOLUMES, "root-blank"]);
    machine.rollBack();
    const after = walkTree(machine.in("root"));
    const done = {
      before,
      blank: others["root-blank"]!,
      after,
      seen: (path: string) => seenAt(path, after, others),
    };
    expect(mispredicted(all, done)).toEqual([]);
    const swapped = all.map((one) => ({
      ...one,
      fate: one.fate === "lost" ? "kept" : "lost",
      reason: "listed and copied",
    }));
    expect(mispredicted(swapped, done).join("\n")).toContain("/a/kept");
    expect(mispredicted(swapped, done).join("\n")).toContain("/x");
    expect(mispredicted(all.slice(1), done)).toHaveLength(1);
    const stayed = { ...done, after: before };
    expect(mispredicted(all, stayed).length).toBeGreaterThanOrEqual(all.length - 1);
  });

  test("--script is what render-nix writes, and what a shell can read", () => {
    using machine = new Machine(TABLES);
    const shown = machine.run("rollback-preview", "--script");
    expect(shown.status).toBe(0);
    expect(shown.stdout).toBe(machine.run("render-nix", "rollback.sh").stdout);
    for (const shell of ["bash", "dash"]) sh([shell, "-n", "-c", shown.stdout]);
    const { stderr, status } = machine.run("rollback-preview", "--script", "--json");
    expect([status, stderr]).toEqual([2, expect.stringContaining("expected one of")]);
  });
});

/** Runs the very text that --script shows: a boot takes a blank snapshot as it is. */
function boot(machine: Machine): void {
  const { stdout } = machine.run("rollback-preview", "--script");
  const script = stdout
    .replace(`=${ROLLBACK_TOP}\n`, `=${machine.scratch.path("boot")}\n`)
    .replace(`=${ROLLBACK_RESULT}\n`, `=${machine.scratch.path("result")}\n`);
  sh(["bash", "-c", script]);
}

/** A blank snapshot with something in it, and a root that was made from it. */
function fillBlank(machine: Machine, seed: number): void {
  const [root, blank] = [machine.in("root"), machine.in("root-blank")];
  new Operations(root, 1000 + seed).run(OPERATIONS);
  sh(["btrfs", "--quiet", "subvolume", "delete", blank]);
  sh(["btrfs", "--quiet", "subvolume", "snapshot", "-r", root, blank]);
  boot(machine);
}

/** What happens to a root between two boots; and part of it was persisted, some of that long ago. */
function live(machine: Machine, seed: number): void {
  const random = new Random(seed);
  new Operations(machine.in("root"), seed).run(OPERATIONS);
  machine.write("root", "/home/hidden", "/var/lib/x/state", "/persist/hidden");
  if (!existsSync(machine.in("root/links"))) mkdirSync(machine.in("root/links"));
  symlinkSync("/nix/store/x", machine.in("root/links/managed"));
  symlinkSync("/persist/x", machine.in("root/links/kept"));
  for (const path of random.some([...DIRECTORIES, ...FILES])) copyWhatIsThere(machine, path);
  new Operations(machine.in("persist"), 2000 + seed).run(20);
  for (const name of ["home", "nix", "log"]) {
    writeFileSync(machine.in(name, "precious"), `of ${name}\n`);
  }
}

function copyWhatIsThere(machine: Machine, path: string): void {
  const isThere = Bun.spawnSync(["test", "-e", machine.in("root", path)]).exitCode === 0;
  if (!isThere) return;
  mkdirSync(dirname(machine.in("persist", path)), { recursive: true });
  // What is nested in it stays: a copy of a subvolume is a directory.
  Bun.spawnSync(["cp", "--archive", "-T", machine.in("root", path), machine.in("persist", path)]);
}

function treesOf(machine: Machine, names: readonly string[]): Record<string, Tree> {
  return Object.fromEntries(names.map((name) => [name, walkTree(machine.in(name))]));
}

/** What a running system would have at a path: its subvolumes, what is persisted, its root. */
function seenAt(path: string, root: Tree, others: Readonly<Record<string, Tree>>) {
  for (const [name, mount] of Object.entries(MOUNTS)) {
    if (isWithin(path, mount)) return others[name]!.get(path.slice(mount.length));
  }
  const persisted = others.persist!.get(path);
  const isListed = FILES.includes(path) || DIRECTORIES.some((dir) => isWithin(path, dir));
  if (isListed) return persisted;
  const isParent = [...DIRECTORIES, ...FILES, ...Object.values(MOUNTS), "/boot"].some((point) =>
    point.startsWith(`${path}/`),
  );
  const made = likeNothing("directory", "made");
  if (path === "/links/kept") return made;
  return root.get(path) ?? (isParent ? made : undefined);
}

function isWithin(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}/`);
}

interface Sums {
  readonly counts: Readonly<Record<string, { readonly files: number }>>;
  readonly groups: readonly { readonly files: number; readonly bytes: number }[];
  readonly set_aside: { readonly nested: readonly object[] };
  readonly steps: readonly { readonly kind: string }[];
}

/** The preview and the listing are of one mind. */
function expectSums({ counts, groups, set_aside: aside, steps }: Sums, listing: string): void {
  const entries: { type: string; fate: string; status: string }[] = listing
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  const isFile = ({ type }: { type: string }) =>
    !["directory", "subvolume", "socket"].includes(type);
  for (const [fate, { files }] of Object.entries(counts)) {
    const listed = entries.filter((entry) => entry.fate === fate && isFile(entry));
    expect([fate, files]).toEqual([fate, listed.length]);
  }
  expect(groups.reduce((sum, { files }) => sum + files, 0)).toBe(counts.lost!.files);
  const nested = entries.filter(({ type, status }) => type === "subvolume" && status !== "D");
  expect(aside.nested).toHaveLength(nested.length);
  expect(steps.map(({ kind }) => kind)).toContain("set-aside");
}
