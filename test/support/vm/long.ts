/** Whether all seeds and repetitions are wanted: `npm run test:long`. */
export function isLong(): boolean {
  return process.env.BLANKROOT_TEST_LONG !== undefined;
}
