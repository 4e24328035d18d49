import { NO_FIELDS, type ParsedFields } from "../../core/record.ts";

/** The body is the message, and nothing is read out of it. */
export const parseRaw = (): ParsedFields => NO_FIELDS;
