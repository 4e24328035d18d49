import { TimeoutError } from "got";
import { describeError, errorCode } from "../../core/errors.ts";
import type { Outcome } from "../../core/outcome.ts";

const MAX_REASON = 300;

/**
 * Codes with which OpenSSL and Node refuse the server's certificate.
 * Source: Node.js documentation, "X509 certificate error codes", and `tls.checkServerIdentity`.
 */
const CERTIFICATE_CODES: ReadonlySet<string> = new Set([
  "CERT_CHAIN_TOO_LONG",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_REJECTED",
  "CERT_REVOKED",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_FORMAT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "ERROR_IN_CERT_NOT_AFTER_FIELD",
  "ERROR_IN_CERT_NOT_BEFORE_FIELD",
  "HOSTNAME_MISMATCH",
  "INVALID_CA",
  "INVALID_PURPOSE",
  "PATH_LENGTH_EXCEEDED",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY",
  "UNABLE_TO_DECRYPT_CERT_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** What Node advises about an unknown authority. Who configures tailcar has another way. */
const ADVICE_OF_NODE = /; if the root CA is installed locally.*$/s;

/** OpenSSL's words for an answer that is no TLS. Node gives them the code EPROTO, as it does with other faults. */
const NO_TLS = /:wrong version number:|:http request:/;

/** The server refuses our certificate, or wants one that we do not have. */
const CLIENT_CERTIFICATE_ALERT = /^ERR_SSL_.*ALERT_.*(?:CERTIFICATE|UNKNOWN_CA)/;

/** What Node says of a proxy that wants other credentials before it opens a tunnel: the end of it is the proxy's status line. */
const PROXY_REFUSES = /: HTTP\/\d\.\d 407\b/;

/** What a request that got no complete response means. Only what a person must put right is `blocked`. */
export function classifyFailure(error: unknown): Outcome {
  const code = errorCode(error);
  const message = describeError(error);
  const reason = (code === undefined || message.includes(code) ? message : `${code} ${message}`).slice(0, MAX_REASON);
  if (code !== undefined && CERTIFICATE_CODES.has(code)) {
    const advised = reason.replace(ADVICE_OF_NODE, "; name its authority in tls.ca");
    return { kind: "blocked", reason: `the server's certificate is refused: ${advised}` };
  }
  if (code === "EPROTO" && NO_TLS.test(message)) {
    return { kind: "retry", reason: "the server does not answer in TLS: is it http:// that it speaks?" };
  }
  if (code !== undefined && CLIENT_CERTIFICATE_ALERT.test(code)) {
    return { kind: "blocked", reason: `the server refuses our certificate: ${reason}` };
  }
  if (code === "ERR_PROXY_TUNNEL" && PROXY_REFUSES.test(message)) {
    return { kind: "blocked", reason: `the proxy refuses the credentials: ${reason}` };
  }
  if (code === "ERR_INVALID_CHAR") {
    return { kind: "blocked", reason: "a credential holds characters that an HTTP header cannot carry" };
  }
  return isCutShort(error) ? { kind: "retry", reason, cutShort: true } : { kind: "retry", reason };
}

/** The deadline of the whole request came before its last byte was sent. */
const isCutShort = (error: unknown): boolean =>
  error instanceof TimeoutError && error.event === "request" && error.timings.upload === undefined;
