import { expect, test } from "vitest";
import { expectWholeMatrix, PAIRS } from "../support/rotation-cells.ts";

test.each(PAIRS)(
  "ten ways of rotating with the real logrotate: agent $agent, sink $sink, include $include",
  async (cells) => expect(await expectWholeMatrix(cells)).toMatch(/; balanced$/),
  240_000,
);
