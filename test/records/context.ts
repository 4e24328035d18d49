import type { FormatSetting } from "../../src/core/format.ts";
import type { Parse } from "../../src/core/record.ts";
import { createTimeContext, type TimeSettings } from "../../src/records/create-context.ts";
import { compileFormat, namedParser } from "../../src/records/formats/registry.ts";
import type { TimeContext } from "../../src/records/time-context.ts";

/** What a file tells that was written about `now`. */
export const context = (now = "2026-12-01T00:00:00Z", settings: TimeSettings = {}): TimeContext => ({
  ...createTimeContext(settings),
  reference: () => Date.parse(now),
});

/** For the lines of a source that names its format. */
export function parserOf(format: FormatSetting, times: TimeContext = context()): Parse {
  const parse = namedParser(compileFormat(format), times);
  if (parse === undefined) throw new Error("raw parses nothing");
  return parse;
}

/** Milliseconds and nanoseconds of a time in ISO 8601 with up to nine decimals. */
export function instant(iso: string): { epochMs: number; nanos: number } {
  const [, decimals = ""] = /\.(\d+)/.exec(iso) ?? [];
  const fraction = decimals.padEnd(9, "0");
  const second = Date.parse(iso.replace(/\.\d+/, ""));
  return { epochMs: second + Number(fraction.slice(0, 3)), nanos: Number(fraction.slice(3, 9)) };
}
