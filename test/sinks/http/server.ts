import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import type { Server, Socket } from "node:net";

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export type Handler = (request: SeenRequest, response: ServerResponse, socket: Socket) => void;

/** Answers to requests, in order; the last one goes on for ever. */
export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly seen: SeenRequest[];
  /** Connections that were accepted, open or not. */
  readonly sockets: Socket[];
}

export const reply =
  (status: number, body = "{}", headers: Record<string, string> = {}): Handler =>
  (_request, response) => {
    response.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers });
    response.end(body);
  };

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server does not listen on a port");
  return address.port;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A real server on an ephemeral loopback port. `credentials` make it HTTPS. */
export async function startServer(
  handlers: readonly Handler[],
  credentials?: https.ServerOptions,
): Promise<TestServer> {
  const seen: SeenRequest[] = [];
  const sockets: Socket[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", url: path = "", headers } = request;
    const whole = { method, path, headers, body: await readBody(request) };
    const handler = handlers[Math.min(seen.length, handlers.length - 1)];
    seen.push(whole);
    handler?.(whole, response, request.socket);
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    // A request that the client gives up on has nobody left to answer.
    serve(request, response).catch(() => response.destroy());
  };
  const server = credentials === undefined ? http.createServer(listener) : https.createServer(credentials, listener);
  server.on(credentials === undefined ? "connection" : "secureConnection", (socket: Socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = portOf(server);
  return {
    url: `${credentials === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    port,
    seen,
    sockets,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
