import { expect, test } from "vitest";
import { formatSize, parseDuration, parseSize } from "../../src/core/units.ts";

test.each<[string, number | undefined]>([
  ["250ms", 250],
  ["1.5s", 1_500],
  ["10m", 600_000],
  ["2h", 7_200_000],
  ["1d", 86_400_000],
  [" 3 s ", 3_000],
  ["0s", 0],
  ["5", undefined],
  ["s", undefined],
  ["-1s", undefined],
  ["1S", undefined],
  ["1e3ms", undefined],
  ["1s2", undefined],
  ["", undefined],
  ["5constructor", undefined],
  ["5toString", undefined],
])("the duration %j is %s ms", (text, expected) => {
  expect(parseDuration(text)).toBe(expected);
});

test.each<[string, number | undefined]>([
  ["512B", 512],
  ["1kB", 1_000],
  ["64KiB", 65_536],
  ["1MiB", 1_048_576],
  ["1.5MiB", 1_572_864],
  ["5MB", 5_000_000],
  ["1GiB", 1_073_741_824],
  ["1mib", undefined],
  ["1", undefined],
  ["1valueOf", undefined],
])("the size %j is %s bytes", (text, expected) => {
  expect(parseSize(text)).toBe(expected);
});

test.each<[number, string]>([
  [0, "0 B"],
  [1_023, "1023 B"],
  [1_536, "1.5 KiB"],
  [1_048_576, "1.0 MiB"],
  [1_099_511_627_776 * 5_000, "5000.0 TiB"],
])("%d bytes read as %s", (bytes, expected) => {
  expect(formatSize(bytes)).toBe(expected);
});
