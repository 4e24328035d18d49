import { describe, expect, test } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import { configOf, type World } from "./definitions.ts";

const MINIMAL = "sources: {app: {include: [/var/log/app/*.log]}}\nsinks: {out: {type: stdout}}\n";

const resourceOf = (line: string, given?: World) => configOf(`${MINIMAL}resource: ${line}\n`, given).resource;

const secretAt = (value: unknown): Secret => {
  if (!(value instanceof Secret)) throw new Error("not a secret");
  return value;
};

const withSinks = (sinks: string): string => MINIMAL.replace("out: {type: stdout}", sinks);

const withSplunk = (options: string): string => withSinks(`s: {type: splunkHec, ${options}}`);

describe("a configuration file", () => {
  test("needs only a source and a sink; everything else has its default, in milliseconds and bytes", () => {
    expect(configOf(MINIMAL)).toEqual({
      stateDir: "/var/lib/tailcar",
      resource: { attributes: {} },
      sources: {
        app: {
          include: ["/var/log/app/*.log"],
          stdin: false,
          exclude: [],
          format: "auto",
          startAt: "beginning",
          encoding: "utf-8",
          multiline: "auto",
          maxRecordBytes: 900_000,
          maxRecordLines: 5_000,
          flushAfter: 1_000,
          allowedRoots: [],
          rotated: { grace: 60_000, dirs: [], maxHeldBytes: 512 * 1_024 ** 2, policy: "release" },
        },
      },
      transforms: [],
      sinks: { out: { type: "stdout", options: { format: "ndjson" } } },
      shutdown: { quietPeriod: 2_000, timeout: 25_000, lastChance: 1_500 },
      memory: { maxBuffered: 33_554_432 },
      failOnUndelivered: false,
      maxOpenFiles: 1_024,
      stdin: { maxBuffered: 268_435_456 },
      checkpoints: { interval: 1_000, compactAt: 1_048_576 },
      deadLetters: { maxBytes: 67_108_864, full: "block" },
      log: { level: "info", format: "auto" },
    });
  });

  test("counts relative paths from the current directory", () => {
    const { stateDir, sources } = configOf(
      [
        "stateDir: state",
        "sources: {app: {include: [logs/*.log], exclude: ['*.gz', '**/tmp/*', old/x, /y], allowedRoots: [pods]}}",
        "sinks: {out: {type: stdout}}",
      ].join("\n"),
    );
    expect(stateDir).toBe("/srv/state");
    expect(sources["app"]).toMatchObject({
      include: ["/srv/logs/*.log"],
      exclude: ["/**/*.gz", "/**/tmp/*", "/srv/old/x", "/y"],
      allowedRoots: ["/srv/pods"],
    });
  });

  test("may use anchors and aliases", () => {
    const { sources } = configOf(
      "sources:\n  a: &a {include: [/a/*.log], format: json}\n  b: *a\nsinks: {out: {type: stdout}}\n",
    );
    expect(sources["b"]).toEqual(sources["a"]);
  });
});

describe("interpolation in a file", () => {
  test.for([
    ["{env: '${V}'}", { V: "prod" }, { env: "prod" }],
    ["{env: ${V:-a,b}}", {}, { env: "a,b" }],
    ["{env: pre-${V}-post}", { V: "x" }, { env: "pre-x-post" }],
    ["{version: ${V}}", { V: "1.10" }, { version: "1.10" }],
    ["{version: ${V}}", { V: "true" }, { version: "true" }],
    ["{version: '${V}'}", { V: "007" }, { version: "007" }],
    ["{env: ${V}}", { V: "a: b" }, { env: "a: b" }],
    ["{env: ${V}}", { V: "[1]\nsinks: {}" }, { env: "[1]\nsinks: {}" }],
    ["{env: ${V}}", { V: "---" }, { env: "---" }],
    ["{env: ${V}}", { V: "*x" }, { env: "*x" }],
    ["{attributes: {pattern: '^\\d+$'}}", {}, { attributes: { pattern: "^\\d+$" } }],
    ["{attributes: {'${V}': a}}", { V: "x" }, { attributes: { "${V}": "a" } }],
    ["{attributes: {price: $$5}}", {}, { attributes: { price: "$5" } }],
  ] as const)("%s with %j", ([line, env, expected]) => {
    expect(resourceOf(line, { env: { ...env } })).toMatchObject(expected);
  });

  test("reads an unquoted reference as YAML would: a number or a switch", () => {
    const config = configOf(
      `${MINIMAL.replace("out: {type: stdout}", "s: {type: splunkHec, endpoint: 'https://s:8088', token: t, acknowledge: ${ACK}}")}maxOpenFiles: \${N}\n`,
      { env: { N: "12", ACK: "true" } },
    );
    expect(config.maxOpenFiles).toBe(12);
    expect(config.sinks["s"]?.options["acknowledge"]).toBe(true);
  });
});

describe("secrets", () => {
  test("from a file are read again by refresh", () => {
    const files: Record<string, string> = { "/run/hec": "old\n" };
    const config = configOf(withSplunk("endpoint: 'https://s:1', token: 'Bearer ${file:/run/hec}'"), { files });
    const token = secretAt(config.sinks["s"]?.options["token"]);
    expect(token.reveal()).toBe("Bearer old");
    files["/run/hec"] = "new\n";
    expect(token.refresh()).toBe(true);
    expect(token.reveal()).toBe("Bearer new");
    delete files["/run/hec"];
    expect(token.refresh()).toBe(false);
    expect(token.reveal()).toBe("Bearer new");
  });

  test("within nested options are bound too", () => {
    const files: Record<string, string> = { "/run/h": "1" };
    const config = configOf(withSplunk("endpoint: 'https://s:1', token: t, headers: {X-Key: '${file:/run/h}'}"), {
      files,
    });
    const headers = config.sinks["s"]?.options["headers"];
    const header = secretAt(Object.entries(headers ?? {})[0]?.[1]);
    files["/run/h"] = "2";
    header.refresh();
    expect(header.reveal()).toBe("2");
  });

  test("may be written literally, and may look like a number when they come from outside", () => {
    expect(
      secretAt(configOf(withSplunk("endpoint: 'https://s:1', token: abc")).sinks["s"]?.options["token"]).reveal(),
    ).toBe("abc");
    const config = configOf(withSplunk("endpoint: 'https://s:1', token: ${T}"), { env: { T: "0042" } });
    expect(secretAt(config.sinks["s"]?.options["token"]).reveal()).toBe("0042");
  });
});

describe("the vendors' variables", () => {
  const env = {
    DD_API_KEY: "key-1",
    DD_SITE: "datadoghq.eu",
    DD_TAGS: "team:pay, tier:1 zone:a",
    DD_SERVICE: "checkout",
    DD_ENV: "prod",
    DD_VERSION: "1.10",
    SPLUNK_HEC_URL: "https://splunk:8088",
    SPLUNK_HEC_TOKEN: "token-1",
  };

  test("fill absent options", () => {
    const config = configOf(withSinks("d: {type: datadog}, s: {type: splunkHec}"), { env });
    expect(config.resource).toEqual({ service: "checkout", env: "prod", version: "1.10", attributes: {} });
    const { d, s } = config.sinks;
    const key = d?.options["apiKey"];
    const token = s?.options["token"];
    expect(d?.options).toMatchObject({ site: "datadoghq.eu", tags: ["team:pay", "tier:1", "zone:a"] });
    expect(secretAt(key).reveal()).toBe("key-1");
    expect(s?.options["endpoint"]).toBe("https://splunk:8088");
    expect(secretAt(token).reveal()).toBe("token-1");
  });

  test("never win over what is written", () => {
    const config = configOf(`${withSinks("d: {type: datadog, site: datadoghq.com, tags: []}")}resource: {env: dev}\n`, {
      env,
    });
    expect(config.sinks["d"]?.options).toMatchObject({ site: "datadoghq.com", tags: [] });
    expect(config.resource).toMatchObject({ env: "dev", service: "checkout" });
  });

  test("count as absent when they are empty", () => {
    expect(
      configOf(withSinks("d: {type: datadog, apiKey: k}"), { env: { DD_SITE: "", DD_ENV: "" } }).resource.env,
    ).toBe(undefined);
  });
});
