/** The build: what it makes is the same each time, and told by its checksums. */
import { expect, test } from "bun:test";
import { cpSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { ARCHITECTURES, BUN_VERSION } from "../../tools/build/architectures.ts";
import { Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";

const ROOT = join(import.meta.dir, "../..");
const CACHE = "node_modules/.cache";
const NAMES = ARCHITECTURES.map(({ name }) => `blankroot-${name}-linux`);

const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
  packages: Record<string, { version: string; integrity: string; dev?: boolean }>;
};

describePrivileged("npm run build", () => {
  test("makes the same bytes from the same commit, wherever it lies", () => {
    using scratch = new Scratch();
    const bundled = Object.entries(lock.packages)
      .filter(([path, { dev }]) => path !== "" && dev !== true)
      .map(([path]) => path);
    const builds = ["here", "somewhere/else"].map((name) => {
      const clone = scratch.path(name);
      // As it is, with what is not committed yet.
      cpSync(ROOT, clone, {
        recursive: true,
        filter: (path) => !/\/(?:node_modules|dist)$/.test(path),
      });
      // What is bundled is copied too: a link would show in the paths.
      for (const path of bundled) cpSync(join(ROOT, path), join(clone, path), { recursive: true });
      symlinkSync(join(ROOT, CACHE), join(clone, CACHE));
      const dist = join(clone, "dist");
      const build = join(clone, "tools/build/build.ts");
      sh([process.execPath, build, "--quick", "--in-place", "--output", dist]);
      return dist;
    });
    const [first, second] = builds as [string, string];
    for (const name of [...NAMES, ...NAMES.map((name) => `${name}-in-place`), "SHA256SUMS"]) {
      const same = readFileSync(join(first, name)).equals(readFileSync(join(second, name)));
      expect([name, same]).toEqual([name, true]);
    }
    expect(sh(["sh", "-c", `cd '${first}' && sha256sum --check --strict SHA256SUMS`])).toContain(
      `${NAMES[0]}: OK`,
    );
  });

  test("carries the Bun that the tests run with", () => {
    expect(lock.packages["node_modules/bun"]!.version).toBe(BUN_VERSION);
    const { bun } = ARCHITECTURES.find(({ name }) => name === "aarch64")!;
    expect(lock.packages["node_modules/@oven/bun-linux-aarch64"]!.integrity).toBe(bun.integrity);
  });
});
