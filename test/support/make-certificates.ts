import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Directory of the certificates. */
    readonly certificates: string;
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const LOCALHOST = "DNS:localhost,IP:127.0.0.1";

const files = (name: string): readonly string[] => ["-keyout", `${name}.key`, "-out", `${name}.pem`];

/** The certificates of tests, by `openssl`: an authority, what it signed, and one that has expired. */
function makeCertificates(directory: string): void {
  const openssl = (...args: readonly string[]): void => {
    execFileSync("openssl", args, { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
  };
  openssl("req", "-x509", ...NEW_KEY, "-days", "2", "-subj", "/CN=tailcar test CA", ...files("ca"));
  for (const [name, commonName, alternative] of [
    ["server", "localhost", LOCALHOST],
    ["other", "other.test", "DNS:other.test"],
    ["client", "client", "DNS:client.test"],
  ] as const) {
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2", "-addext", `subjectAltName=${alternative}`];
    const end = ["-addext", "basicConstraints=critical,CA:FALSE"];
    openssl("req", "-x509", ...NEW_KEY, "-subj", `/CN=${commonName}`, ...signed, ...end, ...files(name));
  }
  // Of its commands only `ca` takes dates that have passed.
  writeFileSync(join(directory, "index.txt"), "");
  writeFileSync(
    join(directory, "ca.conf"),
    "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nnew_certs_dir=.\ndefault_md=sha256\nrand_serial=yes\ncopy_extensions=copy\npolicy=any\n[any]\ncommonName=supplied\n",
  );
  const request = ["-subj", "/CN=localhost", "-addext", `subjectAltName=${LOCALHOST}`, "-keyout", "expired.key"];
  openssl("req", "-new", ...NEW_KEY, ...request, "-out", "expired.csr");
  const past = ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"];
  const own = ["-selfsign", "-keyfile", "expired.key", "-in", "expired.csr", "-out", "expired.pem"];
  openssl("ca", "-batch", "-notext", "-config", "ca.conf", ...past, ...own);
}

/** Before the tests of a run: they share what is made here, and it is removed after them. */
export default function setup({ provide }: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), "tailcar-certificates-"));
  makeCertificates(directory);
  provide("certificates", directory);
  return () => rmSync(directory, { recursive: true, force: true });
}
