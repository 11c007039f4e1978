import { describe, expect, test } from "bun:test";
import type { ArgsDef } from "../../lib/cli/args.ts";
import { readCommandLine } from "../../lib/cli/command-line.ts";
import { UsageFault } from "../../lib/fault.ts";
import { blankroot, MAIN } from "../support/blankroot.ts";

const args: ArgsDef = {
  profile: { description: "", type: "string" },
  "dry-run": { description: "", type: "boolean", alias: "n" },
  sort: { description: "", type: "enum", options: ["size", "path"] },
};
const read = (...words: string[]) => readCommandLine("x", args, { name: "PATH" }, words);

describe("readCommandLine()", () => {
  test("takes flags, values and operands in any order", () => {
    const { flags, values, operands } = read(
      "a",
      "--profile=p",
      "-n",
      "--sort",
      "size",
      "--",
      "--b",
    );
    expect([...flags]).toEqual(["dry-run"]);
    expect(Object.fromEntries(values)).toEqual({ profile: "p", sort: "size" });
    expect(operands.map((operand) => Buffer.from(operand).toString())).toEqual(["a", "--b"]);
  });

  test.each<[string, { least?: number; most?: number }, string[], RegExp | undefined]>([
    ["too few operands", { least: 2 }, ["a"], /too few words, expected NAME PATH…$/],
    ["as many as there must be", { least: 2 }, ["a", "b"], undefined],
    ["too few, when help is asked for", { least: 2 }, ["--help"], undefined],
    ["too many operands", { most: 1 }, ["a", "b\x1b"], /unexpected word "b\\x1b"$/],
    ["as many as there may be", { most: 1 }, ["a"], undefined],
  ])("counts operands: %s", (_, count, words, message) => {
    const operands = { name: "NAME PATH", usage: "NAME PATH…", ...count };
    const help: ArgsDef = { help: { description: "", type: "boolean" } };
    const call = () => readCommandLine("x", help, operands, words);
    if (message === undefined) expect(call).not.toThrow();
    else expect(call).toThrow(message);
  });

  test("takes a lone dash as an operand", () => {
    expect(read("-").operands).toHaveLength(1);
  });

  test.each<[string, string[], RegExp]>([
    [
      "an unknown flag, naming the nearest",
      ["--dry-rum"],
      /unknown flag --dry-rum, did you mean --dry-run\?$/,
    ],
    ["an unknown short flag", ["-z"], /unknown flag -z/],
    ["a value for a boolean", ["--dry-run=nope"], /dry-run/],
    [
      "a flag without its value",
      ["--profile"],
      /--profile has no value, expected --profile=VALUE$/,
    ],
    ["a flag in the place of a value", ["--profile", "-n"], /--profile has no value/],
    ["an empty value", ["--profile="], /--profile is empty, expected a value$/],
    [
      "a flag given twice",
      ["--profile=a", "--profile=b"],
      /--profile is given twice, expected once$/,
    ],
    ["a boolean given twice", ["-n", "--dry-run"], /--dry-run is given twice/],
    [
      "a value that is none of the choices",
      ["--sort=age"],
      /--sort is "age", expected size or path$/,
    ],
    ["a flag with control characters, escaped", ["--\x1b[2J"], /^[^\x1b]*$/],
  ])("refuses %s", (_, words, message) => {
    expect(() => read(...words)).toThrow(UsageFault);
    expect(() => read(...words)).toThrow(message);
  });

  test("refuses words where none are taken", () => {
    expect(() => readCommandLine("x", args, undefined, ["word"])).toThrow('unexpected word "word"');
  });
});

describe("blankroot", () => {
  test.each<[string, string[], number, RegExp, RegExp]>([
    [
      "--version prints the version",
      ["--version"],
      0,
      /^blankroot \d+\.\d+\.\d+( \([0-9a-f]+\+?\))?\n$/,
      /^$/,
    ],
    ["--help lists the scripts", ["--help"], 0, /format-disk/, /^$/],
    ["without a word shows help and ends with 2", [], 2, /format-disk/, /^$/],
    ["an unknown script names the nearest", ["fs-dif"], 2, /^$/, /did you mean fs-diff\?/],
    ["a script's --help goes to stdout", ["fs-diff", "--help"], 0, /^fs-diff: /, /^$/],
    [
      "a wrong flag ends with 2 and says nothing on stdout",
      ["fs-diff", "--nope"],
      2,
      /^$/,
      /unknown flag --nope/,
    ],
    [
      "a profile that is not there ends with 2",
      ["make-subvols", "--profile=/nope"],
      2,
      /^$/,
      /\/nope/,
    ],
  ])("%s", (_, words, status, stdout, stderr) => {
    const ran = blankroot(words);
    expect(ran.stdout).toMatch(stdout);
    expect(ran.stderr).toMatch(stderr);
    expect(ran.status).toBe(status);
  });
});

test("the overview says that it can't be written, as a script does", () => {
  const child = Bun.spawnSync(["sh", "-c", '"$@" >/dev/full', "sh", ...overviewWords()]);
  expect(child.stderr.toString()).toMatch(
    /^\[error\] blankroot: Cannot write the output: ENOSPC\n$/,
  );
  expect(child.exitCode).toBe(4);
});

function overviewWords(): string[] {
  return [process.execPath, MAIN, "--help"];
}

describe("a script of several commands", () => {
  test.each<[string, string[], number, RegExp]>([
    ["no word", [], 2, /no command is given, expected one of list, diff, find, restore, prune\n/],
    ["a word that is near one", ["lits"], 2, /no command "lits", did you mean list\?\n/],
    ["a word that is near none", ["x\x1b[2J"], 2, /no command "x\\x1b\[2J", expected one of list/],
    ["a property of every object", ["toString"], 2, /no command "toString", expected/],
    ["a flag ahead of the command", ["--json", "list"], 2, /--json stands before the command/],
    ["words behind --help", ["--help", "list"], 2, /unexpected word "list"/],
    [
      "an unknown flag of a command",
      ["list", "--apply=x"],
      2,
      /^\[error\] old-roots list: .*--apply/,
    ],
    ["a word too many for a command", ["list", "x"], 2, /unexpected word "x"/],
  ])("refuses %s", (_, words, status, message) => {
    const ran = blankroot(["old-roots", ...words]);
    expect(ran).toMatchObject({ status, stdout: "" });
    expect(ran.stderr).toMatch(message);
  });

  test("tells its commands, and each of them its flags", () => {
    const family = blankroot(["old-roots", "--help"]);
    expect(family).toMatchObject({ status: 0, stderr: "" });
    expect(family.stdout).toMatch(/\n {2}list {6}Show the old roots/);
    const command = blankroot(["old-roots", "restore", "--help"]);
    expect(command.stdout).toContain("Usage: old-roots restore [FLAGS] NAME PATH…\n");
    expect(blankroot(["old-roots", "--version"]).stdout).toMatch(/^blankroot \d/);
  });
});
