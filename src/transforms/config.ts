import { z } from "zod";
import { dropSchema, keepSchema } from "./filter.ts";
import { redactSchema } from "./redact.ts";
import { removeSchema } from "./remove.ts";
import { renameSchema } from "./rename.ts";
import { sampleSchema } from "./sample.ts";
import { setSchema } from "./set.ts";
import { throttleSchema } from "./throttle.ts";

/** One option a transform, and each of them optional: an entry has exactly one. */
const transforms = {
  keep: keepSchema.optional(),
  drop: dropSchema.optional(),
  redact: redactSchema.optional(),
  set: setSchema.optional(),
  remove: removeSchema.optional(),
  rename: renameSchema.optional(),
  sample: sampleSchema.optional(),
  throttle: throttleSchema.optional(),
};

const NAMES = Object.keys(transforms).join(", ");

const entry = z
  .strictObject({
    ...transforms,
    sources: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe("Names of the sources whose records are transformed. Without it all are."),
  })
  .superRefine(({ sources: _sources, ...one }, ctx) => {
    const names = Object.entries(one).flatMap(([name, value]) => (value === undefined ? [] : [name]));
    if (names.length === 0) ctx.addIssue({ code: "custom", message: `needs one of ${NAMES}` });
    for (const name of names.slice(1)) {
      ctx.addIssue({
        code: "custom",
        message: "needs an entry of its own: entries are applied in their order",
        path: [name],
      });
    }
  });

/** Option: the transforms, in the order in which they are applied. */
export const transformsSchema = z
  .array(entry)
  .prefault([])
  .describe(
    "Changes and drops records before any sink gets them: a list, applied in order. What is dropped counts as filtered.",
  );

export type TransformOptions = z.output<typeof entry>;
