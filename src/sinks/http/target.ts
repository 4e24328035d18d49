/** Where requests go: a URL, and the socket to reach it by if that is none of TCP. */
export interface Target {
  readonly url: string;
  /** Absolute path of a Unix socket. */
  readonly socketPath?: string;
}

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\/|^unix:/i;
/** What was meant to be a scheme, which would be read as a host otherwise: `https:/x`, `https//x`, `https;//x`. */
const MISTYPED_SCHEME = /^https?[^a-z0-9.-]*\/|^[^/?#]*:\/\//i;

const UNIX = /^unix:(\/[^:]+)(?::(\/.*)?)?$/;

/**
 * Reads an endpoint: a URL of http or https, or `unix:/run/x.sock:/path` for HTTP over a Unix socket. What has no scheme
 * gets https, so that a forgotten one never sends credentials in the clear. A URL without a path gets `path`; one with a
 * path is taken as it is, so that a receiver behind a proxy can be reached under any. Undefined if it is none of these.
 */
export function readEndpoint(text: string, path: string): string | undefined {
  const unix = UNIX.exec(text);
  if (unix !== null) return `unix:${unix[1]}:${unix[2] === undefined || unix[2] === "/" ? path : unix[2]}`;
  if (!SCHEME.test(text) && MISTYPED_SCHEME.test(text)) return undefined;
  const withScheme = SCHEME.test(text) ? text : `https://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined;
  if (url.pathname === "/") url.pathname = path;
  return url.href;
}

/** The target of an endpoint that was read. */
export function targetOf(endpoint: string): Target {
  const [, socketPath, path] = UNIX.exec(endpoint) ?? [];
  return socketPath === undefined ? { url: endpoint } : { url: `http://localhost${path}`, socketPath };
}
