import { expect, test } from "vitest";
import { expectWholeMatrix, PAIRS, REST } from "../support/rotation-cells.ts";

test.each([...PAIRS, ...REST])(
  "ten ways of rotating with the real logrotate: agent $agent, sink $sink, include $include",
  async (cells) => expect(await expectWholeMatrix(cells)).toMatch(/; balanced$/),
  120_000,
);
