import net, { type Socket } from "node:net";
import { randomBytes } from "node:crypto";
import { type Handler, portOf } from "../sinks/http/server.ts";

/** A server of bare TCP, for what no HTTP server does. */
export interface RawServer extends AsyncDisposable {
  readonly port: number;
  readonly sockets: Socket[];
}

export async function startRaw(serve: (socket: Socket) => void): Promise<RawServer> {
  const sockets: Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => socket.destroy());
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: portOf(server),
    sockets,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** What a server does to a connection instead of an answer, by what it looks like from outside. */
export const RAW_FAULTS: readonly (readonly [name: string, serve: (socket: Socket) => void])[] = [
  ["says nothing", () => {}],
  ["resets the connection at once", (socket) => socket.resetAndDestroy()],
  ["closes the connection at once", (socket) => socket.end()],
  ["resets it in the middle of the request", (socket) => socket.once("data", () => socket.resetAndDestroy())],
  ["closes it in the middle of the request", (socket) => socket.once("data", () => socket.end())],
  ["stops reading in the middle of the request", (socket) => socket.once("data", () => socket.pause())],
  ["answers something else than HTTP", (socket) => socket.once("data", () => socket.end("220 smtp ready\r\n"))],
  ["answers random bytes", (socket) => socket.once("data", () => socket.end(randomBytes(4_096)))],
  [
    "answers with a head without end",
    (socket) => socket.once("data", () => socket.write(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(100_000)}`)),
  ],
  [
    "answers byte by byte, without an end",
    (socket) =>
      socket.once("data", () => {
        const timer = setInterval(() => socket.write("H"), 20);
        socket.once("close", () => clearInterval(timer));
      }),
  ],
];

/** What a server does once it has the whole request and has begun, or should have begun, its documented success. */
export const ANSWER_FAULTS = (status: number, body: string): readonly (readonly [name: string, handler: Handler])[] => [
  ["hangs before its answer", () => {}],
  ["resets the connection instead of its answer", (_request, _response, socket) => void socket.resetAndDestroy()],
  [
    "hangs in the middle of its answer",
    (_request, response) => void response.writeHead(status, { "content-length": body.length + 10 }).write(body),
  ],
  [
    "resets the connection in the middle of its answer",
    (_request, response, socket) =>
      void response
        .writeHead(status, { "content-length": body.length + 10 })
        .write(body, () => socket.resetAndDestroy()),
  ],
  [
    "closes the connection in the middle of its answer",
    (_request, response, socket) =>
      void response.writeHead(status, { "content-length": body.length + 10 }).write(body, () => socket.end()),
  ],
];

/** 100 MB, as fast as they are taken. Resolves with how many bytes were. */
export const flood =
  (status: number, sent: (bytes: number) => void): Handler =>
  (_request, response, socket) => {
    const chunk = Buffer.alloc(65_536, "y");
    let bytes = 0;
    const more = (): void => {
      while (!socket.destroyed && bytes < 100e6) {
        bytes += chunk.length;
        if (!response.write(chunk)) return;
      }
      response.end();
    };
    response.on("drain", more);
    response.on("close", () => sent(bytes));
    response.writeHead(status);
    more();
  };
