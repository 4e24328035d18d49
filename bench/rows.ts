/** What is measured: one sink in one setting. */
export interface Row {
  readonly name: string;
  readonly sink: "stdout" | "datadog" | "splunk";
  readonly gzip: boolean;
  /** `json`: time and severity are taken from the line; Splunk and stdout get its fields too. */
  readonly format: "raw" | "json";
  /** Looks for these secrets, of which the lines hold none. The floor does not: the row is to be read beside the plain one. */
  readonly redact?: readonly string[];
}

/** Secrets that are looked for. */
export const SECRETS = ["creditCard", "email", "bearerToken", "jwt", "awsKey"];

export const ROWS: readonly Row[] = [
  { name: "stdout", sink: "stdout", gzip: false, format: "raw" },
  { name: "datadog", sink: "datadog", gzip: false, format: "raw" },
  { name: "datadog-redact", sink: "datadog", gzip: false, format: "raw", redact: SECRETS },
  { name: "datadog-gzip", sink: "datadog", gzip: true, format: "raw" },
  { name: "datadog-json-gzip", sink: "datadog", gzip: true, format: "json" },
  { name: "splunk", sink: "splunk", gzip: false, format: "raw" },
  { name: "splunk-gzip", sink: "splunk", gzip: true, format: "raw" },
  { name: "splunk-json-gzip", sink: "splunk", gzip: true, format: "json" },
];

/** The batches that the agent makes by default: the floor makes the same. Bytes are encoded ones, before compression. */
export const BATCHES: Readonly<Record<Row["sink"], { readonly records: number; readonly bytes: number }>> = {
  stdout: { records: 1_000, bytes: 1_000_000 },
  datadog: { records: 1_000, bytes: 5_000_000 },
  splunk: { records: 5_000, bytes: 1_000_000 },
};

/** Most requests in flight, the agent's default. */
export const CONCURRENCY = 8;

export const GZIP_LEVEL = 1;

export const MIB = 1_024 ** 2;

/** The bar: highest resident memory of the agent. */
export const MOST_PEAK_BYTES = 160 * MIB;

export type Behaviour = "ok" | "slow" | "dead";

export const urlOf = (sink: Row["sink"], port: number, behaviour: Behaviour): string =>
  `http://127.0.0.1:${port}/${sink}/${behaviour}`;

/** A sink of the agent's configuration. */
export function sinkConfig(row: Pick<Row, "sink" | "gzip">, port: number, behaviour: Behaviour): object {
  const { sink, gzip } = row;
  if (sink === "stdout") return { type: "stdout" };
  const compression = { compression: gzip ? "gzip" : "none", compressionLevel: GZIP_LEVEL };
  const endpoint = urlOf(sink, port, behaviour);
  return sink === "datadog"
    ? { type: "datadog", endpoint, apiKey: "bench", ...compression }
    : { type: "splunkHec", endpoint, token: "bench", ...compression };
}

export const RESOURCE = { service: "checkout", env: "bench", version: "1.0.0", host: "bench" } as const;

/** A configuration of the agent, as a JSON document, which is YAML too. */
export const agentConfig = (
  corpus: string,
  stateDir: string,
  format: Row["format"],
  sinks: Readonly<Record<string, object>>,
  redact?: readonly string[],
): string => {
  const transforms = redact === undefined ? [] : [{ redact: { patterns: redact } }];
  return JSON.stringify({
    stateDir,
    resource: RESOURCE,
    sources: { app: { include: [corpus], format } },
    transforms,
    sinks,
  });
};
