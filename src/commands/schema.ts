import { jsonSchema } from "../config/describe.ts";
import { EXIT } from "../core/errors.ts";
import type { CommandIo } from "./io.ts";

/** Prints the JSON Schema of the configuration file. Resolves to the exit code. */
export async function schemaCommand(io: CommandIo): Promise<number> {
  io.stdout.write(`${JSON.stringify(jsonSchema(io.sinks), undefined, 2)}\n`);
  return EXIT.done;
}
