/**
 * One boot under software emulation, to its end, with what stood on the serial console.
 *
 * QEMU ends with status 0 whenever the guest powers off, and a guest powers off for many
 * reasons: a boot counts only where a marker stands on the console, which the last stage
 * alone writes. A boot that ends otherwise throws with all of the console; nothing is
 * ever tried a second time.
 */
import type { BootParts } from "./parts.ts";

const MEMORY_MIB = 768;
const TIMEOUT_MS = 120_000;
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
  const child = Bun.spawn(argvOf(machine), { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  const errors = new Response(child.stderr).text();
  try {
    const { said, undone } = await converse(child, machine.steps ?? []);
    const status = await child.exited;
    const [step] = undone;
    if (status === 0 && step === undefined && said.includes(marker)) return said;
    const why = late ? `its ${timeoutMs} ms were over` : `QEMU's status is ${status}`;
    const expected = step === undefined ? `"${marker}"` : String(step.when);
    throw new Error(
      `The guest: ${why}, expected ${expected} on its console\n${await errors}${said}`,
    );
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
  }
}

type Child = Bun.Subprocess<"pipe", "pipe", "pipe">;

/** Follows the console to its end, and does each step in its turn. */
async function converse(child: Child, steps: readonly Step[]) {
  const decoder = new TextDecoder();
  const type = (text: string) => {
    child.stdin.write(text);
    child.stdin.flush();
  };
  const waiting = Array.from(steps);
  let said = "";
  let from = 0;
  for await (const chunk of child.stdout) {
    said += decoder.decode(chunk, { stream: true });
    const found = waiting[0]?.when.exec(plain(said.slice(from)));
    if (found === null || found === undefined) continue;
    from = said.length;
    await waiting.shift()!.act(type);
  }
  return { said: plain(said), undone: waiting };
}

/** Without what moves the cursor, colours, or asks the terminal for something. */
function plain(said: string): string {
  return said.replace(/\x1b\[[0-9;?]*[A-Za-z]|\x1b[c78]|\r/g, "");
}

function argvOf(machine: Boot): string[] {
  const { parts, initrd, image, parameters = [], devices, processors = 1 } = machine;
  const disk = ["-drive", `file=${image},format=raw,if=virtio,cache=unsafe`];
  const command = [
    "console=ttyS0 init=/nix/system/init panic=-1 quiet loglevel=3 mitigations=off",
    // What Debian's systemd would look for beside what it is told.
    "rd.systemd.gpt_auto=0 systemd.show_status=1 cryptomgr.notests",
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
