import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";

/** Path of what `make-certificates.ts` has made: `ca.pem`, or of `server`, `other`, `client` and `expired` the `.pem` and the `.key`. */
export const pem = (name: string): string => join(inject("certificates"), name);

/** For a server that shows this certificate. */
export const credentials = (name: string) => ({
  cert: readFileSync(pem(`${name}.pem`)),
  key: readFileSync(pem(`${name}.key`)),
});
