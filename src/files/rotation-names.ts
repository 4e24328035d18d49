import { basename, extname } from "node:path";

/** What rotators put after a name or between stem and extension: numbers, dates and times, `old` and the like. */
const SUFFIX = /^[.\-_~](?:\d[\dTZ:.\-_+]*|old|bak|prev|orig|\d+)(?:\.\d+)*$/;

/**
 * Whether a file name looks like an older generation of `live`: `app.log.1`, `app.log-20261123`, `app.log.old`,
 * `app-2026-11-23.log`, `app.1.log`. Archives (`.gz`) are no such names: their bytes are not log lines.
 */
export function isRotatedName(name: string, live: string): boolean {
  const base = basename(live);
  if (name === base) return false;
  if (name.startsWith(base)) return SUFFIX.test(name.slice(base.length));
  const extension = extname(base);
  const stem = base.slice(0, base.length - extension.length);
  return (
    extension !== "" &&
    name.startsWith(stem) &&
    name.endsWith(extension) &&
    SUFFIX.test(name.slice(stem.length, name.length - extension.length))
  );
}

/** The live name that `name` is an older generation of, among the names that `exists` knows. */
export function liveNameOf(name: string, exists: (name: string) => boolean): string | undefined {
  const extension = extname(name);
  for (let end = name.length - 1; end > 0; end -= 1) {
    if (!".-_~".includes(name.charAt(end))) continue;
    const stem = name.slice(0, end);
    for (const live of [stem, stem + extension]) if (exists(live) && isRotatedName(name, live)) return live;
  }
  return undefined;
}
