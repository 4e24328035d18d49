import type { ParsedFields } from "../../core/record.ts";

/** The line is the message, and nothing is read out of it. */
export const parseRaw = (body: string): ParsedFields => ({ message: body });
