import type { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { AgentEvent } from "../core/events.ts";
import type { Attempt, Meter, ReadPiece } from "../core/meter.ts";
import { COUNTED, type MetricDefinition, OUTCOMES } from "./counted.ts";
import { AGENT_EVENTS, SINK_EVENTS, sinkOf } from "./event-kinds.ts";
import { READ_METRICS, type ReadMetric, type Reading } from "./readings.ts";

/** All metrics, in the order in which they are shown. */
export const METRICS: readonly MetricDefinition[] = [...Object.values(COUNTED), ...READ_METRICS];

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/**
 * The metrics in the text format of Prometheus. Events, requests and reads are counted as they come; all else is read
 * from the parts when somebody asks.
 */
export class Metrics implements Meter {
  readonly #registry: Registry;
  readonly #read: readonly (readonly [ReadMetric, Gauge | Counter])[];
  readonly #events: Counter;
  readonly #readBytes: Counter;
  readonly #readRecords: Counter;
  readonly #filteredRecords: Counter;
  readonly #requests: Counter;
  readonly #seconds: Histogram;
  readonly #records: Histogram;
  readonly #bytes: Histogram;
  readonly #splitRecords: Counter;
  readonly #knownSinks = new Set<string>();

  /** Loads the library, which nobody else needs. */
  static async create(version: string): Promise<Metrics> {
    return new Metrics(await import("prom-client"), version);
  }

  private constructor(library: typeof import("prom-client"), version: string) {
    this.#registry = new library.Registry();
    const settings = ({ name, help, labels }: MetricDefinition) => {
      return { name, help, labelNames: labels, registers: [this.#registry] };
    };
    const gauge = (definition: MetricDefinition): Gauge => new library.Gauge(settings(definition));
    const counter = (definition: MetricDefinition): Counter => new library.Counter(settings(definition));
    const histogram = (definition: MetricDefinition & { readonly buckets: readonly number[] }): Histogram =>
      new library.Histogram({ ...settings(definition), buckets: [...definition.buckets] });
    gauge(COUNTED.build).set({ version, node: process.versions.node }, 1);
    this.#events = counter(COUNTED.events);
    this.#readBytes = counter(COUNTED.readBytes);
    this.#readRecords = counter(COUNTED.readRecords);
    this.#filteredRecords = counter(COUNTED.filteredRecords);
    this.#requests = counter(COUNTED.requests);
    this.#seconds = histogram(COUNTED.seconds);
    this.#records = histogram(COUNTED.records);
    this.#bytes = histogram(COUNTED.bytes);
    this.#splitRecords = counter(COUNTED.splitRecords);
    this.#read = READ_METRICS.map((metric) => [metric, metric.type === "gauge" ? gauge(metric) : counter(metric)]);
    for (const event of AGENT_EVENTS) this.#events.inc({ event, sink: "" }, 0);
  }

  event(event: AgentEvent): void {
    this.#events.inc({ event: event.kind, sink: sinkOf(event) });
  }

  attempted({ sink, outcome, tookMs, records, bytes }: Attempt): void {
    this.#begin(sink);
    this.#requests.inc({ sink, outcome });
    this.#seconds.observe({ sink }, tookMs / 1_000);
    if (outcome !== "delivered" && outcome !== "received") return;
    this.#records.observe({ sink }, records);
    this.#bytes.observe({ sink }, bytes);
  }

  read({ source, bytes, records, filteredRecords }: ReadPiece): void {
    this.#readBytes.inc({ source }, bytes);
    this.#readRecords.inc({ source }, records);
    this.#filteredRecords.inc({ source }, filteredRecords);
  }

  split(sink: string): void {
    this.#begin(sink);
    this.#splitRecords.inc({ sink });
  }

  async render(reading: Reading): Promise<MetricsText> {
    for (const { name } of reading.status?.sinks ?? []) this.#begin(name);
    for (const [{ values }, metric] of this.#read) {
      metric.reset();
      // A counter has no other way to be set.
      for (const [labels, value] of values(reading)) metric.inc(labels, value);
    }
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  /**
   * Before anything of a sink is counted. A counter that is not there before its first count hides that count from `increase()`,
   * and to begin a histogram empties it.
   */
  #begin(sink: string): void {
    if (this.#knownSinks.has(sink)) return;
    this.#knownSinks.add(sink);
    for (const event of SINK_EVENTS) this.#events.inc({ event, sink }, 0);
    for (const outcome of OUTCOMES) this.#requests.inc({ sink, outcome }, 0);
    this.#splitRecords.inc({ sink }, 0);
    for (const histogram of [this.#seconds, this.#records, this.#bytes]) histogram.zero({ sink });
  }
}
