/** bin/blankroot, run where a stranger has left files for Bun to find. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const LAUNCHER = join(import.meta.dir, "../../bin/blankroot");

let dir = "";
let trace = "";

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "blankroot launcher-"));
  trace = join(dir, "trace");
  writeFileSync(join(dir, "evil.ts"), `require("fs").writeFileSync(${JSON.stringify(trace)}, "x")`);
  writeFileSync(join(dir, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
  writeFileSync(join(dir, ".env"), "BLANKROOT_PROFILE=/of/a/stranger.toml\n");
  const paths = { zod: ["./evil.ts"], "*": ["./evil.ts"] };
  const tsconfig = { compilerOptions: { baseUrl: ".", paths } };
  writeFileSync(join(dir, "tsconfig.json"), JSON.stringify(tsconfig));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function launch(argv: string[], env: Record<string, string> = {}) {
  const child = Bun.spawnSync(argv, { cwd: dir, env: { ...process.env, ...env } });
  return {
    status: child.exitCode,
    stdout: child.stdout.toString(),
    stderr: child.stderr.toString(),
  };
}

test("blankroot runs nothing that lies in the current directory", () => {
  const ran = launch([LAUNCHER, "--version"]);
  expect(ran.stdout).toMatch(/^blankroot \d/);
  expect(existsSync(trace)).toBe(false);
});

test("the files would be found without it", () => {
  launch([process.execPath, join(import.meta.dir, "../../scripts/main.ts"), "--version"]);
  expect(existsSync(trace)).toBe(true);
  rmSync(trace);
});

test("blankroot takes no profile from an .env", () => {
  const ran = launch([LAUNCHER, "rollback", "--dry-run"], { BLANKROOT_PROFILE: "" });
  expect(ran.stderr).not.toContain("stranger");
  expect([2, 3]).toContain(ran.status);
});

test.each([
  ["BUN_OPTIONS", "--preload=./evil.ts"],
  ["NODE_OPTIONS", "--require=./evil.ts"],
  ["BUN_INSPECT_PRELOAD", "./evil.ts"],
])("blankroot is not moved by $%s", (name, value) => {
  expect(launch([LAUNCHER, "--version"], { [name]: value }).status).toBe(0);
  expect(existsSync(trace)).toBe(false);
});

test("blankroot fails where stdout is closed, and not where it is thrown away", () => {
  const line = '"$0" --version';
  const closed = launch(["sh", "-c", `${line} >&-`, LAUNCHER]);
  expect(closed.stderr).toBe("blankroot: Cannot write the output: stdout is closed\n");
  expect(closed.status).toBe(4);
  expect(launch(["sh", "-c", `${line} >/dev/null`, LAUNCHER]).status).toBe(0);
});

test("a link named after a script runs that script, from any place", () => {
  mkdirSync(join(dir, "a b"));
  symlinkSync(LAUNCHER, join(dir, "first"));
  symlinkSync("../first", join(dir, "a b/fs-diff"));
  const ran = launch([join(dir, "a b/fs-diff"), "--help"]);
  expect(ran.stdout).toContain("fs-diff");
  expect(ran.status).toBe(0);
});
