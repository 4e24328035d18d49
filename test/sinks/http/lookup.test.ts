import type { LookupAddress } from "node:dns";
import { expect, test } from "vitest";
import { createLookup, type Resolve } from "../../../src/sinks/http/lookup.ts";

const BOTH: LookupAddress[] = [
  { address: "10.0.0.1", family: 4 },
  { address: "fd00::1", family: 6 },
];

/** A resolver that answers when the test says so, and a clock that the test moves. */
function setUp() {
  const asked: Parameters<Resolve>[1][] = [];
  let elapsed = 0;
  const clock = { now: () => 0, elapsed: () => elapsed, sleep: async () => {} };
  const { lookup, forget } = createLookup(clock, (_hostname, answer) => {
    asked.push(answer);
  });
  const find = (options: { all?: boolean; family?: number } = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      lookup("splunk", { ...options }, (error, address, family) =>
        error === null ? resolve(options.all === true ? address : [address, family]) : reject(error),
      );
    });
  const advance = (ms: number): void => {
    elapsed += ms;
  };
  return { asked, find, forget, advance };
}

test("one look-up serves all who wait for it", async () => {
  const { asked, find } = setUp();
  const waiting = [find({ all: true }), find({ family: 4 }), find({ family: 6 }), find()];
  expect(asked).toHaveLength(1);
  asked[0]?.(null, BOTH);
  expect(await Promise.all(waiting)).toEqual([BOTH, ["10.0.0.1", 4], ["fd00::1", 6], ["10.0.0.1", 4]]);
});

test("an answer is kept for 30 seconds", async () => {
  const { asked, find, advance } = setUp();
  const first = find();
  asked[0]?.(null, BOTH);
  await first;
  advance(29_999);
  await find();
  expect(asked).toHaveLength(1);
  advance(1);
  const again = find();
  expect(asked).toHaveLength(2);
  asked[1]?.(null, BOTH);
  await again;
});

test("an answer that led nowhere is not kept", async () => {
  const { asked, find, forget } = setUp();
  const first = find();
  asked[0]?.(null, BOTH);
  await first;
  forget();
  const again = find();
  expect(asked).toHaveLength(2);
  asked[1]?.(null, [{ address: "10.0.0.9", family: 4 }]);
  expect(await again).toEqual(["10.0.0.9", 4]);
});

test("a failure goes to all who wait, and is not kept", async () => {
  const { asked, find } = setUp();
  const waiting = [find(), find()];
  asked[0]?.(Object.assign(new Error("getaddrinfo EAI_AGAIN splunk"), { code: "EAI_AGAIN" }), []);
  const results = await Promise.allSettled(waiting);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const again = find();
  asked[1]?.(null, BOTH);
  expect(await again).toEqual(["10.0.0.1", 4]);
});

test("a host without an address of the wanted family is not found", async () => {
  const { asked, find } = setUp();
  const waiting = find({ family: 6 });
  asked[0]?.(null, BOTH.slice(0, 1));
  await expect(waiting).rejects.toMatchObject({ code: "ENOTFOUND" });
});

test("a resolver that never answers does not gather those who wait for it without end", async () => {
  const { asked, find } = setUp();
  const waiting = Array.from({ length: 200 }, () =>
    find().then(
      () => "answered",
      () => "gave up",
    ),
  );
  expect(asked).toHaveLength(1);
  asked[0]?.(null, BOTH);
  const ends = await Promise.all(waiting);
  expect(ends.filter((end) => end === "answered")).toHaveLength(128);
  expect(ends.at(-1)).toBe("answered");
});
