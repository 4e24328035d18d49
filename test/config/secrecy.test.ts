import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { describeConfig } from "../../src/config/describe.ts";
import { load } from "./definitions.ts";

const SECRET = "hunter2";
const sink = (options: string): string => `sources: {a: {include: [/l/x]}}\nsinks:\n  d: {type: datadog, ${options}}\n`;

/** Files with a literal secret, each broken in another way near it. */
const broken: readonly string[] = [
  sink(`apiKey:${SECRET}`),
  sink(`apiKey: ${SECRET}, siet: x`),
  sink(`apikey: ${SECRET}`),
  sink(`apiKey: [${SECRET}]`),
  sink(`apiKey: {${SECRET}: x}`),
  sink(`apiKey: !${SECRET}`),
  sink(`apiKey: !!${SECRET} x`),
  sink(`apiKey: *${SECRET}`),
  sink(`apiKey: @${SECRET}`),
  sink(`apiKey: %${SECRET}`),
  sink(`apiKey: "${SECRET}`),
  sink(`apiKey: "\\${SECRET}"`),
  sink(`apiKey: "a" ${SECRET}`),
  sink(`apiKey: '\${${SECRET}'`),
  sink(`apiKey: '\${${SECRET}!}'`),
  sink(`? [${SECRET}] : x`),
  sink(`{${SECRET}}: x`),
  `sources: {a: {include: [/l/x]}}\nsinks:\n  d:\n    type: datadog\n    apiKey:${SECRET}\n    level: 1\n`,
  `sources: {a: {include: [/l/x]}}\nsinks:\n  d:\n    type: datadog\n    apiKey: |x${SECRET}\n      y\n`,
  `sources: {a: {include: [/l/x]}}\nsinks:\n  d:\n    type: datadog\n    apiKey: "x\n   ${SECRET}\n"\n`,
  `sources: {a: {include: [/l/x]}}\nsinks:\n  d: apiKey:${SECRET}\n`,
  `sources: {a: {include: [/l/x]}}\nsinks: apiKey:${SECRET}\n`,
  `sources: {a: {include: [/l/x]}}\nsinks: {d:${SECRET}, e: ${SECRET}}\n`,
  `%TAG ! ${SECRET}\n%${SECRET}\n---\na: b\n`,
  `- ${SECRET}\n`,
  `${SECRET}\n`,
];

describe("a literal secret", () => {
  test.for(broken)("is not in the problems of %j", (text) => {
    const result = load(text);
    expect(result.ok).toBe(false);
    expect(inspect(result, { depth: 10 })).not.toContain(SECRET);
  });

  test("does not show in a configuration that is printed in any way", () => {
    const result = load(sink(`apiKey: ${SECRET}`));
    if (!result.ok) throw new Error("the file is right");
    const prints: ((value: unknown) => string)[] = [
      (value) => JSON.stringify(value),
      String,
      (value) => inspect(value, { depth: 10 }),
    ];
    for (const print of prints) expect(print(result.config)).not.toContain(SECRET);
    expect(inspect(describeConfig(result.config), { depth: 10 })).not.toContain(SECRET);
  });
});

describe("a secret from outside", () => {
  const text = `
resource: {env: '\${file:/run/s}', attributes: {url: 'https://user:\${S}@host/x'}}
sources: {a: {include: [/l/x]}}
sinks:
  d: {type: datadog, apiKey: '\${S}'}
  s: {type: splunkHec, endpoint: 'https://x:\${S}@host:1', token: '\${file:/run/s}', headers: {k: 'Bearer \${S}'}}
`;

  test("does not show in the description, nor does any option that was read from a file", () => {
    const result = load(text, { env: { S: SECRET }, files: { "/run/s": SECRET } });
    if (!result.ok) throw new Error("the file is right");
    const described = describeConfig(result.config, result.interpolated);
    expect(inspect(described, { depth: 10 })).not.toContain(SECRET);
    expect(described).toMatchObject({
      resource: { env: "${file:/run/s}", attributes: { url: "https://[secret]@host/x" } },
      sinks: {
        d: { apiKey: "[secret]" },
        s: { endpoint: "https://[secret]@host:1", token: "[secret]", headers: { k: "[secret]" } },
      },
    });
  });
});
