import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cpuMicroseconds } from "../../bench/usage.ts";
import { LogRecord, type Parse } from "../../src/core/record.ts";
import { TextPage } from "../../src/core/text-page.ts";
import type { RecordTransformer } from "../../src/core/transform.ts";
import { anyText, parseRaw, recordsOf, transformed, transformer } from "./support.ts";

const redact = (...patterns: unknown[]): string => JSON.stringify([{ redact: { patterns, replacement: "[x]" } }]);

const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

type Case = readonly [line: string, expected: string];

const CASES: Readonly<Record<string, readonly Case[]>> = {
  creditCard: [
    ["4111111111111111", "[x]"],
    ["visa 4111 1111 1111 1111.", "visa [x]."],
    ["mc 5555-5555-5555-4444, next", "mc [x], next"],
    ["amex 3782 822463 10005", "amex [x]"],
    ["diners 30569309025904 jcb 3530111333300000", "diners [x] jcb [x]"],
    ["discover=6011000990139424;", "discover=[x];"],
    ["mastercard 2223003122003222", "mastercard [x]"],
    ["visa of 13: 4222222222222", "visa of 13: [x]"],
    ["double 4.111111111111111E15 of Java", "double [x] of Java"],
    ["12 34 4111111111111111 56", "12 34 [x] 56"],
    ["2026-11-24 4111 1111 1111 1111", "2026-11-24 [x]"],
    ["card4111111111111111a", "card[x]a"],
    ["a wrong check digit 4111111111111112", "a wrong check digit 4111111111111112"],
    ["no issuer 1111111111111117", "no issuer 1111111111111117"],
    ["epoch 1700000000000 ms, 1700000000000000 us", "epoch 1700000000000 ms, 1700000000000000 us"],
    ["too long 41111111111111111111", "too long 41111111111111111111"],
    ["mixed 4111-1111 1111-1111", "mixed 4111-1111 1111-1111"],
    ['{"n":4111111111111111,"s":"4111111111111111"}', '{"n":"[x]","s":"[x]"}'],
    ['{"4111111111111111":[4111111111111111,-5]}', '{"[x]":["[x]",-5]}'],
    ['{"n":-4111111111111111.0}', '{"n":"[x]"}'],
    [String.raw`{"s":"\u0034111 1111 1111 1111"}`, '{"s":"[x]"}'],
  ],
  email: [
    ["from a.b+c@example.co.uk.", "from [x]."],
    ["<bob@example.com>, 'eve@example.org'", "<[x]>, '[x]'"],
    ["user=bob@example.com&x=1", "user=[x]&x=1"],
    ["GET /u?mail=bob%40example.com&x=1", "GET /u?mail=[x]&x=1"],
    ["grüße@bücher.example und 用户@例子.公司", "[x] und [x]"],
    ["@decorator a@b x@localhost me@ @.com", "@decorator a@b x@localhost me@ @.com"],
    [String.raw`{"mail":"bob\u0040example.com"}`, '{"mail":"[x]"}'],
    [String.raw`{"msg":"line\nbob@example.com\tnext"}`, String.raw`{"msg":"line\n[x]\tnext"}`],
    [String.raw`{"in":"{\"mail\":\"bob\\u0040example.com\"}"}`, String.raw`{"in":"{\"mail\":\"[x]\"}"}`],
    [String.raw`text {"mail":"bob\u0040example.com"`, String.raw`text {"mail":"[x]"`],
    ['{"bob@example.com":{"deep":["eve@example.com"]}}', '{"[x]":{"deep":["[x]"]}}'],
  ],
  bearerToken: [
    ["Authorization: Bearer mF_9.B5f-4.1JqM", "Authorization: Bearer [x]"],
    ["bearer abc", "bearer [x]"],
    ["authorization=BEARER%20abc%2B1, x", "authorization=BEARER%20[x], x"],
    ['{"authorization":"Bearer a+b/c=="}', '{"authorization":"Bearer [x]"}'],
    ['{"bearer":"abc123"}', '{"bearer":"[x]"}'],
    ["the bearer token is missing", "the bearer token is missing"],
    ['WWW-Authenticate: Bearer realm="x"', 'WWW-Authenticate: Bearer realm="x"'],
  ],
  jwt: [
    [`token ${JWT} end`, "token [x] end"],
    ["eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", "[x]"],
    ["cut eyJhbGciOiJIUzI1NiJ9.eyJzdWIi", "cut [x]"],
    [`{"t":"${JWT}"}`, '{"t":"[x]"}'],
    ["eyJ alone and eyJhbGci. done", "eyJ alone and eyJhbGci. done"],
  ],
  awsKey: [
    ["id AKIAIOSFODNN7EXAMPLE!", "id [x]!"],
    ["tmp ASIAIOSFODNN7EXAMPLE", "tmp [x]"],
    [`aws_secret_access_key = ${SECRET}`, "aws_secret_access_key = [x]"],
    [`export AWS_SECRET_ACCESS_KEY='${SECRET}'`, "export AWS_SECRET_ACCESS_KEY='[x]'"],
    [`{"SecretAccessKey": "${SECRET}"}`, '{"SecretAccessKey": "[x]"}'],
    [`{"secretAccessKey":"${SECRET.replaceAll("/", String.raw`\/`)}"}`, '{"secretAccessKey":"[x]"}'],
    [`{"name":"AWS_SECRET_ACCESS_KEY","value":"${SECRET}"}`, '{"name":"AWS_SECRET_ACCESS_KEY","value":"[x]"}'],
    [`<SecretAccessKey>${SECRET}</SecretAccessKey>`, "<SecretAccessKey>[x]</SecretAccessKey>"],
    [`secret_key=${encodeURIComponent(SECRET)}`, "secret_key=[x]"],
    [`aws_session_token=${"FwoGZXIvYXdzE".repeat(9)}==`, "aws_session_token=[x]"],
    ["a secret key is missing", "a secret key is missing"],
  ],
  ip: [
    ['10.0.0.1 - - "GET /"', '[x] - - "GET /"'],
    ["from 192.168.100.200:8080, 255.255.255.255.", "from [x]:8080, [x]."],
    ["not 256.1.1.1, nor 1.2.3.4.5, nor 1.2.3", "not 256.1.1.1, nor 1.2.3.4.5, nor 1.2.3"],
    ["padded 010.000.000.001", "padded [x]"],
    ["[2001:db8::1]:443 fe80::1%eth0", "[[x]]:443 [x]%eth0"],
    ["id:2001:0db8:85a3:0000:0000:8a2e:0370:7334", "id:[x]"],
    ["mapped ::ffff:10.0.0.1 and ::1", "mapped [x] and [x]"],
    ["1:2:3:4:5:6:7:8:9000", "[x]:9000"],
    ["12:30:45 std::vec a::b 00:1B:44:11:3A:B7", "12:30:45 std::vec a::b 00:1B:44:11:3A:B7"],
    [String.raw`{"a":"10.0.0.1\n10.0.0.2"}`, String.raw`{"a":"[x]\n[x]"}`],
  ],
};

describe.each(Object.entries(CASES))("%s", (pattern, cases) => {
  test.each(cases)("%s becomes %s", (line, expected) => {
    expect(transformed(redact(pattern), [line])).toEqual([expected]);
    expect(transformed(redact(pattern), [line], parseRaw)).toEqual([expected]);
  });
});

const own = (matches: string, replacement?: string): object => ({ matches, ...(replacement && { replacement }) });

describe("a pattern of one's own", () => {
  test.each<readonly [pattern: object, line: string, expected: string]>([
    [own(String.raw`pin=\d+`, "pin=***"), "a pin=12 b pin=3", "a pin=*** b pin=***"],
    [own(String.raw`(?i)password\S*`, '$1 \\ "'), "PassWord=x", '$1 \\ "'],
    [own(String.raw`\d{3}-\d{2}-\d{4}`), '{"a":"123-45-6789"}', '{"a":"[x]"}'],
    [
      own(String.raw`^\d{3}-\d{2}-\d{4}$`),
      '{"a":"123-45-6789","b":"n 123-45-6789"}',
      '{"a":"[x]","b":"n 123-45-6789"}',
    ],
    [own(String.raw`^\d{4}$`), '{"pin":1234,"n":[12345]}', '{"pin":"[x]","n":[12345]}'],
    [own("x+", 'a "quoted" one'), '{"a":"bxxb"}', String.raw`{"a":"ba \"quoted\" oneb"}`],
    [own("true"), '{"a":true}', '{"a":"[x]"}'],
    [own('"password":"[^"]*"'), '{"a":1,"password":"p"}', '{"a":1,[x]}'],
    [own("secret.*"), '{"secret":"p","b":1}', '{"[x]'],
    [own("a@b"), String.raw`{"x":"a\u0040b"}`, '{"x":"[x]"}'],
    [own("n"), String.raw`{"x":"a\nb"}`, String.raw`{"x":"a[x]b"}`],
    [own("z*"), "no empty match", "no empty match"],
  ])("%j makes of %s %s", (pattern, line, expected) => {
    expect(transformed(redact(pattern), [line])).toEqual([expected]);
  });

  test("is replaced in what a format found, and so is what it found in the text", () => {
    const records = recordsOf(["ssn=123-45-6789 id=9123-45-67890"], () => ({
      message: "of 123-45-6789",
      attributes: { ssn: "123-45-6789", list: [{ ssn: "123-45-6789" }], n: 5 },
      timestamp: { epochMs: 1, nanos: 2 },
    }));
    const [record] = transformer(redact(own(String.raw`^\d{3}-\d{2}-\d{4}$`))).transform(records, 1, 0, 1);
    expect(record?.body).toBe("ssn=[x] id=9123-45-67890");
    expect(record?.fields).toEqual({
      message: "of 123-45-6789",
      attributes: { ssn: "[x]", list: [{ ssn: "[x]" }], n: 5 },
      timestamp: { epochMs: 1, nanos: 2 },
    });
  });
});

test("fields that a format found are redacted, and kept though the text is other now", () => {
  const records = recordsOf(["10.0.0.1 bob@example.com"], (body) => ({
    message: "of bob@example.com",
    attributes: { client: "10.0.0.1", "bob@example.com": body, card: 4_111_111_111_111_111 },
    severity: { number: 9, text: "info" },
  }));
  const [record] = transformer(redact("ip", "email", "creditCard")).transform(records, 1, 0, 1);
  expect([record?.body, record?.fields]).toEqual([
    "[x] [x]",
    {
      message: "of [x]",
      attributes: { client: "[x]", "[x]": "[x] [x]", card: "[x]" },
      severity: { number: 9, text: "info" },
    },
  ]);
});

test("a line that holds no secret stays the same record", () => {
  const records = recordsOf(['{"msg":"hello \\"world\\"","time":1700000000000}', "plain \\u0041"]);
  const all = transformer(redact("creditCard", "email", "bearerToken", "jwt", "awsKey", "ip"));
  expect(all.transform(records, 1, 0, 1)).toBe(records);
});

test("`where` limits it", () => {
  const yaml = JSON.stringify([{ redact: { patterns: ["email"], where: { field: "attributes.a", equals: 1 } } }]);
  expect(transformed(yaml, ['{"a":1,"m":"b@c.de"}', '{"a":2,"m":"b@c.de"}'])).toEqual([
    '{"a":1,"m":"[redacted]"}',
    '{"a":2,"m":"b@c.de"}',
  ]);
});

test("never throws, and leaves valid JSON valid, whatever the line", () => {
  const all = transformer(
    redact("creditCard", "email", "bearerToken", "jwt", "awsKey", "ip", { matches: "^a", replacement: '"\\' }),
  );
  const token = fc.constantFrom(
    '"',
    "\\",
    "\\u0040",
    "\\u",
    "{",
    "}",
    "[",
    ":",
    ",",
    "a",
    "@",
    ".",
    "4111111111111111",
    "::1",
    "eyJ",
    "Bearer ",
    " ",
    "\n",
    "\ud800",
  );
  const line = fc.oneof(
    anyText,
    fc.array(token).map((parts) => parts.join("")),
    fc.json(),
  );
  fc.assert(
    fc.property(line, (text) => {
      const [record] = all.transform(recordsOf([text]), 1, 0, 1);
      let isJson = /^\s*[{[]/.test(text);
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      if (isJson) JSON.parse(record?.body ?? "");
      expect(record?.message).toBeTypeOf("string");
    }),
    { numRuns: 300, endOnFailure: true },
  );
});

/** CPU time that a list of transforms takes for a record, milliseconds: the best of three. */
function timeOf(transforms: RecordTransformer, text: string, parse?: Parse): number {
  const records = recordsOf([text], parse);
  const runs = [1, 2, 3].map(() => cpuMicroseconds(() => transforms.transform(records, 1, 0, 1)));
  return Math.min(...runs) / 1_000;
}

test.each(["a@", "4111 ", "Bearer ", "eyJ", "1.", "::", "secret key ", String.raw`\\`, '\\"', "[redacted", "1:"])(
  "takes linear time on many of %s",
  (piece) => {
    const all = transformer(redact("creditCard", "email", "bearerToken", "jwt", "awsKey", "ip"));
    const time = (bytes: number): number => timeOf(all, piece.repeat(bytes / piece.length));
    expect(time(64 * 1_024)).toBeLessThan(Math.max(20 * time(4 * 1_024), 150));
  },
);

const numbered = (piece: (number: number) => string, bytes: number): string =>
  Array.from({ length: bytes / 16 }, (_, number) => piece(number)).join(" ");

const anchoredKeys = (bytes: number): string => numbered((number) => `key_${number}_abcd`, bytes);

/** A format that finds a field in each word. */
const words: Parse = (body) => ({
  attributes: Object.fromEntries(body.split(" ").map((word, at) => [`w${at}`, word])),
});

test.each<{ name: string; pattern: unknown; text: (bytes: number) => string; parse?: Parse }>([
  { name: "one number", pattern: own(String.raw`\d{3}`), text: (bytes) => `{"a":${"7".repeat(bytes)}}` },
  {
    name: "one string of backslashes",
    pattern: own(String.raw`\\`),
    text: (bytes) => `{"a":"${String.raw`\\`.repeat(bytes / 2)}"}`,
  },
  {
    name: "many secrets in what a format found",
    pattern: "email",
    text: (bytes) => numbered((number) => `user${number}@example.com`, bytes),
    parse: words,
  },
  {
    name: "many secrets that only fields show",
    pattern: own(String.raw`^key_\w+$`),
    text: anchoredKeys,
    parse: words,
  },
])("takes linear time on $name", ({ pattern, text, parse }) => {
  const one = transformer(redact(pattern));
  const time = (bytes: number): number => timeOf(one, text(bytes), parse);
  expect(time(64 * 1_024)).toBeLessThan(Math.max(20 * time(4 * 1_024), 1_000));
});

test("text is replaced as a whole if fields show more secrets than it could be searched for in time", () => {
  const one = redact(own(String.raw`^key_\w+$`));
  const [few] = transformed(one, [anchoredKeys(64)], words);
  expect(few).toBe("[x] [x] [x] [x]");
  const [record] = transformer(one).transform(recordsOf([anchoredKeys(64 * 1_024)], words), 1, 0, 1);
  expect(record?.body).toBe("[x]");
  expect(record?.fields.attributes).toMatchObject({ w0: "[x]", w4095: "[x]" });
});

test("records that stand on a page are looked through together, and come out as each by itself", () => {
  const lines = Object.values(CASES).flatMap((cases) => cases.map(([text]) => text));
  const bytes = Buffer.from(lines.map((text) => `${text}\n`).join("\n"));
  const page = new TextPage(bytes, 1_000, false);
  const records: LogRecord[] = [];
  let offset = 1_000;
  for (const text of lines) {
    const length = Buffer.byteLength(text) + 1;
    records.push(new LogRecord(page, offset, length, { source: "app", path: "/a" }, undefined, undefined, 1));
    offset += length + 1;
  }
  const all = transformer(redact(...Object.keys(CASES)));
  const together = all.transform(records, 1, 1_000, offset);
  expect(together.map(({ body }) => body)).toEqual(
    lines.flatMap((text) => all.transform(recordsOf([text], parseRaw), 1, 0, 1)).map(({ body }) => body),
  );
  // Most have a secret; what has none is not even made into a text.
  expect(together.filter((record, index) => record === records[index]).length).toBeGreaterThan(5);
});
