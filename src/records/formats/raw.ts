import type { ParsedFields } from "../../core/record.ts";

/** One object for all records: with nothing to tell there is nothing to allocate. */
const NOTHING: ParsedFields = Object.freeze({});

/** The body is the message, and nothing is read out of it. */
export const parseRaw = (): ParsedFields => NOTHING;
