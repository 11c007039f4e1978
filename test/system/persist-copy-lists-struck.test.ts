import { expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { Machine } from "../support/machine.ts";
import { describePrivileged } from "../support/privileged.ts";
import { struckRun } from "../support/struck.ts";
import type { Strike } from "../support/struck-libc.ts";

const LISTS = "[persist]\nfiles = []\n";
const ADDED = LISTS.replace("[]", '["/etc/foo"]');

/** With a copy of /etc/foo that no list names. */
function furnished(): Machine {
  const machine = new Machine(LISTS);
  machine.write("root", "/etc/foo");
  expect(machine.run("persist-copy", "/etc/foo").status).toBe(0);
  return machine;
}

function words(machine: Machine): string[] {
  return ["persist-copy", "--profile", machine.profile, "--add", "/etc/foo"];
}

/** What stands beside the profile that was not there before. */
function leftovers(machine: Machine): string[] {
  return readdirSync(dirname(machine.profile)).filter((name) => name.includes("blankroot-new"));
}

const CALLS: Array<[Strike["call"], number]> = [
  ["fchownat", 1],
  ["linkat", 1],
  ["renameat2", 1],
  ["unlinkat", 1],
  ["unlinkat", 2],
];

describePrivileged("persist-copy --add, killed at a call", () => {
  test.each(CALLS)("%s no. %p, leaves the old profile or the new, and is finished", (call, nth) => {
    using machine = furnished();
    const before = readFileSync(machine.profile, "utf8");
    const after = before.replace(LISTS, ADDED);
    const ran = struckRun(words(machine), { call, nth, when: "after" });
    expect(ran.signal).toBe("SIGKILL");
    expect([before, after]).toContain(readFileSync(machine.profile, "utf8"));
    expect(machine.run("persist-copy", "--add", "/etc/foo").status).toBe(0);
    expect(readFileSync(machine.profile, "utf8")).toBe(after);
    expect(leftovers(machine)).toEqual([]);
  });
});

describePrivileged(
  "persist-copy --add, killed before it sees that somebody edited the profile",
  () => {
    test("keeps what they wrote, and refuses until somebody has looked", () => {
      using machine = furnished();
      const before = readFileSync(machine.profile, "utf8");
      const shell = `echo '# mine' >>"$(dirname '${machine.profile}')/.$(basename '${machine.profile}').blankroot-new"; kill -KILL $PPID`;
      const ran = struckRun(words(machine), { call: "renameat2", nth: 1, when: "after", shell });
      expect(ran.signal).toBe("SIGKILL");
      const after = before.replace(LISTS, ADDED);
      for (let again = 0; again < 2; again++) {
        const refused = machine.run("persist-copy", "--add", "/etc/foo");
        expect(refused.stderr).toContain(
          "was left by a run that was killed, and was changed since",
        );
        expect(refused.status).toBe(3);
        expect(readFileSync(machine.profile, "utf8")).toBe(after);
      }
      const [left] = leftovers(machine);
      expect(readFileSync(join(dirname(machine.profile), left!), "utf8")).toBe(`${before}# mine\n`);
      rmSync(join(dirname(machine.profile), left!));
      expect(machine.run("persist-copy", "--add", "/etc/foo").status).toBe(0);
    });
  },
);

describePrivileged("persist-copy --add, while somebody edits the profile,", () => {
  test.each([
    ["in place", (file: string) => `echo '# mine' >>'${file}'`],
    [
      "by rename",
      (file: string) =>
        `cp -a '${file}' '${file}.n'; echo '# mine' >>'${file}.n'; mv '${file}.n' '${file}'`,
    ],
  ])("%s, leaves what they wrote, and says what to add", (_, edit) => {
    using machine = furnished();
    const before = readFileSync(machine.profile, "utf8");
    const shell = edit(machine.profile);
    const ran = struckRun(words(machine), { call: "renameat2", nth: 1, when: "before", shell });
    expect(ran.stderr).toMatch(
      /everything is copied: .*it changed since it was read\n.*\n\s+persist\.files: "\/etc\/foo"/,
    );
    expect(ran.status).toBe(4);
    expect(readFileSync(machine.profile, "utf8")).toBe(`${before}# mine\n`);
    expect(leftovers(machine)).toEqual([]);
    expect(machine.run("persist-copy", "--add", "/etc/foo").status).toBe(0);
    expect(readFileSync(machine.profile, "utf8")).toBe(`${before}# mine\n`.replace(LISTS, ADDED));
  });

  test("removing it, makes none", () => {
    using machine = furnished();
    const shell = `mv '${machine.profile}' '${machine.profile}.away'`;
    const ran = struckRun(words(machine), { call: "renameat2", nth: 1, when: "before", shell });
    expect(ran.stderr).toContain("ENOENT");
    expect(ran.status).toBe(4);
    expect(
      readdirSync(dirname(machine.profile)).filter((name) => name.includes("host.toml")),
    ).toEqual(["host.toml.away"]);
  });
});
