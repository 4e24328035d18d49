import { createServer } from "node:http";
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { healthCommand } from "../../src/commands/health.ts";
import { EXIT } from "../../src/core/errors.ts";

class Text extends Writable {
  text = "";

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function portOfNobody(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("expected a port");
  return address.port;
}

test("an agent that does not answer: the message says where it was asked, and which setting makes it answer", async () => {
  const [stdout, stderr] = [new Text(), new Text()];
  const url = `http://127.0.0.1:${await portOfNobody()}/livez`;
  expect(await healthCommand(url, { stdout, stderr })).toBe(EXIT.failed);
  expect(stdout.text).toBe("");
  expect(stderr.text).toMatch(
    new RegExp(`^tailcar: no answer from ${url}: .*ECONNREFUSED.*; is tailcar running, with server.listen there\\?\n$`),
  );
});
