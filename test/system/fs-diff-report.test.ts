/** What fs-diff makes of a real root, and that its JSON is what the schema says. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { diffLine } from "../../tools/diff-schema.ts";
import { sh } from "../support/disk.ts";
import { Machine } from "../support/machine.ts";
import { describePrivileged } from "../support/privileged.ts";

const PERSIST = `[persist]\ndirectories = ["/srv/listed"]\nignore = ["/var/cache/**"]\n`;

describePrivileged("fs-diff", () => {
  let machine: Machine;

  beforeAll(() => {
    machine = new Machine(PERSIST);
    const service = Array.from({ length: 50 }, (_, index) => `/srv/service/${index}`);
    machine.write("root", ...service, "/srv/listed/a", "/var/cache/x", "/var/lib/y");
    machine.persist("/srv/listed");
    writeFileSync(Buffer.from(`${machine.in("root/var/lib")}/\xff`, "latin1"), "12345");
    sh(["mkfifo", machine.in("root/var/lib/pipe")]);
    sh(["btrfs", "--quiet", "subvolume", "create", machine.in("root/var/lib/nested")]);
  });
  afterAll(() => machine[Symbol.dispose]());

  const diff = (...words: string[]) => machine.run("fs-diff", ...words);
  const json = (...words: string[]) =>
    diff("--json", ...words)
      .stdout.trim()
      .split("\n")
      .map((line) => JSON.parse(line));

  test.each([
    [[]],
    [["--all"]],
    [["--dirs", "--status"]],
    [["--collapse"]],
    [["--sort", "mtime"]],
    [["--stat"]],
    [["--tree"]],
    [["--tree", "--depth", "1"]],
  ])("prints JSON of the schema with %p", (words) => {
    const lines = json(...words);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(diffLine.parse(line)).toEqual(line);
  });

  test("lets a service's directory stand for its files, and none that holds what is kept", () => {
    const { stdout } = diff("--collapse");
    expect(stdout.split("\n")).toContain("/srv/service/");
    expect(stdout).not.toMatch(/^\/srv\/$|^\/var\/$|service\/0|listed/m);
    const service = json("--collapse").find(({ path }) => path === "/srv/service/");
    expect(service).toMatchObject({ collapsed: true, count: 50 });
  });

  test("sums up the same paths as it lists", () => {
    const [stat] = json("--stat");
    const all = json("--all");
    expect(stat.fates.lost.count).toBe(all.filter(({ fate }) => fate === "lost").length);
    expect(stat.fates.kept.count).toBeGreaterThan(0);
    const [tree] = json("--tree");
    expect(tree.count).toBe(json().length);
    expect(tree.children[0]).toMatchObject({ path: "/srv", count: 50 });
  });

  test("says with --verbose how the differences are found", () => {
    expect(diff("--verbose").stderr).toContain(
      "comparing every path: the root is no snapshot of its base",
    );
  });

  test("lists since the last mark what is new since then, and only that", () => {
    const state = machine.scratch.path("mark");
    const none = diff("--since", "last", "--state", state);
    expect(none.stderr).toContain(`Cannot use the mark in ${state}: there is none yet`);
    expect(none.status).toBe(3);
    const first = diff("--since", "last", "--mark", "--state", state);
    expect(first.stderr).toContain("no mark yet");
    expect(first.stdout).toBe(diff().stdout);
    expect(diff("--since", "last", "--state", state)).toMatchObject({ status: 0, stdout: "" });
    machine.write("root", "/srv/service/new", "/var/cache/new");
    expect(diff("--since", "last", "--mark", "--state", state).stdout).toBe("/srv/service/new\n");
    expect(diff("--since", "last", "--state", state).stdout).toBe("");
    rmSync(machine.in("root/srv/service/new"));
  });

  test.each([[[]], [["--sort", "size"]], [["--tree"]], [["--stat"]], [["--collapse"]]])(
    "tells the size of a file beyond 2^53 to the byte with %p",
    (words) => {
      machine.write("root", "/huge/f");
      sh(["truncate", "-s", "9007199254740993", machine.in("root/huge/f")]);
      const { stdout } = diff("--json", ...words, "/huge");
      expect(stdout).toMatch(/"(?:size|bytes)":9007199254740993\b/);
      for (const line of stdout.trim().split("\n")) diffLine.parse(JSON.parse(line));
      rmSync(machine.in("root/huge"), { recursive: true });
    },
  );

  test("lists all that is in a directory that was renamed since the mark", () => {
    const state = machine.scratch.path("moves");
    machine.write("root", "/srv/tree/e/f", "/srv/other/g");
    diff("--mark", "--state", state);
    renameSync(machine.in("root/srv/tree"), machine.in("root/srv/other/tree"));
    const { stdout } = diff("--since", "last", "--state", state);
    expect(stdout).toBe("/srv/other/tree/e/f\n");
    rmSync(machine.in("root/srv/other"), { recursive: true });
  });

  test("lists everything where another root stands in the place of the marked one", () => {
    const state = machine.scratch.path("roots");
    const [root, other] = [machine.in("root"), machine.in("other")];
    sh(["btrfs", "--quiet", "subvolume", "snapshot", root, other]);
    diff("--mark", "--state", state);
    const all = diff().stdout;
    const exchange = () =>
      sh(["sh", "-ec", 'mv "$1" "$1-2"; mv "$2" "$1"; mv "$1-2" "$2"', "sh", root, other]);
    exchange();
    const since = diff("--since", "last", "--state", state);
    expect(since.stderr).toContain("another one than at the mark of");
    expect(since.stdout).toBe(all);
    exchange();
    expect(diff("--since", "last", "--state", state).stdout).toBe("");
    sh(["btrfs", "--quiet", "subvolume", "delete", other]);
  });

  test("names the directory of --state that is missing, and makes none", () => {
    const directory = machine.scratch.path("mistyped");
    const ran = diff("--mark", "--state", `${directory}/mark`);
    expect(ran.stderr).toContain(`${directory} is missing, expected a directory`);
    expect(ran.status).toBe(3);
    expect(existsSync(directory)).toBe(false);
  });

  test("keeps the mark below the persist root, where it outlives the root", () => {
    diff("--mark");
    expect(readdirSync(machine.in("persist/var/lib/blankroot"))).toEqual(["fs-diff.mark"]);
    expect(diff("--since", "last").stdout).toBe("");
    writeFileSync(machine.in("persist/var/lib/blankroot/fs-diff.mark"), "{}\n");
    const ran = diff("--since", "last");
    expect(ran.stderr).toContain(
      "/persist/var/lib/blankroot/fs-diff.mark: its version is undefined",
    );
    expect(ran.status).toBe(3);
  });

  test("refuses a mark of another file system", () => {
    const state = machine.scratch.path("other");
    diff("--mark", "--state", state);
    writeFileSync(
      state,
      readFileSync(state, "utf8").replace(/"filesystem":"../, '"filesystem":"00'),
    );
    expect(diff("--since", "last", "--state", state).stderr).toContain("of another file system");
  });

  test("compares with any subvolume by its path from the top, and with a transaction", () => {
    const before = machine.in("before");
    sh(["btrfs", "--quiet", "subvolume", "snapshot", "-r", machine.in("root"), before]);
    const shown = sh(["btrfs", "subvolume", "show", before]);
    const generation = /Gen at creation:\s+(\d+)/.exec(shown)![1]!;
    machine.write("root", "/srv/later");
    expect(diff("--base", "before").stdout).toBe("/srv/later\n");
    expect(diff("--base", generation, "--status").stdout).toBe("A\t/srv/later\n");
    expect(diff("--since", generation).stdout).toBe("/srv/later\n");
    const ran = diff("--base", "nowhere");
    expect(ran.stderr).toContain("Cannot use nowhere as --base");
    expect(ran.status).toBe(2);
  });
});
