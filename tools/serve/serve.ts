/**
 * Offers dist/ on the network and says what to type on the installer.
 *
 *     npm run serve [-- --address ADDRESS] [--port PORT] [DIR]
 *
 * On this machine alone unless an address of it is named.
 */
import { isIP, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Fault, Refusal, UsageFault } from "../../lib/fault.ts";
import { visible } from "../../lib/text.ts";
import { instructions, routes } from "./lines.ts";
import { readOffered } from "./offer.ts";

const LOOPBACK = "127.0.0.1";
const PORT = 8000;
const PORT_MAX = 65_535;
/** Until a download without progress is given up. */
const STALLED_S = 120;
const ENDINGS = { SIGINT: 130, SIGTERM: 143 } as const;

interface Options {
  readonly address: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly folder: string;
}

try {
  main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  console.error(`[error] serve: ${error.message}`);
  if (error.hint !== undefined) console.error(`        ${error.hint}`);
  process.exit(error.status);
}

function main(words: readonly string[]): void {
  const options = readOptions(words);
  const offered = readOffered(options.folder);
  const server = listen(options, routes(offered));
  for (const [signal, status] of Object.entries(ENDINGS)) {
    process.on(signal, () => process.exit(status));
  }
  const host = isIPv6(options.address) ? `[${options.address}]` : options.address;
  console.log(instructions(offered, `${host}:${server.port}`));
  if (isLoopback(options.address)) {
    console.error(`[info] for this machine alone; for others, --address ${others()}`);
  }
  console.error("[info] serving until Ctrl-C");
}

function readOptions(words: readonly string[]): Options {
  const { values, positionals } = parsed(words);
  const { address, port } = values;
  // Of "any address" none is known that can be typed, and a zone is this machine's own.
  if (isIP(address) === 0 || address.includes("%") || /^[0:.]+$/.test(address)) {
    const named = `--address ${visible(address)}`;
    throw new UsageFault(`Cannot take ${named}: expected one address of this machine`, {
      hint: `--address ${others()}`,
    });
  }
  if (!/^\d{1,5}$/.test(port) || Number(port) > PORT_MAX) {
    throw new UsageFault(`Cannot take --port ${visible(port)}: expected 0 to ${PORT_MAX}`);
  }
  const [folder = join(import.meta.dir, "../../dist"), ...more] = positionals;
  if (more.length > 0) throw new UsageFault("Cannot serve more than one directory");
  return { address, port: Number(port), folder };
}

function parsed(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        address: { type: "string", default: LOOPBACK },
        port: { type: "string", default: String(PORT) },
      },
    });
  } catch (cause) {
    throw new UsageFault((cause as Error).message, { cause });
  }
}

function listen({ address, port }: Options, paths: ReturnType<typeof routes>) {
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
        console.error(`[info] ${from} ${request.method} ${visible(path)}: ${response.status}`);
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
