/**
 * One boot under software emulation, to its end, with what stood on the serial console.
 *
 * QEMU ends with status 0 whenever the guest powers off, and a guest powers off for many
 * reasons: a boot counts only where a marker stands on the console, which the last stage
 * alone writes. A boot that ends otherwise throws with all of the console; nothing is
 * ever tried a second time.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { BootParts } from "./parts.ts";

const MEMORY_MIB = 768;
/** Twenty times what a boot takes where nothing else runs. */
const TIMEOUT_MS = 300_000;
const POLL_MS = 50;
/** Written by the small system's init when it has done all (see system.ts). */
export const STAGE2_DONE = "stage 2: done";

export interface Boot {
  readonly parts: BootParts;
  readonly initrd: string;
  /** Image of /dev/vda. */
  readonly image: string;
  /** For the kernel's command line. */
  readonly parameters?: readonly string[];
  /** Of QEMU; instead of the plain disk where they name one. */
  readonly devices?: readonly string[];
  /** What stands on the console, in this order, and what is done then. */
  readonly steps?: readonly Step[];
  /** What shows that it went as it should: STAGE2_DONE unless given. */
  readonly marker?: string;
  /** One unless given: two guests with one each take less time than one with two, twice. */
  readonly processors?: number;
  readonly timeoutMs?: number;
}

export interface Step {
  readonly when: RegExp;
  /** `type` types on the console. */
  act(type: (text: string) => void): void | Promise<void>;
}

/** @returns the console, a line each without control sequences; @throws with it where the marker is missing */
export async function boot(machine: Boot): Promise<string> {
  const { marker = STAGE2_DONE, timeoutMs = TIMEOUT_MS } = machine;
  // A file, for a guest doesn't wait for whoever reads: of a pipe that is full it loses the
  // rest, and one is soon full while tests run programs, each of its bytes a message of its own.
  const console = `${machine.image}.console`;
  writeFileSync(console, "");
  const child = Bun.spawn(argvOf(machine), {
    stdin: "pipe",
    stdout: Bun.file(console),
    stderr: "pipe",
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  try {
    const [step] = await converse(child, console, machine.steps ?? []);
    const status = await child.exited;
    const said = plain(readFileSync(console));
    if (status === 0 && step === undefined && said.includes(marker)) return said;
    const why = late ? `its ${timeoutMs} ms were over` : `QEMU's status is ${status}`;
    const expected = step === undefined ? `"${marker}"` : String(step.when);
    const errors = await new Response(child.stderr).text();
    throw new Error(`The guest: ${why}, expected ${expected} on its console\n${errors}${said}`);
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
  }
}

type Child = Bun.Subprocess<"pipe", Bun.BunFile, "pipe">;

/** Does each step in its turn, until the guest ends. @returns those whose turn never came */
async function converse(child: Child, console: string, steps: readonly Step[]): Promise<Step[]> {
  const type = (text: string) => {
    child.stdin.write(text);
    child.stdin.flush();
  };
  const waiting = Array.from(steps);
  let from = 0;
  while (waiting.length > 0 && child.exitCode === null && child.signalCode === null) {
    const said = readFileSync(console);
    if (waiting[0]!.when.test(plain(said.subarray(from)))) {
      from = said.length;
      await waiting.shift()!.act(type);
    } else {
      await Bun.sleep(POLL_MS);
    }
  }
  return waiting;
}

/** Without what moves the cursor, colours, or asks the terminal for something. */
function plain(said: Buffer): string {
  return said.toString().replace(/\x1b\[[0-9;?]*[A-Za-z]|\x1b[c78]|\r/g, "");
}

function argvOf(machine: Boot): string[] {
  const { parts, initrd, image, parameters = [], devices, processors = 1 } = machine;
  const disk = ["-drive", `file=${image},format=raw,if=virtio,cache=unsafe`];
  const command = [
    "console=ttyS0 init=/nix/system/init panic=-1 quiet loglevel=3 mitigations=off",
    // What Debian's systemd would look for beside what it is told.
    "rd.systemd.gpt_auto=0 systemd.show_status=1 cryptomgr.notests",
    // Code at an address of its own in each process would be translated anew for each.
    "norandmaps",
    ...parameters,
  ];
  return [
    // Ends with whoever started it, also where that is killed.
    ...["setpriv", "--pdeathsig", "KILL"],
    ...["qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-smp", String(processors)],
    ...["-m", String(MEMORY_MIB), "-nodefaults", "-display", "none", "-no-reboot"],
    ...["-serial", "stdio", "-kernel", parts.kernel, "-initrd", initrd],
    ...["-append", command.join(" "), ...(devices ?? disk)],
  ];
}
