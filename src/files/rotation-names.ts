import { basename, extname } from "node:path";

/** What rotators put after a name or between stem and extension: numbers, dates and times, `old` and the like. */
const SUFFIX = /^[.\-_~]{1,2}(?:\d[\dTZ:.\-_+]*|old|bak|prev|orig)(?:\.\d+)*$/;

/** What some put before a name (rotating-file-stream, for one): a date with the year first, a time, a number. */
const PREFIX = /^20\d\d[\dTZ:.\-_+]{3,}[.\-_~]$/;

/** multilog, svlogd and s6-log write to `current`, and name what it was after the time (TAI64N) and how it ended. */
const TAI64N_LIVE = "current";
const TAI64N = /^@[0-9a-f]{24}(?:\.[a-z])?$/;

/** What compressors put at the end of a name. */
const ARCHIVE = /\.(?:gz|zst)$/;

export const isArchiveName = (name: string): boolean => ARCHIVE.test(name);

/** The name that an archive's content had, by its own; any other name as it is. */
export const withoutCompression = (name: string): string => name.replace(ARCHIVE, "");

/**
 * Whether a file name looks like an older generation of `live`: `app.log.1`, `app.log-20261123`, `app.log.old`,
 * `app-2026-11-23.log`, `app.1.log`, `20261123-1000-01-app.log`, and archives of them: `app.log.2.gz`, `app.log.gz`.
 */
export function isRotatedName(archived: string, live: string): boolean {
  const base = basename(live);
  if (archived === base) return false;
  const name = withoutCompression(archived);
  if (name === base) return true;
  if (name.startsWith(base)) return SUFFIX.test(name.slice(base.length));
  if (name.endsWith(base) && PREFIX.test(name.slice(0, -base.length))) return true;
  if (base === TAI64N_LIVE && TAI64N.test(name)) return true;
  const extension = extname(base);
  const stem = stemOf(base);
  return (
    extension !== "" &&
    name.startsWith(stem) &&
    name.endsWith(extension) &&
    SUFFIX.test(name.slice(stem.length, name.length - extension.length))
  );
}

/** The live name that `name` is an older generation of, among the names that `exists` knows. */
export function liveNameOf(archived: string, exists: (name: string) => boolean): string | undefined {
  const name = withoutCompression(archived);
  const extension = extname(name);
  for (let end = name.length - 1; end > 0; end -= 1) {
    if (!".-_~".includes(name.charAt(end))) continue;
    const stem = name.slice(0, end);
    for (const live of [stem, stem + extension, name.slice(end + 1)])
      if (exists(live) && isRotatedName(name, live)) return live;
  }
  if (TAI64N.test(name) && exists(TAI64N_LIVE)) return TAI64N_LIVE;
  return name !== archived && exists(name) ? name : undefined;
}

/** Tells names of generations of the same live one as `archived` is of, be that there or not, and of that itself. */
export function generationsLike(archived: string): (name: string) => boolean {
  const lives = new Set<string>();
  liveNameOf(archived, (live) => {
    if (isRotatedName(archived, live)) lives.add(live);
    return false;
  });
  // There may be thousands of names to tell, and few hold that of the live one.
  const stems = [...lives].map((live) => [live === TAI64N_LIVE ? "" : stemOf(live), live] as const);
  return (name) => stems.some(([stem, live]) => name.includes(stem) && (name === live || isRotatedName(name, live)));
}

/** A name without its extension. */
const stemOf = (name: string): string => name.slice(0, name.length - extname(name).length);

/** What names of a series have in common: all but their numbers, which dates and times are made of too. */
export const shapeOf = (name: string): string => name.replace(/\d+/g, "0");

/**
 * Puts the paths of one stream's generations in the order of their age, oldest first, for files whose times tell nothing:
 * a higher number is older, a date sorts by itself, and the live path is the youngest.
 */
export function byRotation(pathA: string, pathB: string, live: string): number {
  if (pathA === live || pathB === live) return Number(pathA === live) - Number(pathB === live);
  // A generation may have been moved to another directory.
  const [a, b] = [withoutCompression(basename(pathA)), withoutCompression(basename(pathB))];
  const [numberOfA, numberOfB] = [generationNumber(a, basename(live)), generationNumber(b, basename(live))];
  if (numberOfA !== undefined && numberOfB !== undefined) return numberOfB - numberOfA;
  // Labels of TAI64N are hexadecimal, of one length, and sort by themselves.
  return TAI64N.test(a) ? (a < b ? -1 : 1) : COUNTING.compare(a, b);
}

/** Some rotators count on within a day: the tenth comes after the ninth. */
const COUNTING = new Intl.Collator("en", { numeric: true });

/** The number in `app.log.3` or `app.3.log`: short, and all that was added, unlike a date. */
function generationNumber(name: string, live: string): number | undefined {
  const extension = extname(live);
  const stem = stemOf(live);
  const added = name.startsWith(live)
    ? name.slice(live.length)
    : name.slice(stem.length, name.length - extension.length);
  const match = /^[.\-_](\d{1,5})$/.exec(added);
  return match === null ? undefined : Number(match[1]);
}
