import type { AgentProcess } from "./agent-process.ts";
import { parseMetrics, valueOf, type Sample } from "./metrics.ts";
import { until } from "./poll.ts";

/** What an agent tells over HTTP. */
export class TelemetryClient {
  readonly address: string;

  private constructor(address: string) {
    this.address = address;
  }

  /** Waits until the agent says where it listens. */
  static async of(agent: AgentProcess): Promise<TelemetryClient> {
    const latest = (): string | undefined =>
      [...agent.stderr.matchAll(/health and metrics at http:\/\/([^"\s]+)/g)].at(-1)?.[1];
    const address = await until("the server", latest, { detail: () => agent.tail() });
    return new TelemetryClient(address);
  }

  get(path: string): Promise<Response> {
    return fetch(`http://${this.address}${path}`);
  }

  async json(path: string): Promise<{ readonly code: number; readonly body: unknown }> {
    const response = await this.get(path);
    return { code: response.status, body: await response.json() };
  }

  async samples(): Promise<readonly Sample[]> {
    return parseMetrics(await (await this.get("/metrics")).text());
  }

  async value(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
    return valueOf(await this.samples(), name, labels);
  }

  /** Waits until a metric has a value. */
  async reaches(name: string, labels: Readonly<Record<string, string>>, value: number): Promise<true> {
    let last: number | undefined;
    const has = async (): Promise<boolean> => (last = await this.value(name, labels)) === value;
    return until(`${name} ${JSON.stringify(labels)} to be ${value}`, has, {
      everyMs: 100,
      detail: () => `it is ${last}`,
    });
  }

  /** Waits until a page answers so. */
  async answers(path: string, code: number): Promise<unknown> {
    const probe = async (): Promise<{ readonly body: unknown } | undefined> => {
      const answer = await this.json(path);
      return answer.code === code ? answer : undefined;
    };
    return (await until(`${path} to answer ${code}`, probe, { everyMs: 100 })).body;
  }
}
