import { resolve } from "node:path";
import { describeReadError } from "../core/errors.ts";

/** Where references lead. */
export interface InterpolationSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a text file; throws when it cannot. Gets an absolute path. */
  readFile(path: string): string;
  /** Directory that a relative `${file:...}` counts from. */
  readonly cwd: string;
}

export type Interpolation =
  /** `values` is what the references gave: none of it may be shown. */
  | { readonly ok: true; readonly text: string; readonly values: readonly string[] }
  /** Why, one sentence a reference; without any value. */
  | { readonly ok: false; readonly reasons: readonly string[] };

type Resolved = { readonly value: string } | { readonly reason: string };

/** `$$`, `${reference}`, or a `${` that is never closed. A `$` before anything else stands for itself, so `^\d+$` and `$1` pass. */
const SPECIAL = /\$\$|\$\{(?:([^}]*)\})?/g;

const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/** Whether a value holds anything to replace. */
export const isTemplate = (text: string): boolean => text.includes("${") || text.includes("$$");

/**
 * Replaces `${NAME}`, `${NAME:-default}` (also when the variable is empty, as in a shell) and `${file:/path}` (its
 * trailing newlines removed); `$$` is a dollar. What a reference gives is never looked at again. The advice for a variable
 * that is missing depends on whether the value is a secret.
 */
export function interpolate(
  template: string,
  source: InterpolationSource,
  isSecret: () => boolean = () => false,
): Interpolation {
  const values: string[] = [];
  const reasons: string[] = [];
  const text = template.replaceAll(SPECIAL, (match, reference: string | undefined) => {
    if (match === "$$") return "$";
    const resolved = resolveReference(reference, source, isSecret);
    if ("reason" in resolved) {
      reasons.push(resolved.reason);
      return "";
    }
    values.push(resolved.value);
    return resolved.value;
  });
  return reasons.length === 0 ? { ok: true, text, values } : { ok: false, reasons };
}

function resolveReference(
  reference: string | undefined,
  source: InterpolationSource,
  isSecret: () => boolean,
): Resolved {
  if (reference?.startsWith("file:")) return readReference(reference.slice("file:".length), source);
  const [, name, fallback] = VARIABLE.exec(reference ?? "") ?? [];
  if (name === undefined) {
    return { reason: '"${" must begin ${NAME}, ${NAME:-default} or ${file:/path}; write $${ for a literal "${"' };
  }
  // An environment is a plain object: `constructor` must not be found on its prototype.
  const value = Object.hasOwn(source.env, name) ? source.env[name] : undefined;
  if (fallback !== undefined) return { value: value === undefined || value === "" ? fallback : value };
  if (value !== undefined) return { value };
  const instead = isSecret() ? "name a file that holds it: ${file:/path}" : `give a default: \${${name}:-default}`;
  return { reason: `the environment variable ${name} is not set; set it, or ${instead}` };
}

function readReference(path: string, source: InterpolationSource): Resolved {
  if (path === "") return { reason: "${file:} needs a path, like ${file:/run/secrets/token}" };
  try {
    return { value: source.readFile(resolve(source.cwd, path)).replace(/[\r\n]+$/, "") };
  } catch (error) {
    return { reason: `cannot read the file ${path}: ${describeReadError(error)}` };
  }
}
