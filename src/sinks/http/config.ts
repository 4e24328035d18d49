import { z } from "zod";
import { duration } from "../../core/options.ts";

const concurrency = z
  .strictObject({
    min: z.int().min(1).prefault(1).describe("Requests that are always allowed in flight at once."),
    max: z.int().min(1).max(64).prefault(8).describe("Most requests in flight at once; 1 keeps strict order per file."),
  })
  .refine(({ min, max }) => min <= max, "expected min to be at most max")
  .prefault({})
  .describe("Requests in flight at the same time. The number adapts between the two to how the receiver copes.");

const timeout = z
  .strictObject({
    connect: duration().prefault("10s").describe("For each of: finding the address, connecting, and agreeing on TLS."),
    response: duration().prefault("30s").describe("From the request's last byte to the head of the response."),
    total: duration().prefault("60s").describe("For the whole request with its response."),
  })
  .prefault({})
  .describe("Deadlines of one request. A request that misses one is sent again.");

const tls = z
  .strictObject({
    ca: z
      .string()
      .min(1)
      .optional()
      .describe("Path of a PEM file with the authorities to trust instead of the system's."),
    cert: z.string().min(1).optional().describe("Path of a PEM file with the client certificate and its chain."),
    key: z.string().min(1).optional().describe("Path of a PEM file with the client certificate's private key."),
    serverName: z
      .string()
      .min(1)
      .optional()
      .describe("Name the server's certificate must carry, when it is not the host in the URL."),
    minVersion: z.enum(["TLSv1.2", "TLSv1.3"]).optional().describe("Lowest TLS version to accept."),
    insecureSkipVerify: z
      .boolean()
      .prefault(false)
      .describe("Accept any certificate. Whoever is in between can read the logs and the credentials: for tests only."),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), "expected cert and key together")
  .optional()
  .describe(
    "TLS of the connection. The files are read again while the sink is blocked, so a renewal needs no restart.",
  );

/** The options that every sink over HTTP has, to be spread into its schema. */
export const httpOptions = {
  concurrency,
  timeout,
  compression: z.enum(["gzip", "none"]).prefault("gzip").describe("Compression of the request's body."),
  compressionLevel: z
    .int()
    .min(1)
    .max(9)
    .prefault(1)
    .describe("gzip level: 1 is the cheapest, 9 the smallest. Logs compress well at 1 already."),
  tls,
};

export type TlsOptions = NonNullable<z.output<typeof tls>>;
export type HttpOptions = z.output<z.ZodObject<typeof httpOptions>>;

/**
 * Option: the URL of a receiver. A base URL without a path gets `path`; a URL with one is taken as it is, so that a
 * receiver behind a proxy can be reached under any path.
 */
export const endpoint = (path: string) =>
  z.string().transform((text, ctx) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
      ctx.addIssue({ code: "custom", message: "expected a URL that begins with https:// or http://" });
      return z.NEVER;
    }
    if (url.username !== "" || url.password !== "") {
      ctx.addIssue({ code: "custom", message: "expected a URL without credentials, for a URL may be shown" });
      return z.NEVER;
    }
    if (url.pathname === "/") url.pathname = path;
    return url.href;
  });
