import { DROPPED } from "./application.ts";
import type { Settings } from "./command.ts";

/** The parts of the agent's configuration that the settings decide, as YAML has them. */
export function configurationOf(
  { reading, maxRecordBytes, maxOpenFiles }: Settings,
  include: readonly string[],
  grace: string,
) {
  const source = {
    include,
    format: "raw",
    maxRecordBytes: `${maxRecordBytes}B`,
    rotated: { grace },
    ...(reading === "joins" ? { multiline: { continue: "^\\s" }, flushAfter: "200ms" } : {}),
  };
  const drop = { where: { field: "body", matches: DROPPED } };
  return {
    sources: { app: source },
    transforms: reading === "drops" ? [{ drop }] : [],
    shutdown: { quietPeriod: "250ms", timeout: "25s" },
    maxOpenFiles,
  };
}
