import { expect, test } from "vitest";
import { AckChannel } from "../../../src/sinks/splunk-hec/ack-channel.ts";

test("a number that comes twice in a channel out of use leaves no request without an answer", async () => {
  const channel = new AckChannel();
  const first = channel.expect(channel.begin(), 0, 0);
  const late = channel.begin();
  const second = channel.expect(channel.begin(), 1, 10_000);
  channel.expire(5_000);
  expect([await first, channel.isRetired, channel.open]).toEqual([false, true, [1]]);
  const again = channel.expect(late, 1, 11_000);
  expect(await second).toBe(false);
  channel.indexed(1);
  expect(await again).toBe(true);
});
