import type { Resource } from "../../core/sink.ts";

const MAX_TAG_LENGTH = 200;

/**
 * A tag as Datadog stores it: lower case, begins with a letter, then letters, digits and `_ - : . /` with anything else
 * replaced by `_`, at most 200 characters, no colon at the end. Empty when nothing is left.
 * Source: Datadog documentation, "Getting started with tags". A comma would otherwise make two tags of one.
 */
export function sanitizeTag(tag: string): string {
  const clean = tag
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_\-:./]/gu, "_")
    .replace(/^\P{L}+/u, "");
  return Array.from(clean).slice(0, MAX_TAG_LENGTH).join("").replace(/:+$/, "");
}

/** `ddtags`: the resource's env, version and attributes, then the user's own tags; undefined when there are none. */
export function buildTags(resource: Resource, tags: readonly string[]): string | undefined {
  const all = [
    ...(resource.env === undefined ? [] : [`env:${resource.env}`]),
    ...(resource.version === undefined ? [] : [`version:${resource.version}`]),
    ...Object.entries(resource.attributes).map(([name, value]) => `${name}:${value}`),
    ...tags,
  ];
  const clean = new Set(all.map((tag) => sanitizeTag(tag)).filter((tag) => tag !== ""));
  return clean.size === 0 ? undefined : [...clean].join(",");
}
