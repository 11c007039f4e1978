/** The stub and the launcher, compiled from launcher/ and zstd's decoder. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Architecture, ZSTD } from "./architectures.ts";
import { exec } from "./exec.ts";
import { fetchPackage } from "./npm.ts";

export const LAUNCHER = join(import.meta.dir, "../../launcher");

/** Without a C library, a build id, or anything that tells of the machine that compiled it. */
const FLAGS = [
  ..."-std=gnu11 -O2 -ffreestanding -fno-stack-protector -fno-pic -fno-pie -fno-ident".split(" "),
  ..."-fno-asynchronous-unwind-tables -fno-unwind-tables -ffunction-sections".split(" "),
  // The functions of memory.c must not be turned into calls of themselves.
  "-fno-tree-loop-distribute-patterns",
  ..."-nostdlib -static -no-pie -s -Wl,--gc-sections -Wl,--build-id=none".split(" "),
  ..."-Wl,-z,noexecstack -Wl,-z,norelro".split(" "),
];
const WARNINGS = ["-Wall", "-Wextra", "-Werror"];

/** Of zstd/lib: the decoder alone. */
const DECODER = [
  ..."debug entropy_common error_private fse_decompress xxhash zstd_common"
    .split(" ")
    .map((name) => `common/${name}.c`),
  ..."huf_decompress zstd_ddict zstd_decompress zstd_decompress_block"
    .split(" ")
    .map((name) => `decompress/${name}.c`),
];
const DECODER_FLAGS = [
  ...["-DZSTD_DISABLE_ASM", "-DZSTD_LEGACY_SUPPORT=0", "-DZSTD_TRACE=0"],
  // Of its two loops, the one that fetches ahead: the window is larger than any cache.
  "-DZSTD_FORCE_DECOMPRESS_SEQUENCES_LONG",
  // Of its two kinds of tables, the smaller: as fast on what we carry.
  "-DHUF_FORCE_DECOMPRESS_X1",
];

export function zstdFolder(): string {
  return join(fetchPackage(ZSTD), "deps/zstd");
}

export function compileStub(architecture: Architecture, folder: string): Uint8Array {
  return compile(architecture, join(folder, "stub"), "stub.ld", [join(LAUNCHER, "stub.c")]);
}

export function compileLauncher(architecture: Architecture, folder: string): Uint8Array {
  const zstd = join(zstdFolder(), "lib");
  return compile(architecture, join(folder, "launcher"), "launcher.ld", [
    ...["-I", join(LAUNCHER, "freestanding"), "-I", LAUNCHER, "-I", zstd],
    ...DECODER_FLAGS,
    ...["launcher.c", "memory.c"].map((name) => join(LAUNCHER, name)),
    ...DECODER.map((name) => join(zstd, name)),
  ]);
}

function compile(
  architecture: Architecture,
  output: string,
  script: string,
  what: readonly string[],
): Uint8Array {
  const { compiler, compilerFlags, linkerFlags } = architecture;
  exec([
    compiler,
    ...FLAGS,
    ...WARNINGS,
    ...compilerFlags,
    // Not through -Wl: a comma in the path would cut it.
    ...["-T", join(LAUNCHER, script)],
    ...what,
    ...linkerFlags,
    "-o",
    output,
  ]);
  return readFileSync(output);
}
