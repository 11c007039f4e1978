/** How it was found out what subvolumes hold alone. */

export const SPACE_METHODS = ["qgroups", "backrefs"] as const;
export type SpaceMethod = (typeof SPACE_METHODS)[number];

/** As the end of a sentence. */
export const METHOD_TEXT: Readonly<Record<SpaceMethod, string>> = {
  qgroups: "by quota groups",
  backrefs: "by the references to each extent",
};
