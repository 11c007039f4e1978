/** What somebody else does again and again, until a test is over, however it ends. */

/**
 * @param body of a loop of sh(1), with `words` as $0, $1 and so on. It ends with us, too,
 *   where we are killed.
 */
export function meanwhile(body: string, ...words: string[]): AsyncDisposable {
  // What is being run when it is told to end is ended before.
  const loop = `trap exit TERM; while kill -0 "$PPID"; do ${body}; done`;
  const shell = Bun.spawn(["sh", "-c", loop, ...words], { stdout: "ignore", stderr: "ignore" });
  return {
    async [Symbol.asyncDispose]() {
      shell.kill();
      await shell.exited;
    },
  };
}
