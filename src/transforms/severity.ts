/** A range of severity numbers on the OpenTelemetry scale, both ends included. */
export interface SeverityRange {
  readonly from: number;
  readonly to: number;
}

/** Source: OpenTelemetry logs data model, "Field: SeverityNumber". */
const RANGES: Readonly<Record<string, SeverityRange>> = {
  trace: { from: 1, to: 4 },
  debug: { from: 5, to: 8 },
  info: { from: 9, to: 12 },
  warn: { from: 13, to: 16 },
  warning: { from: 13, to: 16 },
  error: { from: 17, to: 20 },
  fatal: { from: 21, to: 24 },
};

export const SEVERITY_NAMES = "trace, debug, info, warn, error, fatal, or a number from 1 to 24";

/** The numbers that a name in any case, or a number of the scale, stands for; undefined for anything else. */
export function severityRange(value: unknown): SeverityRange | undefined {
  if (typeof value === "string")
    return Object.hasOwn(RANGES, value.toLowerCase()) ? RANGES[value.toLowerCase()] : undefined;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > 24) return undefined;
  return { from: value, to: value };
}
