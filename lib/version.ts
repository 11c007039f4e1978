/** What `--version` shows; package.json is the version's one source. */
import { version } from "../package.json" with { type: "json" };

/** Given by the build (`bun build --define`): undefined where the sources run. */
declare const BLANKROOT_COMMIT: string | undefined;

export const VERSION: string = version;

/** The commit that the executable was built from; undefined where the sources run. */
export const COMMIT = typeof BLANKROOT_COMMIT === "undefined" ? undefined : BLANKROOT_COMMIT;

export const VERSION_LINE =
  COMMIT === undefined ? `blankroot ${VERSION}` : `blankroot ${VERSION} (${COMMIT})`;
