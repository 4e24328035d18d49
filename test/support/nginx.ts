import { execFileSync, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "./poll.ts";
import type { Scene } from "./scene.ts";

/** A real nginx that answers everything with 204 and logs the request line, as Debian's package does, to `logs/access.log`. */
export class Nginx {
  readonly #scene: Scene;
  readonly #port: number;
  readonly #process: ChildProcess;
  readonly #pid: string;
  #requested = 0;

  static async start(scene: Scene): Promise<Nginx> {
    const nginx = new Nginx(scene, await freePort());
    await until("nginx to write its pid", () => existsSync(nginx.#pid));
    await until("nginx to answer", () =>
      nginx.#get("/up").then(
        () => true,
        () => undefined,
      ),
    );
    return nginx;
  }

  private constructor(scene: Scene, port: number) {
    this.#scene = scene;
    this.#port = port;
    this.#pid = join(scene.dir, "nginx.pid");
    const temporary = join(scene.dir, "nginx");
    mkdirSync(temporary);
    // Its workers drop to another user, who must reach the logs after a USR1.
    for (const path of [scene.dir, scene.logs]) chmodSync(path, 0o755);
    const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${join(temporary, name)};`,
    );
    const config = join(scene.dir, "nginx.conf");
    writeFileSync(
      config,
      `daemon off; worker_processes 2; pid ${this.#pid}; error_log ${join(scene.logs, "error.log")};
       events { worker_connections 256; }
       http { ${paths.join(" ")} keepalive_requests 1000000; access_log ${join(scene.logs, "access.log")};
         server { listen 127.0.0.1:${port}; location / { return 204; } } }\n`,
    );
    this.#process = scene.spawn("nginx", ["-p", scene.dir, "-c", config, "-e", join(scene.logs, "error.log")]);
  }

  /** Requests that were answered: their numbers are 0 to this, exclusive. */
  get requested(): number {
    return this.#requested;
  }

  /** Sends numbered requests until `signal` aborts, up to 1,000 a second and connection. Each is answered before the promise resolves. */
  async load(connections: number, signal: AbortSignal): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: connections });
    const drive = async (): Promise<void> => {
      while (!signal.aborted) {
        await this.#get(`/seq/${this.#requested++}`, agent);
        await pause(1);
      }
    };
    await Promise.all(Array.from({ length: connections }, drive));
    agent.destroy();
  }

  #get(path: string, agent?: Agent): Promise<void> {
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: this.#port, path, ...(agent === undefined ? {} : { agent }) };
      const sent = request(options, (response) => {
        response.resume();
        response.once("end", resolve);
      });
      sent.once("error", reject);
      sent.end();
    });
  }

  /** Rotates as Debian's `/etc/logrotate.d/nginx` does: rename, create, then USR1, with nginx writing all the while. */
  rotate(): void {
    const config = join(this.#scene.dir, "logrotate.conf");
    writeFileSync(
      config,
      `${join(this.#scene.logs, "*.log")} {
         rotate 1000\n missingok\n notifempty\n create 0644\n nocompress\n sharedscripts\n
         postrotate\n kill -USR1 ${readFileSync(this.#pid, "utf8").trim()}\n endscript\n}\n`,
      { mode: 0o644 },
    );
    const state = join(this.#scene.dir, "logrotate.state");
    execFileSync("logrotate", ["--force", "--state", state, config]);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGTERM");
    await ended;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("no port"));
        else resolve(address.port);
      });
    });
  });
}
