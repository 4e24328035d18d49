import http from "node:http";
import net, { type Socket } from "node:net";
import { portOf } from "./server.ts";

export interface TestProxy extends AsyncDisposable {
  readonly url: string;
  /** `POST http://...` and `CONNECT host:port`, in order. */
  readonly seen: string[];
  readonly credentials: (string | undefined)[];
}

export interface ProxyFault {
  /** What it says to CONNECT instead of 200. */
  readonly refuses?: string;
  /** It wants this password of the user `user`. */
  readonly password?: string;
  /** Takes the connection and says nothing. */
  readonly hangs?: boolean;
}

/** A forward proxy as companies have it: absolute URLs for http, CONNECT for https. */
export async function startProxy(fault: ProxyFault = {}): Promise<TestProxy> {
  const seen: string[] = [];
  const credentials: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const note = ({ method, url, headers }: http.IncomingMessage): void => {
    seen.push(`${method} ${url}`);
    credentials.push(headers["proxy-authorization"]);
  };
  const isRefused = ({ headers }: http.IncomingMessage): boolean =>
    fault.password !== undefined &&
    headers["proxy-authorization"] !== `Basic ${Buffer.from(`user:${fault.password}`).toString("base64")}`;
  const server = http.createServer((request, response) => {
    note(request);
    if (isRefused(request)) {
      response.writeHead(407).end();
      return;
    }
    const { method = "", url = "" } = request;
    const { "proxy-authorization": _own, ...headers } = request.headers;
    const onward = http.request(url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  server.on("connect", (request: http.IncomingMessage, socket: Socket) => {
    note(request);
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    if (fault.hangs === true) return;
    const refusal = isRefused(request) ? "407 Proxy Authentication Required" : fault.refuses;
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal}\r\n\r\n`);
      return;
    }
    const { hostname, port } = new URL(`http://${request.url}`);
    const onward = net.connect(Number(port), hostname, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.pipe(socket);
      socket.pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("close", () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    seen,
    credentials,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        for (const socket of sockets) socket.destroy();
      }),
  };
}
