/**
 * How wide a text is on a terminal: in cells, of which a CJK character takes two and a
 * combining mark none.
 *
 * Terminals don't agree on what several code points make together (an emoji with a
 * colour of skin, a flag): here a cluster is as wide as the widest of them would have
 * it, so that no line is longer than its place.
 */
const PLAIN = /^[\x20-\x7e]*$/;
const ELLIPSIS = "…";

/** @param text without control characters: of `visible()` */
export function cellsOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  return clustersOf(text).reduce((cells, cluster) => cells + cellsOfCluster(cluster), 0);
}

/** The text, or as much of it as fits with an ellipsis behind. */
export function cutToCells(text: string, cells: number): string {
  if (cellsOf(text) <= cells) return text;
  let used = cellsOf(ELLIPSIS);
  let kept = "";
  for (const cluster of clustersOf(text)) {
    used += cellsOfCluster(cluster);
    if (used > cells) break;
    kept += cluster;
  }
  return `${kept}${ELLIPSIS}`;
}

function clustersOf(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

function cellsOfCluster(cluster: string): number {
  const apart = Array.from(cluster).reduce((cells, one) => cells + Bun.stringWidth(one), 0);
  return Math.max(Bun.stringWidth(cluster), apart);
}
