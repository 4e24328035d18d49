import { describe, expect, test } from "vitest";
import { classifySplunk } from "../../../src/sinks/splunk-hec/classify.ts";
import { NOW } from "../support.ts";

const classify = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  classifySplunk({ status, headers, body: typeof body === "string" ? body : JSON.stringify(body) }, NOW);

describe("each code of the collector", () => {
  test.each([
    [0, 200, "delivered"],
    [1, 403, "blocked"],
    [2, 401, "blocked"],
    [3, 401, "blocked"],
    [4, 403, "blocked"],
    [5, 400, "rejected"],
    [6, 400, "rejected"],
    [7, 400, "blocked"],
    [8, 500, "retry"],
    [9, 503, "retry"],
    [10, 400, "blocked"],
    [11, 400, "blocked"],
    [12, 400, "rejected"],
    [13, 400, "rejected"],
    [14, 400, "blocked"],
    [15, 400, "rejected"],
    [16, 400, "blocked"],
    [17, 200, "retry"],
    [18, 503, "retry"],
    [19, 503, "retry"],
    [20, 503, "retry"],
    [21, 400, "blocked"],
    [22, 400, "blocked"],
    [23, 503, "retry"],
    [24, 200, "delivered"],
    [25, 200, "delivered"],
    [26, 429, "retry"],
    [27, 429, "retry"],
    [28, 400, "blocked"],
    [404, 404, "blocked"],
    [405, 405, "blocked"],
  ])("%d with HTTP %d means %s", (code, status, kind) => {
    expect(classify(status, { text: "x", code }).kind).toBe(kind);
  });
});

describe("the HTTP status decides where there is no code", () => {
  test.each([
    [200, "retry"],
    [201, "retry"],
    [204, "retry"],
    [302, "blocked"],
    [400, "blocked"],
    [401, "blocked"],
    [403, "blocked"],
    [404, "blocked"],
    [408, "retry"],
    [413, "tooLarge"],
    [415, "blocked"],
    [429, "retry"],
    [500, "retry"],
    [502, "retry"],
    [504, "retry"],
  ])("%d means %s", (status, kind) => {
    expect(classify(status, "<html>proxy</html>").kind).toBe(kind);
  });
});

describe("success is nothing weaker than documented", () => {
  test.each([
    [200, ""],
    [200, "{}"],
    [200, '{"code":"0"}'],
    [200, '{"code":6}'],
    [200, "[0]"],
    [200, '{"text":"Success","code":0'],
    [202, '{"text":"Success","code":0}'],
  ])("HTTP %d with %s is sent again", (status, body) => {
    expect(classify(status, body).kind).toBe("retry");
  });

  test("an acknowledgement number does not matter", () => {
    expect(classify(200, { text: "Success", code: 0, ackId: 7 })).toEqual({ kind: "delivered" });
  });
});

describe("the number of the bad event", () => {
  test.each<[unknown, number | undefined]>([
    [0, 0],
    [3, 3],
    [undefined, undefined],
    [-1, undefined],
    [1.5, undefined],
    ["2", undefined],
    [null, undefined],
  ])("%j is taken as %s", (number, firstBad) => {
    const outcome = classify(400, { text: "Invalid data format", code: 6, "invalid-event-number": number });
    expect(outcome).toMatchObject({ kind: "rejected", firstBad });
  });
});

test.each([
  [503, 9_000],
  [429, 9_000],
  [500, undefined],
])("Retry-After of a %d is %s ms", (status, afterMs) => {
  expect(classify(status, { code: 9 }, { "retry-after": "9" })).toMatchObject({ kind: "retry", afterMs });
});

test("bad data behind a 5xx is never rejected", () => {
  expect(classify(500, { code: 6 }).kind).toBe("retry");
});
