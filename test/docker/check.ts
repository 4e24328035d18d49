import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkCommand } from "../../src/commands/check.ts";
import { sinkDefinitions } from "../../src/sinks/registry.ts";
import { sinkhole } from "../config/definitions.ts";

/** Keys that the examples and manifests refer to as files. */
const KEYS = ["datadog-api-key", "splunk-hec-token"];

/** `tailcar check` of a configuration for a container, with its directories moved to ones that exist here. */
export async function check(text: string, env: Readonly<Record<string, string>>) {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "tailcar-docs-")));
  try {
    for (const name of ["logs", "secrets"]) mkdirSync(join(directory, name));
    for (const name of KEYS) writeFileSync(join(directory, "secrets", name), "key\n");
    const local = text
      .replaceAll("/var/log/app", join(directory, "logs"))
      .replaceAll(/\/run\/secrets|\/etc\/tailcar-secrets/g, join(directory, "secrets"))
      .replace(/^stateDir:.*\n/m, "");
    writeFileSync(join(directory, "tailcar.yaml"), `stateDir: ${directory}/state\n${local}`);
    const [stdout, stderr] = [sinkhole(), sinkhole()];
    const io = { stdout: stdout.stream, stderr: stderr.stream, env, cwd: directory, sinks: sinkDefinitions };
    const code = await checkCommand({ config: "tailcar.yaml" }, io);
    return { code, stderr: stderr.text() };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
