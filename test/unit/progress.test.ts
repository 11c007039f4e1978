import { expect, test } from "bun:test";
import { join } from "node:path";

const PROGRESS = join(import.meta.dir, "../../lib/host/progress.ts");
const STEPS = `
  import { Progress } from ${JSON.stringify(PROGRESS)};
  using progress = new Progress("steps", process.env.WANTED === "yes");
  for (const end = performance.now() + 1300; performance.now() < end; ) progress.step();
`;

test("Progress shows on a terminal after a second, and wipes its line", () => {
  const screen = onTerminal("yes");
  expect(screen).toMatch(/^\r\x1b\[K[\d,]+ steps\r/);
  expect(screen).toEndWith("\r\x1b[K");
});

test("Progress says nothing where it isn't wanted, nor where no terminal is", () => {
  expect(onTerminal("no")).toBe("");
  const child = Bun.spawnSync([process.execPath, "-e", STEPS], { env: { WANTED: "yes" } });
  expect(child.stderr.toString()).toBe("");
});

function onTerminal(wanted: string): string {
  const env = { ...process.env, WANTED: wanted, STEPS };
  const command = `'${process.execPath}' -e "$STEPS"`;
  const argv = ["script", "--quiet", "--return", "--command", command, "/dev/null"];
  const child = Bun.spawnSync(argv, { env, stdin: "ignore" });
  return child.stdout.toString();
}
