import { describe, expect, test } from "bun:test";
import {
  type PruneParameters,
  pruneParameters,
  pruneScript,
  pruneTimer,
  pruneUnit,
} from "../../lib/boot/prune.ts";
import { installLinks, timerFile, unitFile } from "../../lib/boot/unit.ts";
import { rootsToPrune } from "../../lib/old-roots.ts";
import { Scratch } from "../support/disk.ts";
import { exampleProfile } from "../support/example.ts";
import { chosen } from "../support/prune.ts";
import { SHELLS, type ShellName } from "../support/rollback-programs.ts";

const BOOT = "7f0b5a3e-6f5f-4f0e-9a0a-0d3a1b2c3d4e";
const NOW = new Date("2026-03-31T12:00:00Z");
const parameters: PruneParameters = {
  device: "/dev/vda3",
  oldRoots: "old_roots",
  keep: { days: 30, at_least: 3 },
};

describe("pruneScript()", () => {
  test("sets its parameters ahead of a text that never changes", () => {
    const other = { device: "/dev/sdb", oldRoots: "@old", keep: { days: 0, at_least: 1 } };
    const [ours, theirs] = [pruneScript(parameters), pruneScript(other)].map((script) => {
      const end = script.indexOf("\n\n");
      return { ahead: script.slice(0, end), text: script.slice(end) };
    });
    expect(ours!.text).toBe(theirs!.text);
    expect(ours!.ahead).toBe(`blankroot_device=/dev/vda3
blankroot_old_roots=old_roots
blankroot_days=30
blankroot_at_least=3
blankroot_top=/run/blankroot/prune
blankroot_synchronised=/run/systemd/timesync/synchronized`);
  });

  test("refuses control characters", () => {
    expect(() => pruneScript({ ...parameters, oldRoots: "a\nb" })).toThrow(
      /^Cannot write the pruning: old_roots is "a\\nb", expected no control characters$/,
    );
  });

  test.each(Object.entries(SHELLS))("parses under %s", (_, argv) => {
    const script = pruneScript(parameters);
    const child = Bun.spawnSync([...argv, "-n", "-c", script], { stderr: "pipe" });
    expect([child.exitCode, child.stderr.toString()]).toEqual([0, ""]);
    const cut = Bun.spawnSync([...argv, "-n", "-c", script.slice(0, -20)], { stderr: "pipe" });
    expect(cut.exitCode).not.toBe(0);
  });

  test("has nothing that ends a string of Nix, and is plain ASCII", () => {
    const script = pruneScript(parameters);
    expect(script).not.toContain("''");
    expect(script).toMatch(/^[\n\x20-\x7e]*$/);
  });

  test.each<[string, string, RegExp]>([
    ["no days", "blankroot_days=", /blankroot_days is '', which is no number/],
    ["days that are octal", "blankroot_days=030", /blankroot_days is '030', which is no number/],
    ["days below zero", "blankroot_days=-1", /blankroot_days is '-1', which is no number/],
    ["no number to keep", "blankroot_at_least=x", /blankroot_at_least is 'x', which is no number/],
    ["no name", "blankroot_old_roots=", /'' is no name of a subvolume/],
    ["a path for a name", "blankroot_old_roots=a/b", /'a\/b' is no name of a subvolume/],
    ["no device", "blankroot_device=", /no device is set/],
    ["no top", "blankroot_top=top", /no directory for the top is set/],
  ])("changes nothing with %s", (_, assignment, message) => {
    const script = pruneScript(parameters).replace("\n\n", `\n${assignment}\n\n`);
    for (const argv of Object.values(SHELLS)) {
      const child = Bun.spawnSync([...argv, "-c", script], { stderr: "pipe", env: { PATH: "" } });
      expect(child.stderr.toString()).toMatch(message);
      expect(child.stderr.toString()).toContain("nothing was changed");
      expect(child.exitCode).toBe(1);
    }
  });
});

test("pruneParameters() are the profile's", () => {
  const profile = exampleProfile({ rollback: { keep: { days: 7, at_least: 2 } } });
  expect(pruneParameters(profile, "/dev/vda3")).toEqual({
    ...parameters,
    keep: { days: 7, at_least: 2 },
  });
});

describe("prune.sh agrees with rootsToPrune()", () => {
  const shells = Object.keys(SHELLS) as ShellName[];

  test.each(shells)("on times at every edge of the calendar, under %s", (shell) => {
    using scratch = new Scratch();
    const times = [
      "00000101T000000Z",
      "00001231T235959Z",
      "19000229T000000Z",
      "19691231T235959Z",
      "19700101T000000Z",
      "19991231T080908Z",
      "20000229T235959Z",
      "20000230T000000Z",
      "20240229T000000Z",
      "20240301T000000Z",
      "20250229T000000Z",
      "20250431T000000Z",
      "20250430T240000Z",
      "20250430T236000Z",
      "20250430T235960Z",
      "20250400T000000Z",
      "20250001T000000Z",
      "20251301T000000Z",
      "20251231T235959Z",
      "99991231T235959Z",
    ];
    const names = times.map((time) => `${time}-${BOOT}`);
    for (const keep of [
      { days: 0, at_least: 0 },
      { days: 0, at_least: 1 },
      { days: 36_500, at_least: 0 },
    ]) {
      const now = new Date("9999-12-31T23:59:59Z");
      const expected = rootsToPrune(names, keep, now, 0);
      expect(expected.length).toBeGreaterThan(8);
      expect(chosen(scratch, names, keep, now, shell)).toEqual(expected);
    }
  });

  test.each(shells)("to the second, under %s", (shell) => {
    using scratch = new Scratch();
    const name = `20260301T120000Z-${BOOT}`;
    const keep = { days: 30, at_least: 0 };
    for (const [now, pruned] of [
      ["2026-03-31T12:00:00Z", []],
      ["2026-03-31T12:00:01Z", [name]],
    ] as const) {
      expect(rootsToPrune([name], keep, new Date(now), 0)).toEqual([...pruned]);
      expect(chosen(scratch, [name], keep, new Date(now), shell)).toEqual([...pruned]);
    }
  });

  test.each(shells)("on any names and rules, under %s", (shell) => {
    using scratch = new Scratch();
    const random = seeded(20260331);
    let pruned = 0;
    for (let round = 0; round < 5; round++) {
      const names = Array.from({ length: 12 }, () => anyName(random));
      const keep = { days: random(4) * 20, at_least: random(4) };
      const expected = rootsToPrune([...new Set(names)], keep, NOW, 0);
      pruned += expected.length;
      const found = chosen(scratch, [...new Set(names)], keep, NOW, shell);
      expect({ names, keep, found }).toEqual({ names, keep, found: expected });
    }
    expect(pruned).toBeGreaterThan(10);
  });
});

describe("pruneUnit() and pruneTimer()", () => {
  test("are a service that nothing starts but its timer, which boots start", () => {
    expect(installLinks(pruneUnit())).toEqual([]);
    expect(installLinks(pruneTimer())).toEqual(["timers.target.wants/blankroot-prune.timer"]);
    expect(unitFile(pruneUnit(), "/bin/sh /prune.sh")).toContain(
      "\n[Service]\nType=oneshot\nPrivateMounts=yes\n",
    );
    expect(timerFile(pruneTimer())).toBe(`[Unit]
Description=Delete the roots of former boots daily

[Timer]
OnBootSec=15min
OnUnitActiveSec=1d

[Install]
WantedBy=timers.target
`);
  });
});

/** Times around the rule's edges, shuffled; some that no clock shows, some of other names. */
function anyName(random: (below: number) => number): string {
  const age = random(100) * 86_400_000 + (random(3) - 1) * 1000;
  const time = new Date(NOW.getTime() - age).toISOString().replace(/\.\d+|[-:]/g, "");
  const others = [`${time}`, `x${time}-a`, `${time}-a_b`, `${time.replace(/T\d\d/, "T25")}-a`];
  const suffix = ["", BOOT, `${BOOT}+2`, `${BOOT}+10`, "Zz"][random(5)]!;
  return random(5) === 0 ? others[random(others.length)]! : `${time}-${suffix}`;
}

/** A generator of numbers below a bound that gives the same ones in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}
