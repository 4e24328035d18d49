import { Secret } from "../core/secret.ts";
import { pathKey, type Path } from "./problems.ts";
import type { Config } from "./schema.ts";
import type { Interpolated } from "./tree.ts";

export { jsonSchema } from "./json-schema.ts";

const UNITS = {
  duration: [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
    ["ms", 1],
  ],
  size: [
    ["GiB", 1_024 ** 3],
    ["MiB", 1_024 ** 2],
    ["KiB", 1_024],
    ["MB", 1_000_000],
    ["kB", 1_000],
    ["B", 1],
  ],
} as const;

/** The options whose numbers are quantities. A test reads a described configuration in again, so that none is forgotten. */
const QUANTITIES = new Map<string, keyof typeof UNITS>([
  ["grace", "duration"],
  ["after", "duration"],
  ["quietPeriod", "duration"],
  ["timeout", "duration"],
  ["lastChance", "duration"],
  ["giveUpAfter", "duration"],
  ["ignoreOlder", "duration"],
  ["flushAfter", "duration"],
  ["interval", "duration"],
  ["connect", "duration"],
  ["response", "duration"],
  ["total", "duration"],
  ["maxAge", "duration"],
  ["ackInterval", "duration"],
  ["ackTimeout", "duration"],
  ["per", "duration"],
  ["maxRecordBytes", "size"],
  ["maxBuffered", "size"],
  ["compactAt", "size"],
  ["maxBytes", "size"],
  ["maxHeldBytes", "size"],
]);

/**
 * The effective configuration in the shape of the file, safe to print: secrets are masked, so are credentials in
 * URLs, and an option that was read from a file shows how it was written.
 */
export function describeConfig(
  config: Config,
  interpolated: ReadonlyMap<string, Interpolated> = new Map(),
): Record<string, unknown> {
  const sinks = Object.entries(config.sinks).map(([name, { type, retry, options }]) => {
    return [name, { type, retry, ...options }];
  });
  return showEntries({ ...config, sinks: Object.fromEntries(sinks) }, [], interpolated);
}

function showEntries(
  options: object,
  path: Path,
  interpolated: ReadonlyMap<string, Interpolated>,
): Record<string, unknown> {
  const present = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present.map(([key, value]) => [key, show(value, [...path, key], interpolated)]));
}

function show(value: unknown, path: Path, interpolated: ReadonlyMap<string, Interpolated>): unknown {
  if (value instanceof Secret) return String(value);
  const template = interpolated.get(pathKey(path))?.template;
  if (template?.includes("${file:")) return template;
  if (typeof value === "string") return withoutCredentials(value);
  const unit = QUANTITIES.get(String(path.at(-1)));
  if (typeof value === "number" && unit !== undefined) return formatQuantity(value, unit);
  if (Array.isArray(value)) return value.map((item, index) => show(item, [...path, index], interpolated));
  if (value instanceof RegExp || value instanceof URL) return withoutCredentials(String(value));
  return typeof value === "object" && value !== null ? showEntries(value, path, interpolated) : value;
}

/** The largest unit that needs no fraction, so that the text gives the same number again. */
function formatQuantity(value: number, unit: keyof typeof UNITS): string {
  const [name, factor] = UNITS[unit].find(([, factor]) => value % factor === 0 && value >= factor) ?? ["", 1];
  return name === "" ? `0${unit === "size" ? "B" : "s"}` : `${value / factor}${name}`;
}

const withoutCredentials = (text: string): string => text.replaceAll(/(?<=:\/\/)[^/?#\s@]+(?=@)/g, "[secret]");
