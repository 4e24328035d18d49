import { dart } from "./dart.ts";
import { dotnet } from "./dotnet.ts";
import { CAUSE, java } from "./frames.ts";
import { go } from "./go.ts";
import { type Extent, matches } from "./lines.ts";
import { node } from "./node.ts";
import { php } from "./php.ts";
import { python } from "./python.ts";
import { ruby } from "./ruby.ts";
import { rust } from "./rust.ts";
import { mayBeHeader } from "./shapes.ts";

/** Joining by the shape of a language's stack traces. */
export const presets: Readonly<Record<string, Extent>> = { java, python, go, node, ruby, dotnet, php, rust, dart };

const others = Object.values(presets).filter((extent) => extent !== java);

/** Behind frames like Java's, these go on with a trace of Node or .NET. */
const OPEN_FRAME = / \{$/;
const GOES_ON = /^(?:\s|$|---|caused by: )/;

/** Whatever language a trace is of: the one that makes most of it. */
export const auto: Extent = (lines, from) => {
  const header = lines.text(from);
  if (header === undefined || !mayBeHeader(header) || CAUSE.test(header)) return 1;
  let longest = java(lines, from);
  // Its frames are not looked at again, where no other language has more to say.
  if (longest > 1 && !matches(lines, from + longest - 1, OPEN_FRAME) && !matches(lines, from + longest, GOES_ON))
    return longest;
  for (const extent of others) longest = Math.max(longest, extent(lines, from));
  return longest;
};
