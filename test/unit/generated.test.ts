/** What is generated is current, and its generators say what they should. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { generated, ROOT } from "../../tools/generate.ts";
import { withScriptTable } from "../../tools/readme-table.ts";
import { renderSchema } from "../../tools/schema.ts";

const ADVICE = "npm run generate makes it current";

test.each(["config.schema.json", "man/blankroot.1", "completions/blankroot.bash", "README.md"])(
  "generated() makes %s as it is committed",
  async (name) => {
    const text = (await generated()).get(name);
    const current = readFileSync(join(ROOT, name), "utf8") === text;
    expect(`${name}: ${current ? "current" : ADVICE}`).toBe(`${name}: current`);
  },
);

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

describe("withScriptTable()", () => {
  const markers = "a\n<!-- scripts -->\nold\n<!-- /scripts -->\nb\n";

  test("replaces what is between the markers, and only that", () => {
    const table = withScriptTable(markers, []);
    expect(table).toBe("a\n<!-- scripts -->\n| script | does |\n|---|---|\n<!-- /scripts -->\nb\n");
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

test("the completion is bash without a syntax error, and completes a flag", () => {
  const file = join(ROOT, "completions/blankroot.bash");
  const line = `source '${file}'; COMP_WORDS=(blankroot fs-diff --sta); COMP_CWORD=2; compopt() { :; }; _blankroot; echo "\${COMPREPLY[@]}"`;
  const child = Bun.spawnSync(["bash", "-euc", line]);
  expect([child.stdout.toString(), child.stderr.toString()]).toEqual(["--status\n", ""]);
});
