import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { unreachable } from "../../core/errors.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { HttpReply } from "../http/client.ts";
import type { HttpSender } from "../http/sink.ts";
import { AckChannel, type ChannelRequest } from "./ack-channel.ts";
import { classifySplunk } from "./classify.ts";

/** Most numbers in one question. */
const MAX_ASKED = 1_000;

const CHANNEL_HEADER = "x-splunk-request-channel";

const answerSchema = z.object({ acks: z.record(z.string(), z.boolean()) });

export interface AcknowledgementsSettings {
  /** Posts to the endpoint of acknowledgements. */
  readonly sender: HttpSender;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/**
 * Indexer acknowledgement: asks in bulk, at an interval and only while something is open, what is indexed. What is not
 * within the time-out counts as lost; time in which Splunk gave no answer does not count. One channel at a time is in use;
 * those before it are asked until nothing is open in them.
 * Source: Splunk documentation, "About HTTP Event Collector Indexer Acknowledgment".
 */
export class Acknowledgements {
  readonly #settings: AcknowledgementsSettings;
  readonly #closed = new AbortController();
  #channel = new AckChannel();
  readonly #former = new Set<AckChannel>();
  /** Why the last question had no answer, or what else must be cleared up before more is sent. */
  #problem: Outcome | undefined;
  #asking = false;

  constructor(settings: AcknowledgementsSettings) {
    this.#settings = settings;
  }

  /** The channel of the next request. */
  begin(): ChannelRequest {
    if (this.#channel.isRetired) {
      if (this.#channel.open.length > 0) this.#former.add(this.#channel);
      this.#channel = new AckChannel();
    }
    return this.#channel.begin();
  }

  headersOf({ channel }: ChannelRequest): Readonly<Record<string, string>> {
    return { [CHANNEL_HEADER]: channel.id };
  }

  /** Resolves with whether the request is indexed; with false when that can't be hoped for. Never rejects. */
  expect(request: ChannelRequest, ackId: number): Promise<boolean> {
    const settled = request.channel.expect(request, ackId, this.#settings.clock.elapsed());
    if (request.channel !== this.#channel) this.#former.add(request.channel);
    if (!this.#asking) void this.#ask();
    return settled;
  }

  /** Something is wrong with the acknowledgements: more is sent only when a question has been answered. */
  doubt(problem: Outcome): void {
    this.#problem = problem;
  }

  /** What keeps from sending more, if anything does. While something does, this asks again. */
  async check(signal: AbortSignal): Promise<Outcome | undefined> {
    if (this.#problem === undefined) return undefined;
    await this.#question(this.#channel, this.#channel.open.slice(0, MAX_ASKED), signal);
    return this.#problem;
  }

  /** Nothing more will be told. */
  close(): void {
    this.#closed.abort();
    for (const channel of [this.#channel, ...this.#former]) channel.close();
    this.#settings.sender.close();
  }

  async #ask(): Promise<void> {
    const { clock, intervalMs } = this.#settings;
    const { signal } = this.#closed;
    this.#asking = true;
    while (!signal.aborted && (this.#channel.open.length > 0 || this.#former.size > 0)) {
      await clock.sleep(intervalMs, signal);
      for (const channel of [...this.#former, this.#channel]) await this.#askAll(channel, signal);
    }
    this.#asking = false;
  }

  async #askAll(channel: AckChannel, signal: AbortSignal): Promise<void> {
    const { clock, timeoutMs } = this.#settings;
    const { open } = channel;
    const askedMs = clock.elapsed();
    let answered = true;
    for (let from = 0; from < open.length && answered && !signal.aborted; from += MAX_ASKED) {
      answered = await this.#question(channel, open.slice(from, from + MAX_ASKED), signal);
    }
    if (answered) {
      channel.answered(askedMs);
      channel.expire(askedMs - timeoutMs);
    } else {
      channel.unanswered(askedMs);
    }
    if (channel.open.length === 0) this.#former.delete(channel);
  }

  /** False if there was no answer. */
  async #question(channel: AckChannel, asked: readonly number[], signal: AbortSignal): Promise<boolean> {
    const body = Buffer.from(JSON.stringify({ acks: asked.length > 0 ? asked : [0] }));
    const headers = { [CHANNEL_HEADER]: channel.id };
    const { outcome, reply } = await this.#settings.sender.send({ bytes: body, isGzip: false }, signal, headers);
    if (signal.aborted) return false;
    const acks = reply === undefined ? undefined : readAnswer(reply);
    if (acks === undefined) {
      this.#problem = outcome;
      return false;
    }
    this.#problem = undefined;
    // Told only once: what is not taken up here is lost.
    for (const [ackId, isIndexed] of Object.entries(acks)) if (isIndexed) channel.indexed(Number(ackId));
    return true;
  }
}

function readAnswer({ status, body }: HttpReply): Readonly<Record<string, boolean>> | undefined {
  if (status !== 200) return undefined;
  try {
    return answerSchema.safeParse(JSON.parse(body)).data?.acks;
  } catch {
    // Not JSON: no answer, and the question is asked again.
    return undefined;
  }
}

/** What it means that a question was not answered as it should be. */
export function classifyAckReply(reply: HttpReply, nowMs: number): Outcome {
  const outcome = classifySplunk(reply, nowMs);
  switch (outcome.kind) {
    case "retry":
    case "blocked":
      return { ...outcome, reason: `acknowledgements can't be asked for: ${outcome.reason}` };
    case "rejected":
    case "tooLarge":
      return { kind: "blocked", reason: `acknowledgements can't be asked for: ${outcome.reason}` };
    case "delivered":
    case "received":
    case "ended":
      return { kind: "retry", reason: "acknowledgements can't be asked for: an answer that is none" };
    default:
      return unreachable(outcome);
  }
}
