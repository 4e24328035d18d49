import manifest from "../../package.json" with { type: "json" };

/** The version of tailcar, from its package. */
export const VERSION = manifest.version;
