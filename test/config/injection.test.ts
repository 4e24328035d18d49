import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import { configOf, load } from "./definitions.ts";

const TEXT = `
sources: {app: {include: [/logs/*.log]}}
resource: {env: \${V}, version: '\${V}', attributes: {a: "x\${V}", b: \${V:-d}}}
sinks:
  out: {type: stdout}
  s: {type: splunkHec, endpoint: 'https://s:1', token: t\${V}, index: \${V}}
`;

/** Bits of YAML, so that a value has every chance to be taken for syntax. */
const YAML_BITS =
  "a|sinks|: |:|\n|  |- |{|}|[|]|,|&x |*x|!!map |# |'|\"|>|---\n|...|<<|? |%|\\|$|${V}|\t|1|true|null|~|\uE000|__proto__";
const yamlBits = fc.constantFrom(...YAML_BITS.split("|"));
const value = fc.oneof(fc.string({ unit: yamlBits, minLength: 1 }), fc.string({ unit: "grapheme", minLength: 1 }));

describe("a value from outside", () => {
  test("stays one value: no other option appears or changes, whatever it holds", () => {
    const plain = configOf(TEXT, { env: { V: "v" } });
    fc.assert(
      fc.property(value, (text) => {
        const { resource, sinks, ...others } = configOf(TEXT, { env: { V: text } });
        expect(resource).toEqual({ env: text, version: text, attributes: { a: `x${text}`, b: text } });
        expect(sinks["out"]).toEqual(plain.sinks["out"]);
        const { token, ...options } = sinks["s"]?.options ?? {};
        expect(token instanceof Secret && token.reveal()).toBe(`t${text}`);
        expect(options).toEqual({ ...plain.sinks["s"]?.options, token: undefined, index: text });
        expect({ ...others, resource: plain.resource, sinks: plain.sinks }).toEqual(plain);
      }),
      { numRuns: 300 },
    );
  });

  test("is never shown by a problem, wherever it stands", () => {
    const broken = `
sources: {app: {include: ['\${V}/'], format: '\${V}', maxRecordBytes: '\${V}'}}
stateDir: ['\${V}']
sinks:
  d: {type: datadog, site: '\${V}', apiKey: '\${V}', tags: '\${V}', level: '\${V}', timeout: {connect: \${V}}}
  s: {type: splunkHec, endpoint: '\${V}', token: ['\${V}'], match: '\${V}', acknowledge: \${V}}
  x: {type: '\${V}'}
log: '\${V}'
maxOpenFiles: \${V}
`;
    // A marker that no message has of its own.
    const marked = value.map((text) => `\u2603${text}\u2603`);
    fc.assert(
      fc.property(marked, (text) => {
        const result = load(broken, { env: { V: text } });
        const shown = JSON.stringify(result.ok ? "" : result.problems);
        expect(shown.length).toBeGreaterThan(100);
        expect(shown).not.toContain("\u2603");
      }),
    );
  });
});
