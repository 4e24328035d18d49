import { hostname as machineName } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import type { Config } from "./config/schema.ts";
import type { Clock } from "./core/clock.ts";
import type { SinkDefinition } from "./core/sink-definition.ts";
import type { Resource, Sink } from "./core/sink.ts";
import { VERSION } from "./core/version.ts";

/** What the sinks get from the outside world. */
export interface SinkWorld {
  readonly sinks: readonly SinkDefinition[];
  readonly stdout: Writable;
  readonly clock: Clock;
  readonly hostname: string;
  /** The environment, for the variables that name proxies. Without it none is used. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Makes a sink of the configuration. It opens nothing before its first request. */
export function createSink(name: string, config: Config, world: SinkWorld): Sink {
  const { sinks, stdout, clock, hostname, env } = world;
  const settings = config.sinks[name];
  const definition = sinks.find(({ type }) => type === settings?.type);
  if (settings === undefined || definition === undefined) throw new Error(`no sink ${name}`);
  const context = { name, resource: resourceOf(config, hostname), clock, stdout, env, version: VERSION };
  return definition.create({ ...settings.options }, context);
}

/** Where the dead letters of a sink are. */
export const deadLettersOf = (name: string, { stateDir }: Pick<Config, "stateDir">): string =>
  join(stateDir, "dead-letters", name);

/** The name that records carry as their host, unless the configuration has another. */
export const hostOf = (env: Readonly<Record<string, string | undefined>>): string => env["HOSTNAME"] ?? machineName();

/** Who the records are about. `hostname` is the machine's own name. */
export function resourceOf(config: Config, hostname: string): Resource {
  const { host = hostname, ...resource } = config.resource;
  return { ...resource, host };
}
