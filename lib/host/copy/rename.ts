/** Flags of renameat2(2), of linux/fs.h. */
export const RENAME_NOREPLACE = 1;
export const RENAME_EXCHANGE = 2;
