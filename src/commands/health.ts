import { get } from "node:http";
import { describeError, EXIT, UserError } from "../core/errors.ts";
import type { CommandIo } from "./io.ts";

const TIMEOUT_MS = 5_000;

/**
 * Asks a running agent for its health, for containers whose health is checked by a command. Reads no configuration, so that it costs
 * little. Resolves to 0 if it is well, to 1 if it is not or does not answer.
 */
export async function healthCommand(
  url: string,
  { stdout, stderr }: Pick<CommandIo, "stdout" | "stderr">,
): Promise<number> {
  if (!URL.canParse(url) || new URL(url).protocol !== "http:")
    throw new UserError(`${url}: expected a URL like http://127.0.0.1:9600/livez`, EXIT.usage);
  try {
    const { status, body } = await fetchPage(url);
    stdout.write(body);
    return status === 200 ? EXIT.done : EXIT.failed;
  } catch (error) {
    stderr.write(
      `tailcar: no answer from ${url}: ${describeError(error)}; is tailcar running, with server.listen there?\n`,
    );
    return EXIT.failed;
  }
}

function fetchPage(url: string): Promise<{ readonly status: number | undefined; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal: AbortSignal.timeout(TIMEOUT_MS), agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode, body }));
      response.on("error", reject);
    });
    request.on("error", reject);
  });
}
