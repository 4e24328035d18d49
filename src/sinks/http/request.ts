import http, { type ClientRequest, type IncomingMessage } from "node:http";
import https, { type RequestOptions } from "node:https";

/**
 * Makes a request of Node's for got, as got would itself, but for one thing: got passes on three dozen options, nearly all
 * of them undefined, and Node copies them twice, in the slow way that so many take. That was half of what a request costs.
 */
export function nodeRequest(
  url: URL,
  options: RequestOptions,
  callback?: (response: IncomingMessage) => void,
): ClientRequest {
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) if (value !== undefined) given[name] = value;
  return url.protocol === "https:" ? https.request(url, given, callback) : http.request(url, given, callback);
}
