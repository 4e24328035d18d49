import type { z } from "zod";
import type { Sink, SinkContext } from "./sink.ts";

/**
 * A type of sink: one folder under `sinks/` and one line in its registry. The schema is the single source of the
 * options' types, defaults, documentation and JSON Schema; its object holds everything but `type`.
 */
export interface SinkDefinition<Schema extends z.ZodObject = z.ZodObject> {
  readonly type: string;
  readonly schema: Schema;
  /** Makes a sink that is ready to send. Opens nothing: sockets are opened by the first `send`. */
  create(options: z.output<Schema>, context: SinkContext): Sink;
}

/** Keeps the type of the schema while a definition is written down. */
export const defineSink = <Schema extends z.ZodObject>(definition: SinkDefinition<Schema>): SinkDefinition<Schema> =>
  definition;
