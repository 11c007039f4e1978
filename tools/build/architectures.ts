/**
 * What each executable is made of. npm packages are pinned by their hash; the C
 * library is that of the Debian the build runs on, and its version is written down.
 */
import type { NpmPackage } from "./npm.ts";

export interface Architecture {
  readonly name: "x86_64" | "aarch64";
  /** e_machine of ELF. */
  readonly machine: number;
  readonly bun: NpmPackage;
  /** As `bun build --target` names it. */
  readonly target: string;
  readonly compiler: string;
  readonly compilerFlags: readonly string[];
  readonly linkerFlags: readonly string[];
  /** Debian's package of the C library. */
  readonly libcPackage: string;
  readonly libraryFolder: string;
  readonly loader: string;
}

/** The ones a Bun executable names (NEEDED), but for the loader. */
export const LIBRARIES = ["libc.so.6", "libpthread.so.0", "libdl.so.2", "libm.so.6"];

export const BUN_VERSION = "1.4.5";

export const ARCHITECTURES: readonly Architecture[] = [
  {
    name: "x86_64",
    machine: 62,
    // Baseline: for processors without AVX2, from Nehalem on.
    bun: {
      name: "@oven/bun-linux-x64-baseline",
      version: BUN_VERSION,
      integrity:
        "sha512-s8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA==",
    },
    target: "bun-linux-x64-baseline",
    compiler: "gcc",
    compilerFlags: ["-march=x86-64", "-fcf-protection=none"],
    linkerFlags: [],
    libcPackage: "libc6",
    libraryFolder: "/lib/x86_64-linux-gnu",
    loader: "ld-linux-x86-64.so.2",
  },
  {
    name: "aarch64",
    machine: 183,
    bun: {
      name: "@oven/bun-linux-aarch64",
      version: BUN_VERSION,
      integrity:
        "sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
    },
    target: "bun-linux-arm64",
    compiler: "aarch64-linux-gnu-gcc",
    compilerFlags: ["-march=armv8-a", "-mno-outline-atomics"],
    linkerFlags: ["-lgcc"],
    libcPackage: "libc6-arm64-cross",
    libraryFolder: "/usr/aarch64-linux-gnu/lib",
    loader: "ld-linux-aarch64.so.1",
  },
];

/** Its sources are in this package; nothing of its own is run or carried. */
export const ZSTD: NpmPackage = {
  name: "zstd-napi",
  version: "0.0.13",
  integrity:
    "sha512-ErGF+Ko1PsbooU6oC/sc/diiWKwVa0kd/5AkFSs7kg5kwcEuOtSzOy3xUOadXQlAVNab9TxsxaUk3hOq3cj/lA==",
};
