import type { Outcome } from "../../core/outcome.ts";
import type { Sink } from "../../core/sink.ts";
import { type HttpSinkParts, HttpSender, warningsOf } from "../http/sink.ts";
import { Acknowledgements, classifyAckReply } from "./acknowledgements.ts";
import { ackIdOf } from "./classify.ts";

/** The endpoint of acknowledgements beside that of events. */
export const ackEndpointOf = (endpoint: string): string =>
  endpoint.replace(/(?:\/event(?:\/1\.0)?)?\/?(?=$|\?)/, "/ack");

/** A sink whose batches are delivered when Splunk says that they are indexed. */
export function createAcknowledgedSink(
  parts: HttpSinkParts,
  { ackInterval, ackTimeout }: { readonly ackInterval: number; readonly ackTimeout: number },
): Sink {
  const { context, encode, endpoint, limits, options } = parts;
  const events = new HttpSender(parts);
  const questions = new HttpSender({ ...parts, endpoint: ackEndpointOf(endpoint), classify: classifyAckReply });
  const acknowledgements = new Acknowledgements({
    sender: questions,
    clock: context.clock,
    intervalMs: ackInterval,
    timeoutMs: ackTimeout,
  });

  const send = async (body: Buffer, signal: AbortSignal): Promise<Outcome> => {
    const problem = await acknowledgements.check(signal);
    if (problem !== undefined) return problem;
    const payload = await events.compress(body);
    const request = acknowledgements.begin();
    const { outcome, reply } = await events.send(payload, signal, acknowledgements.headersOf(request));
    if (outcome.kind !== "delivered" || reply === undefined) return outcome;
    const ackId = ackIdOf(reply);
    if (ackId === undefined) {
      acknowledgements.doubt(UNNUMBERED);
      return UNNUMBERED;
    }
    return { kind: "received", settled: acknowledgements.expect(request, ackId) };
  };

  return {
    warnings: warningsOf(options),
    limits,
    concurrency: options.concurrency,
    encode,
    send,
    async refresh() {
      events.refresh();
      questions.refresh();
    },
    async close() {
      acknowledgements.close();
      events.close();
    },
  };
}

const UNNUMBERED: Outcome = {
  kind: "blocked",
  reason:
    "the token has no indexer acknowledgement (no ackId in the answer): switch it on in Splunk, or set acknowledge: false",
};
