import { afterAll, describe, expect, test } from "bun:test";
import { scriptedHook } from "../../lib/boot/stage1.ts";
import { type DiskFacts, NO_DISK } from "../../lib/nix/disk-names.ts";
import { renderConfiguration } from "../../lib/nix/render.ts";
import {
  Application,
  attribute,
  Commented,
  Expression,
  IndentedString,
  insideString,
  NixSet,
  type NixValue,
  nixName,
  nixString,
  renderNix,
  set,
} from "../../lib/nix/text.ts";
import { Scratch, sh } from "../support/disk.ts";
import { evaluate, evaluateModules, NIX_PROGRAMS } from "../support/nix.ts";
import { checked, DISK } from "../support/nix-profiles.ts";
import { describeUnless, missingProgram } from "../support/privileged.ts";

const PIECES = [
  "${",
  "$${",
  "}",
  "$",
  "''",
  "'",
  '"',
  "\\",
  "\\${",
  "''${",
  "''\\",
  "\n",
  "\r",
  "\t",
  "#",
  "/*",
  ";",
  "a",
  "let",
  "é",
  "\u{1f600}",
  " ",
  "@root@",
  "%n",
  "`id`",
  "$(id)",
  "\u2028",
  "\u0001",
];

/** The same texts each time: a generator of Lehmer's. */
function texts(count: number, pieces: readonly string[]): string[] {
  let state = 42;
  const next = (below: number) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: next(7) }, () => pieces[next(pieces.length)]!).join(""),
  );
}

describe("renderNix() writes", () => {
  test.each<[string, NixValue, string]>([
    ["an empty list", [], "[ ]"],
    ["a list of one", ["a"], '[ "a" ]'],
    ["a list of two", ["a", "b"], '[\n  "a"\n  "b"\n]'],
    ["a long item on its own line", ["a".repeat(80)], `[\n  "${"a".repeat(80)}"\n]`],
    ["an application in a list", [new Application("f", "a")], '[ (f "a") ]'],
    ["a comment in a list", [new Commented("why", "a")], '[\n  # why\n  "a"\n]'],
    ["an empty set", new NixSet([]), "{ }"],
    ["a name that is none", set({ "a b": true }), '{\n  "a b" = true;\n}'],
    ["a keyword as a name", set({ let: -1 }), '{\n  "let" = (-1);\n}'],
    [
      "an expression between lines",
      new IndentedString(["a ", new Expression("b"), "\nc\n"]),
      `''\n  a \${b}\n  c\n''`,
    ],
    [
      "a comment of two lines",
      new NixSet([attribute("a", 1, "b\r# c"), undefined, attribute("d.e", 2)]),
      "{\n  # b\n  # # c\n  a = 1;\n\n  d.e = 2;\n}",
    ],
  ])("%s", (_, value, text) => {
    expect(renderNix(value)).toBe(text);
  });

  test("no text with NUL, and no number with a fraction", () => {
    expect(() => nixString("\0")).toThrow(RangeError);
    expect(() => renderNix(1.5)).toThrow(RangeError);
    expect(() => renderNix(new IndentedString(["a\0\n"]))).toThrow(RangeError);
    expect(() => renderNix(new IndentedString(["a"]))).toThrow(RangeError);
  });
});

/** Values of a profile that try to get out, where the profile takes them. */
const NAMES = texts(40, [...PIECES, "a"])
  .map((text) => text.replace(/[\p{Cc}\u2028/,"\\]|@root@/gu, ""))
  .filter((text) => text.trim() !== "");

function hostileProfile(stage1: "systemd" | "scripted", index: number) {
  const name = (offset: number) => `${offset}${NAMES[(index * 7 + offset) % NAMES.length]}`;
  const path = (offset: number) => `/persist/${name(offset)}`;
  return checked({
    version: 1,
    host: { name: "hostile", state_version: "26.05" },
    disk: { device: `/dev/${name(0)}`, label: `l${name(1)}`.trim() },
    btrfs: {
      mount_options: [`x-${name(2).replaceAll(/\s/g, "")}`],
      root: `r${name(3)}`,
      blank: `b${name(4)}`,
      old_roots: `o${name(5)}`,
      subvolumes: { nix: "/nix", [`p${name(6)}`]: "/persist", [`s${name(7)}`]: `/s${name(8)}` },
    },
    rollback: { stage1 },
    persist: { root: path(9), directories: [`/d${name(10)}`], files: [`/f${name(11)}`] },
    users: {
      user: {
        wheel: true,
        keys: [`ssh-ed25519 AAAAC3 ${name(12)}`],
        password_file: path(13),
      },
    },
  });
}

describeUnless(missingProgram(NIX_PROGRAMS), "Nix reads", () => {
  const scratch = new Scratch();
  afterAll(() => scratch[Symbol.dispose]());

  test("every text as what it was: literals, names, comments, between lines", () => {
    const all = texts(400, PIECES);
    const strings = all.map(nixString);
    const names = all.map((text, index) => nixName(`${text}${index}`));
    const comments = renderNix(
      new NixSet(all.map((text, index) => attribute(`a${index}`, index, text))),
    );
    const inside = all.map((text) => `"a\${"b"}${insideString(text)}\${"c"}"`);
    const lines = all
      .map((text) => text.replaceAll("\r", ""))
      .map((text) =>
        renderNix(new IndentedString([`x${text}`, new Expression('"$"'), `${text}\n`])),
      );
    const value = evaluate(
      scratch,
      `{
        strings = [ ${strings.join("\n")} ];
        names = builtins.attrNames { ${names.map((name) => `${name} = 1;`).join("\n")} };
        comments = ${comments};
        inside = [ ${inside.join("\n")} ];
        lines = [ ${lines.join("\n")} ];
      }`,
    );
    expect(value).toEqual({
      strings: all,
      names: all.map((text, index) => `${text}${index}`).sort(byBytes),
      comments: Object.fromEntries(all.map((_, index) => [`a${index}`, index])),
      inside: all.map((text) => `ab${text}c`),
      lines: all.map((text) => text.replaceAll("\r", "")).map((text) => `x${text}$${text}\n`),
    });
  });

  test("no text that is only quoted: the pieces do get out", () => {
    const quoted = texts(400, PIECES).map((text) => `"${text.replaceAll('"', '\\"')}"`);
    expect(() => evaluate(scratch, `[ ${quoted.join("\n")} ]`)).toThrow(/error:/);
  });

  test("a hostile profile's values as what they were, and sh as well", () => {
    const kinds = ["systemd", "scripted"] as const;
    const cases = kinds.flatMap((stage1) =>
      NAMES.map((_, index) => {
        const facts: DiskFacts = index % 2 === 0 ? NO_DISK : DISK;
        const profile = hostileProfile(stage1, index);
        const files = renderConfiguration(profile, facts, { full: "flake", binaryWith: undefined });
        return [`${stage1} ${index}`, { profile, files }] as const;
      }),
    );
    const evaluated = evaluateModules(scratch, Object.fromEntries(cases));
    for (const [name, { profile, files }] of cases) {
      const { definitions, failed } = evaluated[name]!;
      expect([name, failed]).toEqual([name, []]);
      const [root] = Object.entries(definitions.fileSystems as object).filter(([at]) => at === "/");
      const { options, device } = root![1];
      expect(options).toEqual([`subvol=${profile.btrfs.root}`, ...profile.btrfs.mount_options]);
      expect(Object.keys(definitions.fileSystems as object).sort(byBytes)).toEqual(
        ["/", "/boot", ...Object.values(profile.btrfs.subvolumes).map(({ mount }) => mount)].sort(
          byBytes,
        ),
      );
      expect((definitions.users as { users: object }).users).toMatchObject({
        user: {
          hashedPasswordFile: profile.users.user!.password_file,
          openssh: { authorizedKeys: { keys: profile.users.user!.keys } },
        },
      });
      const rollback = files.find((file) => file.name === "rollback.sh")!.text;
      if (name.startsWith("scripted")) {
        const { initrd } = definitions.boot as { initrd: Record<string, unknown> };
        const hook = scriptedHook(device, rollback, profile.rollback.on_failure);
        expect(initrd.postResumeCommands).toBe(hook);
        sh(["sh", "-n", "-c", hook]);
      }
      expect(parametersOf(rollback)).toEqual([
        device,
        profile.btrfs.root,
        profile.btrfs.blank,
        profile.btrfs.old_roots,
      ]);
    }
  });

  /** What the assignments at the head of the script give to its variables. */
  function parametersOf(script: string): string[] {
    const head = script.slice(0, script.indexOf("\n\n# The rollback"));
    const print =
      'printf "%s\\n" "$blankroot_device" "$blankroot_root" "$blankroot_blank" "$blankroot_old_roots"';
    return sh(["sh", "-eu", "-c", `${head}\n${print}`])
      .replace(/\n$/, "")
      .split("\n");
  }
});

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
