const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const SIZE_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1_000,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_024 ** 2,
  GiB: 1_024 ** 3,
};

function parseQuantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim());
  const unit = match?.[2] ?? "";
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? undefined : Math.round(Number(match?.[1]) * factor);
}

/** Milliseconds of `250ms`, `1.5s`, `10m`, `2h` or `1d`; undefined for anything else. */
export const parseDuration = (text: string): number | undefined => parseQuantity(text, DURATION_MS);

/** Bytes of `512B`, `64KiB`, `1MiB`, `5MB` and the like; undefined for anything else. */
export const parseSize = (text: string): number | undefined => parseQuantity(text, SIZE_BYTES);

/** `1536` as `1.5 KiB`: for people, not for machines. */
export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
