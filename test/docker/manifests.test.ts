import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { EXIT } from "../../src/core/errors.ts";
import { parseDuration } from "../../src/core/units.ts";
import { check } from "./check.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const manifests = ["deploy/kubernetes/native-sidecar.yaml", "deploy/kubernetes/classic-sidecar.yaml"] as const;

/** The objects of a YAML file by their kind. Throws at the first error. */
function objectsOf(path: string): ReadonlyMap<string, unknown> {
  const documents = parseAllDocuments(read(path));
  return new Map(
    [...documents].map((document) => {
      if (document.errors[0] !== undefined) throw document.errors[0];
      const value: unknown = document.toJS();
      return [z.object({ kind: z.string() }).parse(value).kind, value];
    }),
  );
}

const configMap = z.object({
  metadata: z.object({ name: z.string() }),
  data: z.object({ "tailcar.yaml": z.string() }),
});

const container = z.looseObject({
  name: z.string(),
  restartPolicy: z.string().optional(),
  args: z.array(z.string()).default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.int() })).default([]),
  livenessProbe: z.looseObject({ httpGet: z.object({ path: z.string(), port: z.string() }) }).optional(),
  env: z
    .array(z.object({ name: z.string(), valueFrom: z.object({ fieldRef: z.object({ fieldPath: z.string() }) }) }))
    .default([]),
  securityContext: z.looseObject({}).optional(),
  resources: z.looseObject({ requests: z.looseObject({}), limits: z.looseObject({}) }).optional(),
  volumeMounts: z.array(
    z.looseObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().default(false) }),
  ),
});

const deployment = z.object({
  spec: z.object({
    template: z.object({
      metadata: z.object({ annotations: z.record(z.string(), z.string()) }),
      spec: z.looseObject({
        terminationGracePeriodSeconds: z.int(),
        initContainers: z.array(container).default([]),
        containers: z.array(container),
        volumes: z.array(
          z.looseObject({
            name: z.string(),
            configMap: z.object({ name: z.string() }).optional(),
            secret: z.looseObject({ secretName: z.string() }).optional(),
          }),
        ),
      }),
    }),
  }),
});

describe.each(manifests)("%s", (path) => {
  const objects = objectsOf(path);
  const { spec, metadata: pod } = deployment.parse(objects.get("Deployment")).spec.template;
  const { metadata, data } = configMap.parse(objects.get("ConfigMap"));
  const agent = [...spec.initContainers, ...spec.containers].find(({ name }) => name === "tailcar");

  test("mounts volumes that exist, and each of them", () => {
    const mounted = [...spec.initContainers, ...spec.containers].flatMap(({ volumeMounts }) =>
      volumeMounts.map(({ name }) => name),
    );
    expect([...new Set(mounted)].sort()).toEqual(spec.volumes.map(({ name }) => name).sort());
    expect(spec.volumes.find(({ configMap }) => configMap !== undefined)?.configMap?.name).toBe(metadata.name);
  });

  test("asks for health and metrics where tailcar serves them, and has no probe by which logging stops the application", () => {
    const [listen] = agent?.args.slice(-1) ?? [];
    const port = agent?.ports.find(({ name }) => name === agent.livenessProbe?.httpGet.port)?.containerPort;
    expect(agent?.args).toContain("--listen");
    expect(listen).toBe(`0.0.0.0:${port}`);
    expect(agent?.livenessProbe?.httpGet.path).toBe("/livez");
    expect([agent?.["readinessProbe"], agent?.["startupProbe"]]).toEqual([undefined, undefined]);
    expect(pod.annotations).toMatchObject({ "prometheus.io/port": String(port), "prometheus.io/path": "/metrics" });
  });

  test("gives tailcar the keys that its configuration refers to", () => {
    const secrets = objectsOf("deploy/kubernetes/secret.example.yaml").get("Secret");
    const { stringData, ...secret } = z
      .object({ metadata: z.object({ name: z.string() }), stringData: z.record(z.string(), z.string()) })
      .parse(secrets);
    expect(spec.volumes.find((volume) => volume.secret !== undefined)?.secret?.secretName).toBe(secret.metadata.name);
    const mount = agent?.volumeMounts.find(({ name }) => name === "tailcar-secrets")?.mountPath;
    const referred = [...data["tailcar.yaml"].matchAll(/\$\{file:([^}]+)\}/g)].map((match) => match[1] ?? "");
    expect(referred.sort()).toEqual(
      Object.keys(stringData)
        .map((key) => `${mount}/${key}`)
        .sort(),
    );
  });

  test("locks tailcar down, and lets it write to its state only", () => {
    expect(agent?.securityContext).toMatchObject({
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    });
    expect(spec["securityContext"]).toMatchObject({ seccompProfile: { type: "RuntimeDefault" } });
    const writable = agent?.volumeMounts.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => mountPath);
    expect(writable).toEqual(["/var/lib/tailcar"]);
  });

  test("has a configuration that passes the check with the variables of its container", async () => {
    const env = Object.fromEntries((agent?.env ?? []).map(({ name }) => [name, "value"]));
    expect(await check(data["tailcar.yaml"], env)).toEqual({ code: EXIT.done, stderr: "" });
  });

  test("grants more time than the shutdown takes", () => {
    const [, timeout = ""] = /timeout: (\S+)/.exec(data["tailcar.yaml"]) ?? [];
    expect(spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(parseDuration(timeout) ?? Number.NaN);
  });
});

test("the native sidecar is one", () => {
  const { spec } = deployment.parse(objectsOf(manifests[0]).get("Deployment")).spec.template;
  expect(spec.initContainers.map(({ name, restartPolicy }) => ({ name, restartPolicy }))).toEqual([
    { name: "tailcar", restartPolicy: "Always" },
  ]);
});

describe("the container image", () => {
  const dockerfile = read("Dockerfile");

  test("needs nothing but its base image to be built", () => {
    expect(dockerfile).not.toMatch(/^# *syntax=/m);
    expect(new Set([...dockerfile.matchAll(/^FROM (\S+)/gm)].map((match) => match[1]))).toEqual(
      new Set(["node:26-bookworm-slim"]),
    );
  });

  test("gets nothing into its build but what is named", () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) =>
      (match[1] ?? "").split(" "),
    );
    const admitted = [...read(".dockerignore").matchAll(/^!(.+)$/gm)].map((match) => match[1] ?? "");
    expect([...copied].sort()).toEqual([...admitted].sort());
    expect(copied.filter((name) => !existsSync(join(root, name)))).toEqual([]);
  });
});

test("docker-compose.yml mounts a configuration that is there, and lets the drain finish", () => {
  const service = z.looseObject({ volumes: z.array(z.string()), stop_grace_period: z.string() });
  const { services } = z
    .object({ services: z.looseObject({ tailcar: service }) })
    .parse(parse(read("docker-compose.yml"), { merge: true }));
  const bound = services.tailcar.volumes
    .map((volume) => volume.split(":")[0] ?? "")
    .filter((name) => name.startsWith("."));
  expect(bound.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  expect(bound.length).toBe(1);
  expect(parseDuration(services.tailcar.stop_grace_period)).toBeGreaterThan(parseDuration("25s") ?? Number.NaN);
});
