import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { additionLines, appendToLists } from "../../lib/profile/append.ts";
import { readProfile } from "../../lib/profile/read.ts";
import type { PersistEntry, Profile } from "../../lib/profile.ts";
import { Random } from "../support/random.ts";

const EXAMPLE = readFileSync(join(import.meta.dir, "../../config.toml"), "utf8");
const HEAD =
  'version = 1\n[host]\nname = "a"\nstate_version = "26.05"\n[disk]\ndevice = "/dev/vda"\n';

interface Added {
  readonly directories?: readonly PersistEntry[];
  readonly files?: readonly PersistEntry[];
}

const FILE: Added = { files: [{ path: "/f" }] };
const BOTH: Added = { directories: [{ path: "/d" }], files: [{ path: "/f" }, { path: "/g" }] };

function append(text: string, { directories = [], files = [] }: Added): string {
  const appended = appendToLists(text, { directories, files });
  if ("fault" in appended) throw new Error(appended.fault);
  return appended.text;
}

/** The layout of `persist`, what is added, and the layout afterwards. */
const LAYOUTS: Array<[string, string, Added, string]> = [
  [
    "a list on one line",
    '[persist]\nfiles = ["/a", "/b"]\n',
    FILE,
    '[persist]\nfiles = ["/a", "/b", "/f"]\n',
  ],
  [
    "one with a comma at its end",
    '[persist]\nfiles = ["/a", ]\n',
    FILE,
    '[persist]\nfiles = ["/a", "/f", ]\n',
  ],
  [
    "one with blanks of its own",
    "[persist]\nfiles = [ '/a' ,  '/b' ]\n",
    FILE,
    "[persist]\nfiles = [ '/a' ,  '/b' ,  '/f' ]\n",
  ],
  ["an empty list", "[persist]\nfiles = []\n", FILE, '[persist]\nfiles = ["/f"]\n'],
  ["an empty list with a blank", "[persist]\nfiles = [ ]\n", FILE, '[persist]\nfiles = [ "/f" ]\n'],
  [
    "an empty list of two lines",
    "[persist]\n  files = [\n  ]\n",
    FILE,
    '[persist]\n  files = [\n    "/f",\n  ]\n',
  ],
  [
    "an empty list with comments that look like lists",
    '[persist]\nfiles = [ # "/x", ]\n      # files = ["/y"]\n]\n',
    FILE,
    '[persist]\nfiles = [ # "/x", ]\n      # files = ["/y"]\n      "/f",\n]\n',
  ],
  [
    "a list of lines",
    '[persist]\nfiles = [\n\t"/a",\n\t"/b",\n] # end\n',
    FILE,
    '[persist]\nfiles = [\n\t"/a",\n\t"/b",\n\t"/f",\n] # end\n',
  ],
  [
    "a list of lines without a comma at its end",
    '[persist]\nfiles = [\n  "/a", # one ]\n  "/b"  # two, [\n  # three\n]\n',
    { files: [{ path: "/f" }, { path: "/g" }] },
    '[persist]\nfiles = [\n  "/a", # one ]\n  "/b",  # two, [\n  # three\n  "/f",\n  "/g"\n]\n',
  ],
  [
    "a list that ends on the line of its last item",
    '[persist]\nfiles = ["/a",\n         "/b"]\n',
    { files: [{ path: "/f" }, { path: "/g" }] },
    '[persist]\nfiles = ["/a",\n         "/b",\n         "/f",\n         "/g"]\n',
  ],
  [
    "the same with a comma",
    '[persist]\nfiles = ["/a",\n         "/b", ]\n',
    FILE,
    '[persist]\nfiles = ["/a",\n         "/b",\n         "/f", ]\n',
  ],
  [
    "commas before the items",
    '[persist]\nfiles = [ "/a"\n        , "/b" # b\n        ]\n',
    FILE,
    '[persist]\nfiles = [ "/a"\n        , "/b", "/f" # b\n        ]\n',
  ],
  [
    "tables in the list",
    "[persist]\nmodule = 'preservation'\nfiles = [\n  { path = '/a', mode = '0600' }, # ]\n]\n",
    { files: [{ path: "/f", user: "u", group: "g", mode: "0640" }] },
    "[persist]\nmodule = 'preservation'\nfiles = [\n  { path = '/a', mode = '0600' }, # ]\n  { path = '/f', user = 'u', group = 'g', mode = '0640' },\n]\n",
  ],
  [
    "strings of several lines, brackets and number signs in them",
    "[persist]\nfiles = ['''\n/]#a''', \"\"\"/b\\\n   \"\"\", '/\"']\n",
    { files: [{ path: "/it's" }] },
    "[persist]\nfiles = ['''\n/]#a''', \"\"\"/b\\\n   \"\"\", '/\"', \"/it's\"]\n",
  ],
  [
    "lines that end with CRLF",
    '[persist]\r\nfiles = [\r\n  "/a"\r\n]\r\n',
    FILE,
    '[persist]\r\nfiles = [\r\n  "/a",\r\n  "/f"\r\n]\r\n',
  ],
  [
    "quoted keys",
    '[\'persist\']\n"fil\\u0065s" = ["/a"]\n',
    FILE,
    '[\'persist\']\n"fil\\u0065s" = ["/a", "/f"]\n',
  ],
  [
    "the other list alone",
    "[persist]\ndirectories = ['/a'] # a\nignore = []\n",
    FILE,
    "[persist]\ndirectories = ['/a'] # a\nfiles = ['/f']\nignore = []\n",
  ],
  [
    "no list at all",
    '[persist]\n  root = "/persist" # there',
    BOTH,
    '[persist]\n  root = "/persist" # there\n  directories = ["/d"]\n  files = ["/f", "/g"]',
  ],
  [
    "a table without keys",
    "[persist] # nothing\n\n[ssh]\n",
    FILE,
    '[persist] # nothing\nfiles = ["/f"]\n\n[ssh]\n',
  ],
  [
    "no table",
    "# [persist]\n# files = []",
    BOTH,
    '# [persist]\n# files = []\n\n[persist]\ndirectories = ["/d"]\nfiles = ["/f", "/g"]\n',
  ],
  [
    "an entry a table, with the other list none",
    '[[persist.directories]]\n  path = "/a" # a\n  mode = "0700"\n\n[ssh]\n',
    BOTH,
    '[[persist.directories]]\n  path = "/a" # a\n  mode = "0700"\n\n[[persist.directories]]\n  path = "/d"\n\n[[persist.files]]\n  path = "/f"\n\n[[persist.files]]\n  path = "/g"\n\n[ssh]\n',
  ],
  [
    "an entry a table, and the table behind",
    "[[persist.directories]]\npath = '/a'\n[persist]\nroot = '/persist'\n",
    BOTH,
    "[[persist.directories]]\npath = '/a'\n\n[[persist.directories]]\npath = '/d'\n[persist]\nroot = '/persist'\nfiles = ['/f', '/g']\n",
  ],
  [
    "more than a line holds",
    "[persist]\n",
    {
      files: Array.from({ length: 3 }, (_, at) => ({
        path: `/${at}/a-rather-long-path-of-a-file`,
      })),
    },
    '[persist]\nfiles = [\n  "/0/a-rather-long-path-of-a-file",\n  "/1/a-rather-long-path-of-a-file",\n  "/2/a-rather-long-path-of-a-file",\n]\n',
  ],
];

test.each(LAYOUTS)("appendToLists() keeps %s", (_, before, added, after) => {
  expect(append(HEAD + before, added)).toBe(HEAD + after);
});

/** Where `persist` stands before the first table. */
const TOP: Array<[string, string, Added, string]> = [
  ["dotted keys", 'persist.files = ["/a"]\n', FILE, 'persist.files = ["/a", "/f"]\n'],
  [
    "dotted keys without the list",
    "  persist . 'root' = '/persist' # r\nversion = 1\n",
    BOTH,
    "  persist . 'root' = '/persist' # r\n  persist . directories = ['/d']\n  persist . files = ['/f', '/g']\nversion = 1\n",
  ],
  [
    "an inline table",
    "persist = { files = [] }\n",
    BOTH,
    'persist = { files = ["/f", "/g"], directories = ["/d"] }\n',
  ],
  ["an empty inline table", "persist = {}\n", FILE, 'persist = { files = ["/f"] }\n'],
  [
    "an inline table of several lines",
    'persist = {\n  root = "/persist", # r\n}\n',
    BOTH,
    'persist = {\n  root = "/persist", # r\n  directories = ["/d"],\n  files = ["/f", "/g"],\n}\n',
  ],
];

test.each(TOP)("appendToLists() keeps %s", (_, before, added, after) => {
  const version = before.includes("version") ? "" : "version = 1\n";
  const rest = HEAD.slice(HEAD.indexOf("[host]"));
  expect(append(version + before + rest, added)).toBe(version + after + rest);
});

test("appendToLists() changes two lines of the example", () => {
  const lines = append(EXAMPLE, {
    directories: [{ path: "/var/lib/bluetooth" }],
    files: [{ path: "/etc/adjtime" }],
  }).split("\n");
  const old = new Set(EXAMPLE.split("\n"));
  expect(lines.filter((line) => !old.has(line))).toEqual([
    '  "/var/lib/bluetooth",',
    '  "/etc/adjtime",',
  ]);
  expect(lines).toHaveLength(EXAMPLE.split("\n").length + 2);
});

describe("appendToLists() refuses", () => {
  const withIgnore = `${HEAD}[persist]\nignore = ["/etc/*"]\n`;

  test.each<[string, string, Added, RegExp]>([
    [
      "what the profile ignores",
      withIgnore,
      { files: [{ path: "/etc/x" }] },
      /^persist\.ignore\[0\] is .* overlaps \/etc\/x of persist\.files\[0\]/,
    ],
    [
      "what is listed already",
      `${HEAD}[persist]\nfiles = ["/f"]\n`,
      FILE,
      /^persist\.files\[1\] is \/f, as/,
    ],
    ["a path on a subvolume that stays", HEAD, { files: [{ path: "/home/x" }] }, /survives on/],
  ])("%s", (_, text, { directories = [], files = [] }, fault) => {
    const appended = appendToLists(text, { directories, files });
    expect("fault" in appended ? appended.fault : appended.text).toMatch(fault);
  });
});

test("additionLines() says what to add by hand, where no name can read as another", () => {
  const [plain, hidden] = additionLines({
    directories: [{ path: '/a"b\\c', mode: "0700" }],
    files: [{ path: "/\u202egnp.exe" }],
  });
  expect(plain).toBe('persist.directories: { path = "/a\\"b\\\\c", mode = "0700" }');
  expect(hidden).toBe('persist.files: "/\\U0000202egnp.exe"');
});

/** Texts made of parts that a person may put together. */
class Layouts {
  readonly #random: Random;
  readonly newline: string;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.newline = this.#one(["\n", "\r\n"]);
  }

  text(): string {
    const head = HEAD.replaceAll("\n", this.newline);
    const [version, ...rest] = head.split(/(?<=version = 1\r?\n)/);
    const kind = this.#random.below(6);
    if (kind === 0) return version! + this.#dotted() + rest.join("");
    if (kind === 1) return version! + this.#inline() + rest.join("");
    if (kind === 2) return head + this.#tables();
    if (kind === 3) return head + this.#comment();
    return head + this.#table();
  }

  added(): Required<Added> {
    const entries = (letter: string) =>
      Array.from({ length: this.#random.below(3) }, (_, at) => ({
        path: `/${letter}${at}${this.#one(["", "'", '"', "\\", "#]", " ,", "é😀", "\u202e", "$"])}`,
        ...this.#one([{}, {}, { user: "u" }, { group: "g", mode: "0700" }]),
      }));
    return { directories: entries("new-d"), files: entries("new-f") };
  }

  #one<Item>(items: readonly Item[]): Item {
    return items[this.#random.below(items.length)]!;
  }

  #comment(): string {
    return this.#one(["", " ", "\t# c", ' # files = ["/x"]', " # ] } , 😀"]) + this.newline;
  }

  #gap(): string {
    return this.#one([
      "",
      " ",
      "\t ",
      "",
      `${this.#comment()}  `,
      `${this.newline}${this.#comment()}\t`,
    ]);
  }

  #string(path: string): string {
    return this.#one([
      `"${path}"`,
      `'${path}'`,
      `"""${path}"""`,
      `'''${this.newline}${path}'''`,
      `"\\u002f${path.slice(1)}"`,
      `"""${path}\\${this.newline}   """`,
    ]);
  }

  #entry(path: string): string {
    if (this.#random.below(3) !== 0) return this.#string(path);
    const gap = () => this.#one(["", " ", "  "]);
    return `{${gap()}path${gap()}=${gap()}${this.#string(path)}${gap()},${gap()}'mode' = "0700"${gap()}}`;
  }

  #list(letter: string): string {
    const items = Array.from({ length: this.#random.below(4) }, (_, at) =>
      this.#entry(`/${letter}${at}${this.#one(["", "]", "#", ",", " = {"])}`),
    );
    const text = items.map((item) => this.#gap() + item + this.#gap()).join(",");
    const comma = items.length > 0 && this.#random.below(2) === 0 ? `,${this.#gap()}` : "";
    return `[${text}${comma}${items.length === 0 ? this.#gap() : ""}]`;
  }

  #pairs(): string[] {
    const name = (text: string) => this.#one([text, `"${text}"`, `'${text}'`]);
    return this.#random
      .some([
        `${name("root")} = "/persist"`,
        `${name("directories")} =${this.#list("d")}`,
        `${name("files")}= ${this.#list("f")}`,
        'ignore = ["/i/**"]',
      ])
      .concat("module = 'preservation'");
  }

  #dotted(): string {
    return this.#pairs()
      .map((pair) => `${this.#one(["", "  "])}persist.${pair}${this.#comment()}`)
      .join("");
  }

  #inline(): string {
    return `persist = {${this.#pairs().join(this.#one([",", ", "]))}}${this.#comment()}`;
  }

  #table(): string {
    const indent = this.#one(["", "", "  ", "\t"]);
    const lines = this.#pairs()
      .map((pair) => `${indent}${pair}${this.#comment()}`)
      .join("");
    return `${this.#one(["[persist]", "[ 'persist' ]"])}${this.#comment()}${lines}${this.#one(["", "[ssh]", "\n[ssh]\n"])}`;
  }

  #tables(): string {
    const tables = (name: string) =>
      Array.from({ length: this.#random.below(3) }, (_, at) => {
        const pair = `path = ${this.#string(`/${name}${at}`)}`;
        return `[[persist.${name}]]${this.#comment()}  ${pair}${this.#comment()}`;
      }).join("");
    const rest = `[persist]${this.newline}module = 'preservation'${this.newline}`;
    return this.#one([rest, ""]) + tables("directories") + tables("files");
  }
}

/** Whether the second is the first with pieces put in, no byte of it being elsewhere. */
function isGrown(before: string, after: string): boolean {
  let at = 0;
  for (const char of after) if (before.startsWith(char, at)) at += char.length;
  return at === before.length;
}

test("appendToLists() adds to any layout just the entries, and moves no byte", () => {
  const seen = { grown: 0, refused: [] as string[] };
  for (let seed = 1; seed <= 600; seed++) {
    const layouts = new Layouts(seed);
    const text = layouts.text();
    const { directories, files } = layouts.added();
    const old = profileOf(text);
    if (old === undefined) continue;
    // Of files impermanence takes no owner.
    const added = {
      directories,
      files: old.persist.module === "preservation" ? files : files.map(({ path }) => ({ path })),
    };
    const appended = appendToLists(text, added);
    if ("fault" in appended) {
      seen.refused.push(`${seed}: ${appended.fault}\n${text}`);
      continue;
    }
    seen.grown++;
    expect(isGrown(text, appended.text)).toBe(true);
    expect(readProfile("p", Buffer.from(appended.text))).toEqual({
      ...old,
      persist: {
        ...old.persist,
        directories: [...old.persist.directories, ...added.directories],
        files: [...old.persist.files, ...added.files],
      },
    });
    if (added.directories.length + added.files.length === 0) expect(appended.text).toBe(text);
    // No line end of another kind is put in.
    const bare = /(?<!\r)\n/g;
    if (layouts.newline === "\r\n") {
      expect(appended.text.match(bare)?.length).toBe(text.match(bare)?.length);
    } else expect(appended.text.includes("\r")).toBe(false);
  }
  expect(seen.refused).toEqual([]);
  expect(seen.grown).toBeGreaterThan(480);
});

function profileOf(text: string): Profile | undefined {
  try {
    return readProfile("p", Buffer.from(text));
  } catch {
    return undefined;
  }
}

test("isGrown() sees what is lost or moved", () => {
  expect(isGrown("abc", "axbyc")).toBe(true);
  expect(isGrown("abc", "axcb")).toBe(false);
});

test("a path of any characters is read as it was meant", () => {
  const path = "/a\u202e'\"\\";
  for (const quote of ["'", '"']) {
    const text = append(`${HEAD}[persist]\nfiles = [${quote}/x${quote}]\n`, { files: [{ path }] });
    expect(readProfile("p", Buffer.from(text)).persist.files).toEqual([{ path: "/x" }, { path }]);
  }
});
