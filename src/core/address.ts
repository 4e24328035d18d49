/** Where a server listens. */
export interface Address {
  /** A name or an IP address; empty for every interface. */
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
}

const MAX_PORT = 65_535;

/** Host and port of `host:port`, `[::1]:8088` or `:8088` (every interface); undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  const [, bracketed, plain = "", digits] = /^(?:\[([\da-f:.]+)\]|([^[\]:]*)):(\d{1,5})$/i.exec(text) ?? [];
  const port = Number(digits);
  return port <= MAX_PORT ? { host: bracketed ?? plain, port } : undefined;
}

/** As `parseAddress` reads it. */
export const formatAddress = ({ host, port }: Address): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;
