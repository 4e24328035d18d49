import type { SinkDefinition } from "../core/sink-definition.ts";
import { datadog } from "./datadog/sink.ts";
import { splunkHec } from "./splunk-hec/sink.ts";
import { stdout } from "./stdout/sink.ts";

/** The built-in sinks. A new one is a folder beside this file and a line here. */
export const sinkDefinitions: readonly SinkDefinition[] = [datadog, splunkHec, stdout];
