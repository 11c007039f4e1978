import { expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { listAttributes } from "../../lib/nix/persistence.ts";
import { renderAttributes } from "../../lib/nix/text.ts";
import { Scratch, sh } from "../support/disk.ts";
import { exampleProfile } from "../support/example.ts";
import { evaluate, NIX_PROGRAMS } from "../support/nix.ts";
import { describePrivileged } from "../support/privileged.ts";

interface Entry {
  readonly directory?: string;
  readonly file?: string;
  readonly user: string;
  readonly group: string;
  readonly mode: string;
}

/** The rule that lib.nix of preservation makes of an entry, as NixOS writes it. */
function ruleOf({ directory, file, user, group, mode }: Entry, top: string): string {
  const words = [
    directory === undefined ? "f" : "d",
    `${top}${directory ?? file}`,
    mode,
    user,
    group,
    "-",
  ];
  return `${words.map((word) => `'${word}'`).join(" ")}\n`;
}

/** Two private things and one to be made, after what a boot does to them. */
function afterBoot(scratch: Scratch, change: (entry: Entry) => Entry): string[] {
  const top = scratch.mkdir("persist");
  mkdirSync(`${top}/private`, { mode: 0o700 });
  writeFileSync(`${top}/secret`, "mine", { mode: 0o600 });
  for (const name of ["private", "secret"]) chownSync(`${top}/${name}`, 12, 34);
  chmodSync(`${top}/secret`, 0o600);
  const { persist } = exampleProfile();
  const directories = [{ path: "/private" }, { path: "/made", group: "daemon", mode: "2750" }];
  const kept = {
    ...persist,
    module: "preservation" as const,
    directories,
    files: [{ path: "/secret" }],
  };
  const attributes = renderAttributes(listAttributes({ persist: kept })).join("\n");
  const value = evaluate(scratch, `{\n${attributes}\n}`) as {
    preservation: { preserveAt: { "/persist": { directories: Entry[]; files: Entry[] } } };
  };
  const lists = value.preservation.preserveAt["/persist"];
  const rules = scratch.path("rules.conf");
  const lines = [...lists.directories, ...lists.files].map((entry) => ruleOf(change(entry), top));
  writeFileSync(rules, lines.join(""));
  sh(["systemd-tmpfiles", "--create", rules]);
  return ["private", "secret", "made"].map((name) =>
    sh(["stat", "--format=%a %u %g", `${top}/${name}`]).trim(),
  );
}

const entries = () => {
  test("leave owner and mode of what is there, and say those of what is made", () => {
    using scratch = new Scratch();
    expect(afterBoot(scratch, (entry) => entry)).toEqual(["700 12 34", "600 12 34", "2750 0 1"]);
  });

  test("would open a private file without the colons", () => {
    using scratch = new Scratch();
    const bare = ({ user, group, mode, ...rest }: Entry): Entry => ({
      ...rest,
      user: user.slice(1),
      group: group.slice(1),
      mode: mode.slice(1),
    });
    expect(afterBoot(scratch, bare)).toEqual(["755 0 0", "644 0 0", "2750 0 1"]);
  });
};

describePrivileged("entries of preservation", entries, [...NIX_PROGRAMS, "systemd-tmpfiles"]);
