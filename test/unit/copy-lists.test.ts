import { describe, expect, test } from "bun:test";
import { additionsFor, type Candidate } from "../../lib/copy/additions.ts";
import { Claims } from "../../lib/copy/claims.ts";
import { readReview } from "../../lib/copy/list-args.ts";
import { renamedOverNotes } from "../../lib/copy/renamed-over.ts";
import {
  type MissingFinding,
  missingRecord,
  type StaleFinding,
  staleRecord,
} from "../../lib/copy/review.ts";
import { listAttributes } from "../../lib/nix/persistence.ts";
import { renderAttributes } from "../../lib/nix/text.ts";
import { exampleProfile } from "../support/example.ts";

const profile = exampleProfile();
function candidate(path: string, type: Candidate["type"] = "file"): Candidate {
  return { path: Buffer.from(path), type };
}

describe("additionsFor()", () => {
  test("puts directories and files in their lists, in order, each once", () => {
    const named = ["/z", "/a", "/z"].map((path) => candidate(path));
    expect(additionsFor(profile, [candidate("/d/e", "directory"), ...named])).toEqual({
      directories: [{ path: "/d/e" }],
      files: [{ path: "/a" }, { path: "/z" }],
    });
  });

  test("leaves out what is listed, below what is listed or named, and what has no copy", () => {
    const named = [
      candidate("/etc/machine-id"),
      candidate("/etc/nixos", "directory"),
      candidate("/etc/nixos/flake.nix"),
      candidate("/d/below/x"),
      candidate("/d", "directory"),
      candidate("/d.not-below"),
      { path: Buffer.from("/run-socket"), type: undefined },
    ];
    expect(additionsFor(profile, named)).toEqual({
      directories: [{ path: "/d" }],
      files: [{ path: "/d.not-below" }],
    });
  });

  test.each<[string, Candidate, RegExp]>([
    ["a name with a newline", candidate("/a\nb"), /\/a\\nb: expected no control characters/],
    [
      "a name that is no UTF-8",
      { path: Buffer.from("/\xff", "latin1"), type: "file" },
      /\/\\xff: its name is not UTF-8/,
    ],
    ["a place of the kernel", candidate("/run/x"), /\/run belongs to the running system/],
    ["a fifo", candidate("/x", "fifo"), /it is a fifo, expected/],
    [
      "a directory that is listed as a file",
      candidate("/etc/machine-id", "directory"),
      /listed among the files/,
    ],
  ])("refuses %s", (_, named, words) => {
    expect(() => additionsFor(profile, [named])).toThrow(words);
  });

  test("takes thousands of paths in one go", () => {
    const many = Array.from({ length: 20_000 }, (_, at) => candidate(`/many/${at}`));
    expect(additionsFor(profile, many).files).toHaveLength(20_000);
  });
});

test("renamedOverNotes() knows files by path or name, and gives the directory or another way", () => {
  expect(renamedOverNotes(["/etc/foo", "/x/not-known_hosts", "/root/.zsh_history.bak"])).toEqual(
    [],
  );
  const [hosts, passwd, dconf] = renamedOverNotes([
    "/root/.ssh/known_hosts",
    "/etc/passwd",
    "/root/.config/dconf/user",
  ]);
  expect(hosts).toBe(
    "/root/.ssh/known_hosts: ssh, when a host has new keys, replaces it by a rename, which fails where a file is mounted (EBUSY); list the directory that holds it, /root/.ssh, and not the file",
  );
  expect(passwd).toMatch(
    /^\/etc\/passwd: NixOS, when it makes users, replaces it .*; its content is users\.users/,
  );
  expect(dconf).toContain("/root/.config/dconf, and not the file");
});

test("Claims know what the lists name, what leads there, and what is used otherwise", () => {
  const claims = new Claims(
    {
      ...profile,
      btrfs: {
        ...profile.btrfs,
        subvolumes: {
          ...profile.btrfs.subvolumes,
          inner: { mount: "/persist/inner/data", options: [] },
        },
      },
    },
    ["/srv/by-hand"],
  );
  const kept = [
    "/etc/nixos",
    "/etc/machine-id",
    "/passwords/user",
    "/inner/data",
    "/var/lib/blankroot",
    "/etc/blankroot/config.toml",
    "/anywhere/.blankroot-unfinished",
    "/srv/by-hand",
  ];
  expect(kept.map((path) => claims.of(path))).toEqual(kept.map(() => "kept"));
  const parents = ["/etc", "/var/lib", "/passwords", "/inner", "/etc/blankroot"];
  expect(parents.map((path) => claims.of(path))).toEqual(parents.map(() => "parent"));
  const stale = ["/etc/nixos2", "/passwords/other", "/persist", "/var/lib/nixos.old"];
  expect(stale.map((path) => claims.of(path))).toEqual(stale.map(() => "stale"));
});

describe("records of what is stale or missing", () => {
  const NOW = 1_700_000_000n * 1_000_000_000n;
  const finding: StaleFinding = {
    path: Buffer.from("/a\u001b"),
    type: "directory",
    count: 3,
    bytes: 2048,
    newestNs: NOW - 3n * 86_400_000_000_000n,
  };
  const missing: MissingFinding = { path: "/x", list: "files", inRoot: true };
  const how = { root: "/persist", nowNs: NOW };
  const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

  test.each<["lines" | "null" | "json", boolean, string]>([
    ["lines", false, "/persist/a\u001b/\n"],
    ["null", false, "/persist/a\u001b/\0"],
    ["lines", true, "       2 KiB      3 days  /persist/a\\x1b/\n"],
    [
      "json",
      true,
      '{"kind":"stale","path":"/persist/a\\u001b/","type":"directory","count":3,"bytes":2048,"mtime":"2023-11-11T22:13:20.000Z","place":{"path":"/a\\u001b"}}\n',
    ],
  ])("of a directory as %s, on a terminal: %p", (kind, terminal, record) => {
    expect(text(staleRecord(finding, how, { kind, terminal }))).toBe(record);
  });

  test("of times to come, and of times that no calendar has", () => {
    const at = (newestNs: bigint, kind: "lines" | "json") =>
      text(staleRecord({ ...finding, newestNs }, how, { kind, terminal: true }));
    expect(at(NOW + 86_400_000_000_000n, "lines")).toContain(" 0 minutes ");
    expect(at(NOW - 90n * 1_000_000_000n, "lines")).toContain(" 1 minute ");
    expect(at(9n * 10n ** 27n, "json")).toContain('"mtime":"@9000000000000000000"');
  });

  test("of what is missing", () => {
    expect(text(missingRecord(missing, { kind: "lines", terminal: false }))).toBe("/x\n");
    expect(text(missingRecord(missing, { kind: "lines", terminal: true }))).toBe(
      "/x: in the root, persist-copy saves it\n",
    );
    const unknown = { ...missing, inRoot: undefined };
    expect(text(missingRecord(unknown, { kind: "lines", terminal: true }))).toBe("/x\n");
    expect(text(missingRecord(unknown, { kind: "json", terminal: false }))).toBe(
      '{"kind":"missing","path":"/x","list":"files","in_root":null}\n',
    );
  });
});

test("readReview() tells which look is meant", () => {
  expect(readReview({ stale: true, json: true }, 0)).toBe("stale");
  expect(readReview({ missing: true, null: true }, 0)).toBe("missing");
  expect(readReview({ add: true, nix: true }, 3)).toBeUndefined();
  expect(() => readReview({ stale: true, null: true, json: true }, 0)).toThrow("--json and --null");
});

test("listAttributes() are entries for either module, with what it must be told", () => {
  const persist = {
    ...profile.persist,
    directories: [{ path: "/var/lib/nixos" }],
    files: [{ path: "/etc/machine-id" }],
  };
  const render = (module: "impermanence" | "preservation") =>
    renderAttributes(listAttributes({ persist: { ...persist, module } })).join("\n");
  expect(render("impermanence")).toBe(
    '# Not /etc/machine-id, which has to be there before this: see machine-id.sh.\nenvironment.persistence."/persist" = {\n  directories = [ "/var/lib/nixos" ];\n};',
  );
  expect(render("preservation")).toMatch(
    /^preservation\.preserveAt\."\/persist" = \{[\s\S]*inInitrd = true;[\s\S]*inInitrd = true;[\s\S]*\n\};$/,
  );
});
