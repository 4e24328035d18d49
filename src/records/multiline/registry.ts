import { dotnet, java, node } from "./frames.ts";
import { dart, go, php, python, ruby, rust } from "./languages.ts";
import type { Extent } from "./lines.ts";
import { mayBeHeader } from "./shapes.ts";

/** Joining by the shape of a language's stack traces. */
export const presets: Readonly<Record<string, Extent>> = { java, python, go, node, ruby, dotnet, php, rust, dart };

const all = Object.values(presets);

/** Whatever language a trace is of: the one that makes most of it. */
export const auto: Extent = (lines, from) => {
  const header = lines.text(from);
  if (header === undefined || !mayBeHeader(header)) return 1;
  let longest = 1;
  for (const extent of all) longest = Math.max(longest, extent(lines, from));
  return longest;
};
