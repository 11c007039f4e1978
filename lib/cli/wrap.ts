/** Text broken into lines at spaces, for help and messages. */

/** A word longer than the width stands alone on its line. */
export function wrap(text: string, widthColumns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > widthColumns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
