import { Secret } from "../core/secret.ts";
import { interpolate, type InterpolationSource } from "./interpolate.ts";
import { pathKey, type Path } from "./problems.ts";
import type { Interpolated } from "./tree.ts";

/**
 * Ties every secret that came from a template to it, so that `refresh()` reads the environment or the file again.
 * `path` is where `value` was written. A secret that a schema moved elsewhere, or wrote literally, stays as it is.
 */
export function bindSecrets(
  value: unknown,
  path: Path,
  interpolated: ReadonlyMap<string, Interpolated>,
  source: InterpolationSource,
): unknown {
  if (value instanceof Secret) {
    const template = interpolated.get(pathKey(path))?.template;
    return template === undefined ? value : new Secret(value.reveal(), () => readAgain(template, source));
  }
  const bind = (child: unknown, key: PropertyKey): unknown => bindSecrets(child, [...path, key], interpolated, source);
  if (Array.isArray(value)) return value.map(bind);
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, bind(child, key)]));
}

function readAgain(template: string, source: InterpolationSource): string {
  const result = interpolate(template, source);
  if (!result.ok) throw new Error(result.reasons.join("; "));
  return result.text;
}

const isPlain = (value: unknown): value is object =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
