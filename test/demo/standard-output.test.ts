import { expect, test } from "vitest";
import { Tally } from "../../src/demo/sequence.ts";
import { tallyStandardOutput } from "../../src/demo/standard-output.ts";

test("the stdout sink's lines are tallied by their fields or their text", async () => {
  const tally = new Tally();
  const stream = tallyStandardOutput(tally);
  stream.write('{"message":"placed","attributes":{"seq":0}}\n{"message":"seq=1","attributes":{}}\nno JSON\n{"mess');
  stream.end('age":"seq=2","attributes":{}}\n');
  await new Promise((resolve) => stream.once("end", resolve));
  expect([tally.sequences.prefix, tally.unnumbered]).toEqual([3, 1]);
});
