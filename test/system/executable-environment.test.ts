/**
 * Nothing in the current directory or the environment changes what the executable
 * runs, and the programs that it starts get all of it as it came.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { Scratch, sh } from "../support/disk.ts";
import { builtExecutable } from "../support/executable.ts";
import { describePrivileged } from "../support/privileged.ts";

const EVIL_JS = "require('node:fs').writeFileSync('OWNED', ''); console.log('EVIL');\n";
const EVIL_C = `#include <unistd.h>
__attribute__((constructor)) static void evil(void) { write(1, "EVIL\\n", 5); }
`;

describePrivileged("the executable, from a hostile place,", () => {
  let files: ReturnType<typeof builtExecutable>;
  let help: string;

  beforeAll(() => {
    files = builtExecutable();
    help = sh([files.inPlace, "fs-diff", "--help"]);
    expect(help).toContain("List what the next boot would take away");
  });

  /** A directory of somebody who would like to be root. */
  function hostile(): Scratch {
    const scratch = new Scratch();
    const put = (name: string, text: string) => writeFileSync(scratch.path(name), text);
    put("evil.js", EVIL_JS);
    put("bunfig.toml", `preload = ["${scratch.path("evil.js")}"]\n`);
    put(".bunfig.toml", `preload = ["${scratch.path("evil.js")}"]\n`);
    put(".env", `BLANKROOT_PROFILE=${scratch.path("evil.toml")}\nBUN_OPTIONS=--version\n`);
    put("evil.toml", "evil = true\n");
    put("tsconfig.json", '{"compilerOptions": {"paths": {"*": ["./evil.js"]}}}\n');
    put("package.json", '{"imports": {"#*": "./evil.js"}}\n');
    put("evil.c", EVIL_C);
    sh(["gcc", "-shared", "-fPIC", "-o", scratch.path("evil.so"), scratch.path("evil.c")]);
    sh(["cp", scratch.path("evil.so"), scratch.path("libc.so.6")]);
    return scratch;
  }

  function run(argv: string[], cwd: string, env: Record<string, string> = {}) {
    const child = Bun.spawnSync(argv, {
      cwd,
      env: { PATH: process.env.PATH, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    return {
      status: child.exitCode,
      stdout: child.stdout.toString(),
      stderr: child.stderr.toString(),
    };
  }

  const VARIABLES: [string, (dir: string) => string][] = [
    ["BUN_OPTIONS", (dir) => `--preload=${dir}/evil.js`],
    ["BUN_BE_BUN", () => "1"],
    ["BUN_CONFIG", (dir) => `${dir}/bunfig.toml`],
    ["BUN_INSPECT", () => "1"],
    ["BUN_INSTALL", (dir) => dir],
    ["BUN_JSC_dumpOptions", () => "2"],
    ["BUN_JSC_validateOptions", () => "true"],
    ["NODE_OPTIONS", (dir) => `--require=${dir}/evil.js`],
    ["NODE_ENV", () => "test"],
    ["MIMALLOC_VERBOSE", () => "1"],
    ["MIMALLOC_SHOW_STATS", () => "1"],
    ["LD_PRELOAD", (dir) => `${dir}/evil.so`],
    ["LD_AUDIT", (dir) => `${dir}/evil.so`],
    ["LD_LIBRARY_PATH", (dir) => dir],
    ["LD_DEBUG", () => "all"],
    ["LD_SHOW_AUXV", () => "1"],
    ["LD_TRACE_LOADED_OBJECTS", () => "1"],
    ["GLIBC_TUNABLES", () => "glibc.malloc.perturb=85"],
    ["MALLOC_PERTURB_", () => "85"],
    ["HOME", (dir) => dir],
    ["XDG_CONFIG_HOME", (dir) => dir],
    ["TMPDIR", (dir) => dir],
    ["DEBUG", () => "1"],
    ["CI", () => "1"],
  ];

  test.each(VARIABLES)("is not changed by %s", (name, value) => {
    using scratch = hostile();
    for (const file of [files.compressed, files.inPlace]) {
      const ran = run([file, "fs-diff", "--help"], scratch.dir, { [name]: value(scratch.dir) });
      expect(ran).toEqual({ status: 0, stdout: help, stderr: "" });
      expect(existsSync(scratch.path("OWNED"))).toBe(false);
    }
  });

  test("which do change what Bun alone compiles", () => {
    using scratch = hostile();
    writeFileSync(scratch.path("plain.ts"), "console.log('plain');\n");
    const plain = scratch.path("plain");
    sh([process.execPath, "build", "--compile", scratch.path("plain.ts"), "--outfile", plain]);
    const options = { BUN_OPTIONS: `--preload=${scratch.path("evil.js")}` };
    expect(run([plain], scratch.dir, options).stdout).toContain("EVIL");
    const preload = { LD_PRELOAD: scratch.path("evil.so") };
    expect(run([plain], "/", preload).stdout).toContain("EVIL");
    expect(run([plain], scratch.dir, { BUN_BE_BUN: "1" }).stdout).not.toBe("plain\n");
  });

  test("gets its words whatever stands beside them on the stack", () => {
    for (let variables = 0; variables < 6; variables++) {
      for (let words = 1; words < 5; words++) {
        for (const prefix of ["LC_", "LD_"]) {
          const env = Array.from({ length: variables }, (_, index) => `${prefix}X${index}=1`);
          const unknown = Array.from({ length: words }, (_, index) => `--no-such${index}`);
          const child = Bun.spawnSync(["env", "-i", ...env, files.inPlace, "fs-diff", ...unknown], {
            stderr: "pipe",
          });
          expect(child.exitCode).toBe(2);
          expect(child.stderr.toString()).toContain("--no-such0");
        }
      }
    }
  });

  test("takes no profile from .env", () => {
    using scratch = hostile();
    const ran = run([files.inPlace, "format-disk", "--dry-run"], scratch.dir);
    expect(ran.status).toBe(2);
    expect(ran.stderr).not.toContain("evil.toml");
  });

  describe("what it starts", () => {
    /** Calls the executable under the other's path, with an environment that no shell makes. */
    const START_C = `#include <unistd.h>
int main(int argc, char **argv) {
  char *words[] = {argv[2], "install-links", "/", 0};
  char *variables[] = {"BAD=\\xff\\xfe", "TWICE=1", "LC_ALL=de", "TWICE=2", "NONE", "=x", "PATH=/",
                       "LC_ALL=fr", 0};
  return argc + execve(argv[1], words, variables);
}
`;
    const DUMP_C = `#include <stdio.h>
extern char **environ;
int main(void) {
  FILE *to = fopen("environ", "w");
  for (char **at = environ; *at != 0; at++) fprintf(to, "%s%c", *at, 0);
  return fclose(to);
}
`;

    /** Stands in for the executable, which install-links asks for its version. */
    const DUMP = `#!/bin/sh
cp /proc/self/environ "$0.environ"
ls -l /proc/self/fd >"$0.fds"
cat /proc/$$/maps >"$0.maps"
`;

    test("gets what is no UTF-8, stands there twice, or is no variable", () => {
      using scratch = new Scratch();
      writeFileSync(scratch.path("start.c"), START_C);
      writeFileSync(scratch.path("dump.c"), DUMP_C);
      for (const name of ["start", "dump"]) {
        sh(["gcc", "-o", scratch.path(name), scratch.path(`${name}.c`)]);
      }
      const ran = run([scratch.path("start"), files.inPlace, scratch.path("dump")], scratch.dir);
      expect(ran.status).toBe(3);
      const got = readFileSync(scratch.path("environ"), "latin1");
      expect(got).toBe("BAD=\xff\xfe\0TWICE=1\0TWICE=2\0NONE\0=x\0PATH=/\0LC_ALL=C\0");
    });

    test.each(["compressed", "inPlace"] as const)(
      "gets every variable, and no file (%s)",
      (form) => {
        using scratch = new Scratch();
        const dump = scratch.path("dump");
        writeFileSync(dump, DUMP);
        chmodSync(dump, 0o755);
        const env = {
          BUN_OPTIONS: "--smol",
          GLIBC_TUNABLES: "glibc.malloc.check=0",
          LD_LIBRARY_PATH: "/nonexistent",
          NODE_OPTIONS: "",
          ODD_VALUE: "a\nb=c",
          PATH: process.env.PATH!,
          HOME: "/root",
          BLANKROOT_CACHE: "on",
        };
        const script = 'exec -a "$1" "$2" install-links /';
        const ran = run(["bash", "-c", script, "sh", dump, files[form]], "/", env);
        expect(ran.status).toBe(3);
        const got = readFileSync(`${dump}.environ`, "utf8").split("\0").filter(Boolean);
        // bash and sh have added theirs.
        const mine = got.filter((entry) => !/^(?:_|PWD|OLDPWD|SHLVL)=/.test(entry));
        const wanted = Object.entries({ ...env, LC_ALL: "C" }).map(
          ([name, value]) => `${name}=${value}`,
        );
        expect(mine.toSorted()).toEqual(wanted.toSorted());
        const descriptors = readFileSync(`${dump}.fds`, "utf8").match(/ \d+ -> .*/g)!;
        // Its own three, and the listing.
        expect(descriptors.map((line) => Number(/\d+/.exec(line)))).toEqual([0, 1, 2, 3]);
        expect(descriptors[3]).toContain("/fd");
        expect(readFileSync(`${dump}.maps`, "utf8")).not.toContain("memfd");
      },
    );
  });

  test("says why a program can't be started", () => {
    using scratch = new Scratch();
    const program = scratch.path("blankroot");
    const refused = (text: string) => {
      writeFileSync(program, text, { mode: 0o755 });
      return run(
        ["bash", "-c", 'exec -a "$1" "$2" install-links /', "sh", program, files.inPlace],
        "/",
      ).stderr;
    };
    expect(refused("no program\n")).toContain("it is no program of this machine");
    expect(refused("#!/nonexistent\n")).toContain("or what interprets it, is missing");
  });

  describe("called by a link", () => {
    test("runs the script of that name", () => {
      using scratch = new Scratch();
      symlinkSync(files.compressed, scratch.path("fs-diff"));
      expect(run([scratch.path("fs-diff"), "--help"], "/").stdout).toBe(help);
    });

    test("install-links makes them all, once, and replaces nothing", () => {
      using scratch = new Scratch();
      const file = scratch.path("blankroot");
      sh(["cp", files.compressed, file]);
      const shown = run([file, "install-links", "--dry-run", scratch.dir], "/");
      expect(shown.stdout).toContain(`ln -s -- blankroot ${scratch.path("persist-copy")}\n`);
      expect(existsSync(scratch.path("persist-copy"))).toBe(false);
      expect(run(["./blankroot", "install-links", "."], scratch.dir).status).toBe(0);
      expect(run([scratch.path("fs-diff"), "--help"], "/").stdout).toBe(help);
      const again = run([file, "install-links", scratch.dir], "/");
      expect(again).toMatchObject({ status: 0 });
      expect(again.stderr).toContain("0 links");

      const other = scratch.mkdir("other");
      writeFileSync(scratch.path("other", "rollback"), "mine");
      const refused = run([file, "install-links", other], "/");
      expect(refused.status).toBe(3);
      expect(refused.stderr).toContain("other/rollback");
      expect(existsSync(scratch.path("other", "fs-diff"))).toBe(false);
    });

    test("PATH finds the file that a link shall lead to", () => {
      using scratch = new Scratch();
      sh(["cp", files.compressed, scratch.path("blankroot")]);
      const dir = scratch.mkdir("links");
      const env = { PATH: `${scratch.dir}:${process.env.PATH}` };
      expect(run(["bash", "-c", `blankroot install-links ${dir}`], "/", env).status).toBe(0);
      expect(run([scratch.path("links", "fs-diff"), "--help"], "/").stdout).toBe(help);
    });
  });

  test("unpack writes the other form, and over nothing", () => {
    using scratch = new Scratch();
    const file = scratch.path("blankroot");
    expect(run([files.compressed, "unpack", file], "/", { BLANKROOT_CACHE: "off" }).status).toBe(0);
    expect(readFileSync(file).equals(readFileSync(files.inPlace))).toBe(true);
    expect(run([file, "fs-diff", "--help"], "/").stdout).toBe(help);
    const again = run([files.compressed, "unpack", file], "/");
    expect(again.status).toBe(3);
    expect(again.stderr).toContain("it exists already");
    expect(run([files.compressed, "unpack"], "/").status).toBe(2);
    expect(run([files.compressed, "unpack", ""], "/").status).toBe(2);
    expect(run([files.compressed, "unpack", "a", "b"], "/").status).toBe(2);
  });

  test("says what it carries, and under which licenses", () => {
    const { stdout, status } = run([files.compressed, "--licenses"], "/");
    expect(status).toBe(0);
    for (const name of ["Bun", "JavaScriptCore", "GNU C Library", "Zstandard", "zod", "consola"]) {
      expect(stdout).toContain(name);
    }
    expect(stdout).toContain("GNU LESSER GENERAL PUBLIC LICENSE");
  });

  test("is statically linked", () => {
    for (const file of [files.compressed, files.inPlace]) {
      expect(sh(["file", file])).toContain("statically linked");
    }
  });
});
