import type { AgentEvent } from "../core/events.ts";

/** Whom an event is about: the agent, or one of its sinks. Each kind of event is counted, and a new one belongs here. */
const SUBJECTS = {
  "agent.started": "agent",
  "agent.failed": "agent",
  "agent.state": "agent",
  "file.found": "agent",
  "file.rotated": "agent",
  "file.deleted": "agent",
  "file.truncated": "agent",
  "file.ambiguous": "agent",
  "file.damaged": "agent",
  "file.hole": "agent",
  "file.heldReleased": "agent",
  "file.removed": "agent",
  "file.notRemoved": "agent",
  "file.released": "agent",
  "file.refused": "agent",
  "file.unreadable": "agent",
  "file.format": "agent",
  "file.starts": "agent",
  "files.none": "agent",
  "watch.failed": "agent",
  "stdin.waiting": "agent",
  "stdin.resumed": "agent",
  "stdin.lost": "agent",
  "data.lost": "sink",
  "sink.failing": "sink",
  "sink.blocked": "sink",
  "sink.warning": "sink",
  "sink.recovered": "sink",
  "sink.ended": "sink",
  "sink.deadLettered": "sink",
  "sink.unconfirmed": "sink",
  "sink.recordStuck": "sink",
  "sink.slowLine": "sink",
  "sink.deadLettersStuck": "sink",
  "sink.account": "sink",
  "sink.spilled": "sink",
  "sink.undelivered": "sink",
  "sink.unbalanced": "sink",
  "sink.abandoned": "sink",
  "config.invalid": "agent",
  "config.reloaded": "agent",
  "config.unchanged": "agent",
  "config.stateDirChanged": "agent",
  "server.listening": "agent",
  "server.failed": "agent",
  "checkpoint.resumed": "agent",
  "checkpoint.damaged": "agent",
  "checkpoint.failed": "agent",
  "checkpoint.restored": "agent",
} as const satisfies Record<AgentEvent["kind"], "agent" | "sink">;

const kindsOf = (subject: "agent" | "sink"): readonly string[] =>
  Object.entries(SUBJECTS).flatMap(([kind, about]) => (about === subject ? [kind] : []));

export const AGENT_EVENTS = kindsOf("agent");
export const SINK_EVENTS = kindsOf("sink");

/** The name of the sink that an event is about; empty if it is about none. */
export function sinkOf(event: AgentEvent): string {
  if (event.kind === "data.lost") return event.loss.sink;
  return "sink" in event ? event.sink : "";
}
