/** What is generated is current, and its generators say what they should. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { z } from "zod";
import { defineFamily } from "../../lib/cli/family.ts";
import { defineScript, jsonArgs } from "../../lib/cli.ts";
import { renderBashCompletion } from "../../tools/bash-completion.ts";
import { outputs, ROOT } from "../../tools/generate.ts";
import { renderMan } from "../../tools/man.ts";
import { withScriptTable } from "../../tools/readme-table.ts";
import { renderSchema } from "../../tools/schema.ts";

const declared = defineScript({
  name: "a-script",
  summary: ".hidden and \\ --flag",
  description: ["'quoted'"],
  args: {},
  profile: "none",
  run: () => 0,
});
const command = defineScript({ ...declared, name: "many one", args: { json: jsonArgs.json } });
const family = defineFamily({
  name: "many",
  summary: "Many",
  description: [],
  commands: { one: async () => ({ default: command }), other: async () => ({ default: command }) },
});
const ADVICE = "npm run generate makes it current";

test.each(Object.entries(outputs))("%s is as it would be generated", async (name, render) => {
  const current = readFileSync(join(ROOT, name), "utf8") === (await render());
  expect(`${name}: ${current ? "current" : ADVICE}`).toBe(`${name}: current`);
});

test("renderSchema() describes what a person writes, sizes as text", () => {
  const schema = JSON.parse(renderSchema());
  expect(schema.properties.disk.properties.esp.type).toBe("string");
  expect(schema.properties.version.const).toBe(1);
  expect(schema.required).toEqual(["version", "host", "disk"]);
});

test("renderSchema() has patterns that the example fits", () => {
  const schema = JSON.parse(renderSchema()).properties;
  const example = parse(readFileSync(join(ROOT, "config.toml"), "utf8")) as {
    disk: { esp: string; device: string };
  };
  expect(example.disk.esp).toMatch(new RegExp(schema.disk.properties.esp.pattern));
  expect(example.disk.device).toMatch(new RegExp(schema.disk.properties.device.pattern));
});

test("renderSchema() takes the example, as a validator of JSON Schema does", () => {
  const example = parse(readFileSync(join(ROOT, "config.toml"), "utf8"));
  const schema = z.fromJSONSchema(JSON.parse(renderSchema()));
  expect(schema.safeParse(example).error?.issues ?? []).toEqual([]);
  expect(schema.safeParse({ ...example, extra: 1 }).success).toBe(false);
  expect(schema.safeParse({ ...example, version: 2 }).success).toBe(false);
});

test("renderMan() has no line that reads as a request by mistake", () => {
  const lines = renderMan([declared]).split("\n");
  const requests = lines.filter((line) => /^[.']/.test(line));
  expect(requests.filter((line) => !/^\.(?:\\"|TH|SH|SS|PP|TP|B|I|br)(?: |$)/.test(line))).toEqual(
    [],
  );
  expect(lines).toContain("\\&.hidden and \\e \\-\\-flag.");
});

describe("withScriptTable()", () => {
  const markers = "a\n<!-- scripts -->\nold\n<!-- /scripts -->\nb\n";

  test("replaces what is between the markers, and only that", () => {
    const table = withScriptTable(markers, []);
    expect(table).toBe(
      "a\n<!-- scripts -->\n\n| script | does |\n| ------ | ---- |\n\n<!-- /scripts -->\nb\n",
    );
    expect(withScriptTable(table, [])).toBe(table);
  });

  test.each([
    ["none are there", "a", /<!-- scripts --> stands there 0 times/],
    ["the second is missing", "<!-- scripts -->", /<!-- \/scripts --> stands there 0 times/],
    ["one is doubled", `${markers}${markers}`, /2 times/],
    ["they are in the wrong order", "<!-- /scripts --><!-- scripts -->", /stands before/],
  ])("throws where %s", (_, readme, message) => {
    expect(() => withScriptTable(readme, [])).toThrow(message);
  });
});

test.each([
  ["blankroot a-script --verb", "--verbose"],
  ["blankroot a-s", "a-script"],
  ["a-script --qui", "--quiet"],
  ["/usr/bin/blankroot a-script --versi", "--version"],
  ["blankroot none --verb", ""],
  ["blankroot many o", "one other"],
  ["blankroot many --ver", "--version"],
  ["many on", "one"],
  ["many one --j", "--json"],
  ["blankroot many one --ver", "--version --verbose"],
  ["blankroot many none --ver", ""],
])("renderBashCompletion() completes %p to %p", (words, expected) => {
  const call = `COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); compopt() { :; }; _blankroot; echo "\${COMPREPLY[*]-}"`;
  const stdin = Buffer.from(`${renderBashCompletion([declared, family, command])}${call}\n`);
  const child = Bun.spawnSync(["bash", "-eu"], { stdin });
  expect([child.stdout.toString(), child.stderr.toString()]).toEqual([`${expected}\n`, ""]);
});
