/** `npm run serve`: the line it prints, typed as it stands, and what it refuses. */
import { describe, expect, test } from "bun:test";
import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Scratch, sh } from "../support/disk.ts";
import { builtExecutable } from "../support/executable.ts";
import { describePrivileged, describeUnless, missingProgram } from "../support/privileged.ts";

const SERVE = join(import.meta.dir, "../../tools/serve/serve.ts");
const NAME = "blankroot-x86_64-linux";
const CONTENT = `\x7fELF, as far as curl knows ${"x".repeat(300_000)}`;

/** A dist/ of one file. */
function makeDist(scratch: Scratch, content: string | Buffer = CONTENT): string {
  const folder = scratch.mkdir("dist");
  writeFileSync(join(folder, NAME), content);
  sh(["sh", "-c", 'cd "$1" && sha256sum blankroot-* >SHA256SUMS', "sh", folder]);
  return folder;
}

class Served implements Disposable {
  /** What to type. */
  readonly commands: readonly string[];
  readonly url: string;
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;

  private constructor(child: Bun.Subprocess<"ignore", "pipe", "pipe">, said: string) {
    this.#child = child;
    this.commands = said.match(/^ {2}curl .*$/gm) ?? [];
    this.url = /http:\S+:\d+/.exec(said)![0];
  }

  /** Once it says what to type. */
  static async start(...words: string[]): Promise<Served> {
    const child = Bun.spawn([process.execPath, SERVE, "--port", "0", ...words], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    let said = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      said += decoder.decode(chunk);
      if (said.endsWith("\n\n")) return new Served(child, said);
    }
    throw new Error(await new Response(child.stderr).text());
  }

  async end(signal: NodeJS.Signals): Promise<{ status: number; stderr: string }> {
    this.#child.kill(signal);
    const stderr = await new Response(this.#child.stderr).text();
    return { status: await this.#child.exited, stderr };
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}

/** Not waited for in this process, which is no server: the other one is. */
function type(command: string, directory: string) {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["sh", "-c", command], {
    cwd: directory,
    stdout: "pipe",
    stderr: "pipe",
  });
  return { status: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

function refused(...words: string[]) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, SERVE, ...words], {
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(stdout.toString()).toBe("");
  return [exitCode, stderr.toString()] as const;
}

describePrivileged("npm run serve", () => {
  test("says what it takes", () => {
    const { exitCode, stdout } = Bun.spawnSync([process.execPath, SERVE, "--help"]);
    expect([exitCode, stdout.toString()]).toEqual([
      0,
      expect.stringMatching(/^Usage: serve .*^ +--address=ADDRESS .*^ +--port=PORT /ms),
    ]);
  });

  test("prints lines that bring the executable", async () => {
    using scratch = new Scratch();
    const { compressed } = builtExecutable();
    const folder = scratch.mkdir("dist");
    copyFileSync(compressed, join(folder, basename(compressed)));
    sh(["sh", "-c", 'cd "$1" && sha256sum blankroot-* >SHA256SUMS', "sh", folder]);
    using served = await Served.start(folder);
    const version = sh([compressed, "--version"]);
    expect(served.commands).toHaveLength(2);
    for (const [index, command] of served.commands.entries()) {
      const iso = scratch.mkdir(`iso${index}`);
      expect(type(`${command} && ./blankroot --version`, iso)).toMatchObject({
        status: 0,
        stdout: expect.stringContaining(version),
      });
      expect(readFileSync(join(iso, "blankroot")).equals(readFileSync(compressed))).toBe(true);
      expect(statSync(join(iso, "blankroot")).mode & 0o111).not.toBe(0);
    }
  });
});

describeUnless(missingProgram(["curl", "sha256sum"]), "npm run serve", () => {
  test.each<[string, (file: string) => void]>([
    ["a flipped bit", (file) => flip(file)],
    ["an end that is missing", (file) => truncateSync(file, 1000)],
    ["an error page", (file) => writeFileSync(file, "<html>404 Not Found</html>\n")],
  ])("prints lines that stop at %s", async (_, damage) => {
    using scratch = new Scratch();
    using served = await Served.start(makeDist(scratch));
    for (const command of served.commands) {
      const [download, ...check] = command.split(" && ");
      expect(type(download!, scratch.dir).status).toBe(0);
      const file = scratch.path("blankroot");
      damage(file);
      expect(type(check.join(" && "), scratch.dir).status).toBe(1);
      expect(statSync(file).mode & 0o111).toBe(0);
      sh(["rm", file]);
    }
  });

  test("gives the bytes it has checked, whatever becomes of the file", async () => {
    using scratch = new Scratch();
    const folder = makeDist(scratch);
    using served = await Served.start(folder);
    writeFileSync(join(folder, NAME), "another build");
    expect(type(served.commands[0]!, scratch.dir).status).toBe(0);
    expect(readFileSync(scratch.path("blankroot"), "latin1")).toBe(CONTENT);
  });

  test("offers what SHA256SUMS lists and nothing else", async () => {
    using scratch = new Scratch();
    const folder = makeDist(scratch);
    writeFileSync(join(folder, "blankroot-riscv64-linux"), "not listed");
    using served = await Served.start(folder);
    const status = (path: string, ...words: string[]) => {
      const url = `${served.url}${path}`;
      const curl = ["curl", "-s", "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}"];
      return sh([...curl, ...words, url]);
    };
    expect([`/${NAME}`, "/x86_64", "/SHA256SUMS"].map((path) => status(path))).toEqual([
      "200",
      "200",
      "200",
    ]);
    const nothing = [
      ...["/", "/blankroot-riscv64-linux", "/riscv64", "/../../etc/passwd"],
      ...["/%2e%2e/%2e%2e/etc/passwd", "/x86_64/", "//x86_64", "/x86_64%00", "/."],
    ];
    expect(nothing.map((path) => [path, status(path)])).toEqual(
      nothing.map((path) => [path, "404"]),
    );
    expect(status("/x86_64", "-X", "PUT", "-d", "x")).toBe("405");
    expect(sh(["curl", "-sI", `${served.url}/x86_64`])).toMatch(/content-length: 3000\d\d\r\n/i);
    expect(status("/%1b%5b31m")).toBe("404");
    const { stderr } = await served.end("SIGINT");
    expect(stderr).not.toContain("\x1b");
    expect(stderr).toContain(`[info] 127.0.0.1 GET /${NAME}: 200\n`);
  });

  test.each<[NodeJS.Signals, number]>([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ])("ends at %s with %d", async (signal, status) => {
    using scratch = new Scratch();
    using served = await Served.start(makeDist(scratch));
    expect(await served.end(signal)).toEqual({
      status,
      stderr: expect.stringMatching(/\[info\] serving until Ctrl-C\n$/),
    });
  });

  test("listens where it is told and nowhere else", async () => {
    using scratch = new Scratch();
    const folder = makeDist(scratch);
    using served = await Served.start("--address", "127.0.0.7", folder);
    expect(served.url).toStartWith("http://127.0.0.7:");
    expect(type(served.commands[1]!, scratch.dir).status).toBe(0);
    const elsewhere = served.url.replace("127.0.0.7", "127.0.0.1");
    expect(type(`curl -s ${elsewhere}/x86_64`, scratch.dir).status).not.toBe(0);
    using six = await Served.start("--address", "::1", folder);
    expect(six.url).toStartWith("http://[::1]:");
    for (const command of six.commands) expect(type(command, scratch.dir).status).toBe(0);
  });

  describe("refuses", () => {
    const port = /:(\d+)$/;
    test("a port that is taken", async () => {
      using scratch = new Scratch();
      const folder = makeDist(scratch);
      using served = await Served.start(folder);
      const taken = port.exec(served.url)![1]!;
      const [status, stderr] = refused("--port", taken, folder);
      expect(status).toBe(3);
      expect(stderr).toContain(`Cannot serve at 127.0.0.1, port ${taken}: EADDRINUSE`);
      expect(stderr).toContain("--port 0");
    });

    test.each<[string, number, string]>([
      ["--address 203.0.113.9", 3, "Cannot serve at 203.0.113.9, port 0"],
      ["--address 0.0.0.0", 2, "expected one address of this machine"],
      ["--address ::", 2, "expected one address of this machine"],
      ["--address fe80::1%eth0", 2, "expected one address of this machine"],
      ["--address example.org", 2, "expected one address of this machine"],
      ["--port 65536", 2, "expected 0 to 65535"],
      ["--port x", 2, "expected 0 to 65535"],
      ["--prot 1", 2, "--prot"],
      ["more", 2, 'unexpected word "more"'],
    ])("%s", (words, expected, text) => {
      using scratch = new Scratch();
      const port = words.includes("--port") ? [] : ["--port", "0"];
      const [status, stderr] = refused(...port, makeDist(scratch), ...words.split(" "));
      expect([status, stderr]).toEqual([expected, expect.stringContaining(text)]);
    });

    test.each<[string, string, string]>([
      ["nothing built", "rm *", "SHA256SUMS: ENOENT"],
      ["a file that is missing", "rm blankroot-*", `${NAME}: ENOENT`],
      ["a file of another build", "echo >>blankroot-x86_64-linux", "its checksum is not that"],
      ["an empty list", ": >SHA256SUMS", "it is empty"],
      ["a list of other files", "sha256sum /etc/passwd >SHA256SUMS", "no such line is ours"],
      ["a list with a way out", "sed -i s,blankroot-,../blankroot-, SHA256SUMS", "no such line"],
    ])("%s", (_, damage, text) => {
      using scratch = new Scratch();
      const folder = makeDist(scratch);
      sh(["sh", "-euc", `cd "$1"; ${damage}`, "sh", folder]);
      const [status, stderr] = refused("--port", "0", folder);
      expect([status, stderr]).toEqual([3, expect.stringContaining(text)]);
      expect(stderr).toContain("npm run build");
    });
  });
});

function flip(file: string): void {
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(file, bytes);
}
