import { expect, test } from "bun:test";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { COMMAND } from "../support/blankroot.ts";
import { attachLoop, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { writeProfile } from "../support/profile.ts";
import { converse } from "../support/terminal.ts";

const SIZE_BYTES = 1024 ** 3;
const QUESTION = "Type the token to go on: ";

function prepared(scratch: Scratch) {
  const device = attachLoop(scratch, "disk", { sizeBytes: SIZE_BYTES });
  const words = ["format-disk", "--profile", writeProfile(scratch, { device })];
  return { device, words, token: `${basename(device)}-${SIZE_BYTES}` };
}

describePrivileged("format-disk on a terminal", () => {
  test("shows the disk, asks for its token, and lays it out", async () => {
    using scratch = new Scratch();
    const { device, words, token } = prepared(scratch);
    const { status, screen } = await converse(words, { until: QUESTION, answer: `${token}\n` });
    expect(screen).toContain(`Its token is ${token}`);
    expect(screen).toContain("Make the btrfs file system");
    expect(status).toBe(0);
    expect(existsSync(`${device}p3`)).toBe(true);
  });

  test.each([
    ["another token", "yes\n", /"yes" is not the token/, 3],
    ["nothing", "\n", /no token was typed/, 3],
    ["Ctrl-D", "\x04", /no token was typed/, 3],
    ["Ctrl-C", "\x03", /interrupted, nothing was touched/, 130],
  ])("takes %s for no", async (_, answer, message, expected) => {
    using scratch = new Scratch();
    const { device, words } = prepared(scratch);
    const { status, screen } = await converse(words, { until: QUESTION, answer });
    expect(screen).toMatch(message);
    expect(status).toBe(expected);
    expect(existsSync(`${device}p1`)).toBe(false);
  });

  test("refuses a disk that changed while the question stood", async () => {
    using scratch = new Scratch();
    const { device, words, token } = prepared(scratch);
    const meanwhile = () => void sh(["mkfs.ext4", "-q", device]);
    const talk = { until: QUESTION, answer: `${token}\n`, meanwhile };
    const { status, screen } = await converse(words, talk);
    expect(screen).toContain("it changed since the plan was made");
    expect(status).toBe(3);
    expect(sh(["blkid", "--probe", device])).toContain("ext4");
  });
});

describePrivileged("format-disk, interrupted", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("ends at %s with status %d, and says what to do", async (signal, expected) => {
    using scratch = new Scratch();
    const { device, words, token } = prepared(scratch);
    const bin = scratch.mkdir("bin");
    writeFileSync(`${bin}/mkswap`, `#!/bin/sh\n: >${scratch.path("begun")}\nexec sleep 20\n`);
    chmodSync(`${bin}/mkswap`, 0o755);
    const child = Bun.spawn([...COMMAND, ...words, `--apply=${token}`], {
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
      stdout: "ignore",
      stderr: "pipe",
    });
    for (let polls = 0; polls < 200 && !existsSync(scratch.path("begun")); polls++)
      await Bun.sleep(50);
    child.kill(signal);
    expect(await child.exited).toBe(expected);
    expect(await new Response(child.stderr).text()).toContain("run format-disk again with --wipe");
    expect(sh(["wipefs", "--no-act", `${device}p3`])).toBe("");
  });

  test("refuses the disk that an installer was started from", () => {
    using scratch = new Scratch();
    const { device, words, token } = prepared(scratch);
    sh(["mkfs.btrfs", "--quiet", device]);
    const script = `mount -t tmpfs none /run; mkdir -p /run/live/medium; mount ${device} /run/live/medium; exec "$@"`;
    const argv = ["unshare", "--mount", "sh", "-ec", script, "sh", ...COMMAND, ...words];
    const ran = Bun.spawnSync([...argv, "--wipe", `--apply=${token}`], { stderr: "pipe" });
    expect(ran.stderr.toString()).toContain("it carries the installer's medium: ");
    expect(ran.exitCode).toBe(3);
  });
});
