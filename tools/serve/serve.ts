/** npm run serve: offers dist/ on the network and says what to type on the installer. */
import { isIP, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { defineScript, runAlone, say } from "../../lib/cli.ts";
import { Refusal, UsageFault } from "../../lib/fault.ts";
import { stdout } from "../../lib/host/output.ts";
import { visible } from "../../lib/text.ts";
import { instructions, routes } from "./lines.ts";
import { readOffered } from "./offer.ts";

const LOOPBACK = "127.0.0.1";
const PORT = 8000;
const PORT_MAX = 65_535;
/** Until a download without progress is given up. */
const STALLED_S = 120;
const ENDINGS = { SIGINT: 130, SIGTERM: 143 } as const;

const script = defineScript({
  name: "serve",
  summary: "Offer the executables on the network",
  description: [
    "Serves what `npm run build` made, over HTTP, to this machine alone unless an address of it is named, and prints the lines to type on the installer: curl, with the checksum of the file in them. Until Ctrl-C.",
  ],
  profile: "none",
  operands: {
    name: "DIR",
    description: "What to serve; dist/ unless given",
    usage: "[DIR]",
    most: 1,
  },
  args: {
    address: {
      type: "string",
      valueHint: "ADDRESS",
      description: `Of this machine, for others to reach; ${LOOPBACK} unless given`,
    },
    port: {
      type: "string",
      valueHint: "PORT",
      description: `0 takes any that is free; ${PORT} unless given`,
    },
  },
  async run({ args, operands }) {
    const { address = LOOPBACK, port = String(PORT) } = args;
    requireAddress(address);
    const [folder] = operands.map((word) => Buffer.from(word).toString());
    const offered = readOffered(folder ?? join(import.meta.dir, "../../dist"));
    const server = listen(address, portOf(port), routes(offered));
    for (const [signal, status] of Object.entries(ENDINGS)) {
      process.on(signal, () => process.exit(status));
    }
    const host = isIPv6(address) ? `[${address}]` : address;
    stdout.tell(`${instructions(offered, `${host}:${server.port}`)}\n`);
    stdout.flush();
    if (isLoopback(address)) {
      say.info(`for this machine alone; for others, --address ${others()}`);
    }
    say.info("serving until Ctrl-C");
    return await new Promise<never>(() => {});
  },
});

/** Of "any address" none is known that can be typed, and a zone is this machine's own. */
function requireAddress(address: string): void {
  if (isIP(address) !== 0 && !address.includes("%") && !/^[0:.]+$/.test(address)) return;
  throw new UsageFault(
    `Cannot take --address ${visible(address)}: expected one address of this machine`,
    { hint: `--address ${others()}` },
  );
}

function portOf(port: string): number {
  if (/^\d{1,5}$/.test(port) && Number(port) <= PORT_MAX) return Number(port);
  throw new UsageFault(`Cannot take --port ${visible(port)}: expected 0 to ${PORT_MAX}`);
}

function listen(address: string, port: number, paths: ReturnType<typeof routes>) {
  try {
    return Bun.serve({
      hostname: address,
      port,
      // Another server at the same port would be asked in turn.
      reusePort: false,
      development: false,
      idleTimeout: STALLED_S,
      fetch(request, server) {
        const path = new URL(request.url).pathname;
        const response = answer(request.method, paths.get(path));
        const from = server.requestIP(request)?.address ?? "nobody";
        say.info(`${from} ${request.method} ${visible(path)}: ${response.status}`);
        return response;
      },
    });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const hint =
      code === "EADDRINUSE" ? "--port 0 takes any that is free" : `--address ${others()}`;
    throw new Refusal(`Cannot serve at ${address}, port ${port}: ${code}`, { hint, cause });
  }
}

function answer(method: string, bytes: Uint8Array<ArrayBuffer> | undefined): Response {
  const isRead = method === "GET" || method === "HEAD";
  if (!isRead) return new Response("Only GET and HEAD\n", { status: 405 });
  if (bytes === undefined) return new Response("Nothing here\n", { status: 404 });
  return new Response(method === "HEAD" ? null : bytes, {
    headers: {
      "Content-Type": "application/octet-stream",
      "Content-Length": String(bytes.length),
    },
  });
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

/** Addresses of this machine that others could reach, for a hint. */
function others(): string {
  const all = Object.values(networkInterfaces()).flatMap((of) => of ?? []);
  const found = all.filter(
    ({ internal, address }) => !internal && !address.toLowerCase().startsWith("fe80:"),
  );
  return found.length === 0
    ? "ADDRESS; none but loopback is up"
    : found.map(({ address }) => address).join(" or ");
}

await runAlone(script, import.meta.main);
