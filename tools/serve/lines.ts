/** What to type on the installer. */
import { type Offered, SUMS } from "./offer.ts";

/** Digits of the sum that are typed by hand: 64 bits, beyond what anybody makes collide on purpose. */
const TYPED_DIGITS = 16;
const COMPRESSED = /^blankroot-(.*)-linux$/;

/** By path: what a file is called, and for the compressed one also the architecture alone. */
export function routes(offered: readonly Offered[]): Map<string, Uint8Array<ArrayBuffer>> {
  const sums = offered.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join("");
  const paths = new Map([[`/${SUMS}`, new TextEncoder().encode(sums)]]);
  for (const { name, bytes } of offered) {
    paths.set(`/${name}`, bytes);
    const architecture = architectureOf(name);
    if (architecture !== undefined) paths.set(`/${architecture}`, bytes);
  }
  return paths;
}

/** @param authority host and port as in a URL */
export function instructions(offered: readonly Offered[], authority: string): string {
  const sections = offered.flatMap(({ name, sha256 }) => {
    const architecture = architectureOf(name);
    if (architecture === undefined) return [];
    const url = `http://${authority}/${name}`;
    const typed = sha256.slice(0, TYPED_DIGITS);
    return [
      `On the installer of ${architecture}, to paste:`,
      "",
      `  curl -fo blankroot ${url} && echo '${sha256}  blankroot' | sha256sum -c && chmod +x blankroot`,
      "",
      "or to type, with the first digits of the sum:",
      "",
      `  curl -fo blankroot ${authority}/${architecture} && sha256sum blankroot | grep ^${typed} && chmod +x blankroot`,
      "",
    ];
  });
  return sections.join("\n");
}

function architectureOf(name: string): string | undefined {
  return COMPRESSED.exec(name)?.[1];
}
