import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blankroot } from "../support/blankroot.ts";
import { CopyMachine } from "../support/copies.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { meanwhile } from "../support/meanwhile.ts";
import { describePrivileged } from "../support/privileged.ts";

const SWAPPER = join(import.meta.dir, "../support/swapper.ts");
const MIB = 1024 ** 2;
const USER = 1000;
const NAMES = 40;
/** Swaps that a test waits for, while root copies again and again. */
const SWAPS = 5000;
const RUNS_MAX = 60;
/** Runs that came past their plan, where a user plays in the persist root. */
const CARRIED_OUT = 10;
const SECRET = "root's own";

/** Files and directories of a user's, below a directory that may hold something already. */
function furnish(home: string): void {
  mkdirSync(home, { recursive: true });
  for (let name = 0; name < NAMES; name++) {
    if (name % 2 === 0) writeFileSync(`${home}/${name}`, "mine");
    else {
      mkdirSync(`${home}/${name}`);
      writeFileSync(`${home}/${name}/secret`, "mine");
    }
  }
  sh(["chown", "-R", `${USER}:${USER}`, home]);
}

/** What no user can read, write or have: its state must be the same at the end. */
function vault(scratch: Scratch): { dir: string; state(): string } {
  // The user reaches his home, which is below it.
  sh(["chmod", "711", scratch.dir]);
  const dir = scratch.mkdir("vault");
  writeFileSync(`${dir}/secret`, SECRET, { mode: 0o600 });
  sh(["chmod", "700", dir]);
  const format = "%P %y %m %U %G %T@ %C@ %n %s\\n";
  return { dir, state: () => sh(["find", dir, "-printf", format]) + readFileSync(`${dir}/secret`) };
}

interface Player extends Disposable {
  /** Tells how often he swapped. */
  end(): Promise<number>;
}

function startUser(home: string, outside: string): Player {
  const words = ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"];
  const child = Bun.spawn([...words, process.execPath, SWAPPER, home, outside], {
    stdout: "pipe",
    stderr: "inherit",
  });
  return {
    async end() {
      child.kill("SIGTERM");
      return Number(await new Response(child.stdout).text());
    },
    [Symbol.dispose]: () => child.kill("SIGKILL"),
  };
}

/** Files below a directory that hold the secret, and files that the user owns and should not. */
function leaked(dir: string): string[] {
  const found = Bun.spawnSync(["grep", "-rlaF", SECRET, dir]);
  return found.stdout.toString().split("\n").filter(Boolean);
}

describePrivileged("persist-copy races a user", () => {
  test.each([
    ["live", ["--live"]],
    ["from a snapshot", []],
  ])(
    "who swaps what is copied, thousands of times, and never reads or writes outside: %s",
    async (_, flags) => {
      using m = new CopyMachine(512 * MIB);
      using scratch = new Scratch();
      const other = mountAt(scratch, "other", makeBtrfs(scratch, "other-disk", 256 * MIB));
      const outside = vault(m.scratch);
      const before = outside.state();
      furnish(`${m.root}/home/user`);
      let swaps = 0;
      let runs = 0;
      while (swaps < SWAPS && runs < RUNS_MAX) {
        using user = startUser(`${m.root}/home/user`, outside.dir);
        await Bun.sleep(100);
        for (const persist of [m.persist, other]) {
          const words = ["--root", m.root, "--persist", persist, ...flags, "--update"];
          const ran = blankroot(["persist-copy", ...words, "/home/user"]);
          expect(ran.stderr).not.toContain("a fault in blankroot itself");
          expect(leaked(persist)).toEqual([]);
          rmSync(`${persist}/home`, { recursive: true, force: true });
          runs++;
        }
        swaps += await user.end();
        rmSync(`${m.root}/home/user`, { recursive: true });
        furnish(`${m.root}/home/user`);
      }
      expect(outside.state()).toBe(before);
      // The control: without swaps nothing would have been tried.
      expect(swaps).toBeGreaterThan(SWAPS);
    },
    300_000,
  );

  test("who owns the place of the copies, and swaps what is made there", async () => {
    using m = new CopyMachine(512 * MIB);
    const outside = vault(m.scratch);
    const before = outside.state();
    // What root copies lies at the top of its own, and goes to where the user plays.
    for (let name = 0; name < NAMES; name++) {
      const path = name % 2 === 0 ? `/home/user/${name}` : `/home/user/${name}/secret`;
      m.write(path, `${SECRET}, in a file that only root may read`);
      m.write(`/home/user/new${name}/deep/file`, SECRET);
    }
    // Nobody plays there, and it is copied after all that is played with.
    m.write("/zz/important", "root's");
    sh(["chmod", "-R", "go=", `${m.root}/home/user`]);
    const home = `${m.persist}/home/user`;
    let swaps = 0;
    let carriedOut = 0;
    const isDone = () => swaps > SWAPS && carriedOut >= CARRIED_OUT;
    for (let runs = 0; !isDone() && runs < RUNS_MAX; runs++) {
      for (const dir of [home, `${m.persist}/zz`]) rmSync(dir, { recursive: true, force: true });
      furnish(home);
      using user = startUser(home, outside.dir);
      await Bun.sleep(100);
      for (let again = 0; again < 2; again++) {
        const ran = m.copy("--update", "/home/user", "/zz");
        expect(ran.stderr).not.toContain("a fault in blankroot itself");
        // What is refused, is so with the conflict named, and before anything is copied.
        if (ran.status === 3) continue;
        carriedOut++;
        expect(readFileSync(`${m.persist}/zz/important`, "utf8")).toBe("root's");
      }
      swaps += await user.end();
      const given = sh(["find", m.persist, "-type", "f", "-uid", String(USER), "-size", "+4c"]);
      expect(given).toBe("");
    }
    expect(outside.state()).toBe(before);
    expect(swaps).toBeGreaterThan(SWAPS);
    // The control: what is refused for what the user has there writes nothing.
    expect(carriedOut).toBeGreaterThanOrEqual(CARRIED_OUT);
  }, 300_000);

  test("and reads beneath mounts that come and go", async () => {
    using m = new CopyMachine(256 * MIB);
    const outside = vault(m.scratch);
    furnish(`${m.root}/home/user`);
    const mounts = 'mount --bind "$0" "$1"; umount "$1"';
    await using _ = meanwhile(mounts, outside.dir, `${m.root}/home/user/1`);
    for (const flags of [["--live"], [], ["--live"], []]) {
      m.copy(...flags, "--update", "/home/user");
      expect(leaked(m.persist)).toEqual([]);
      expect(readFileSync(`${m.persist}/home/user/1/secret`, "utf8")).toBe("mine");
      rmSync(`${m.persist}/home`, { recursive: true, force: true });
    }
  });
}, ["setpriv"]);
