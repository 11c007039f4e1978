/** The version that `--version` shows; package.json is its one source. */
import { version } from "../package.json" with { type: "json" };

export const VERSION: string = version;
