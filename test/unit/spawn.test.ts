/**
 * Programs run to their end, and to the end of their time even when what they
 * started lives on with their output.
 */
import { expect, test } from "bun:test";
import { Failure, Refusal } from "../../lib/fault.ts";
import { run } from "../../lib/host/spawn.ts";

/** Far less than a grandchild's sleep, far more than a killed program needs. */
const PATIENCE_MS = 5_000;

async function timed(body: () => Promise<unknown>): Promise<{ error: unknown; tookMs: number }> {
  const start = performance.now();
  const error = await body().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { error, tookMs: performance.now() - start };
}

test("run() gives status, stdout and stderr whole", async () => {
  const script = "yes é | head -c 300000; echo said >&2; exit 3";
  const done = await run(["sh", "-c", script], { accept: [3] });
  expect(done).toMatchObject({ status: 3, stderr: "said\n" });
  expect(done.stdout).toBe("é\n".repeat(100_000));
});

test("run() says who ended a program: itself, or somebody else", async () => {
  await expect(run(["sh", "-c", "kill -9 $$"])).rejects.toThrow(/ended by SIGKILL, not by us$/);
  await expect(run(["sleep", "9"], { timeoutMs: 10 })).rejects.toThrow(
    /killed, its limit is 0\.01 s$/,
  );
});

test("run() fails where the arguments are too long", async () => {
  await expect(run(["true", "a".repeat(300_000)])).rejects.toThrow(
    /Cannot run true: its arguments are too long/,
  );
});

test("run() refuses when the program is missing", async () => {
  const { error } = await timed(() => run(["no-such-program"]));
  expect(error).toBeInstanceOf(Refusal);
});

test.each<[string, string]>([
  ["the program outlives its time", "exec sleep 20"],
  ["a child of the killed program keeps its output open", "sleep 20 & wait"],
  ["a child of the program that is done keeps its output open", "sleep 20 & echo done"],
])("run() fails in time when %s", async (_, script) => {
  const { error, tookMs } = await timed(() => run(["sh", "-c", script], { timeoutMs: 200 }));
  expect(error).toBeInstanceOf(Failure);
  expect(String(error)).toMatch(/its limit is 0.2 s/);
  expect(tookMs).toBeLessThan(PATIENCE_MS);
});
