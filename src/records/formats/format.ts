import type { ParsedFields } from "../../core/record.ts";
import type { TimeContext } from "../time-context.ts";

/**
 * One format of lines. Returns what it found in the body, or undefined if the body is not of this format: then the record
 * is shipped as it stands. Pure and total: it never throws, and takes time linear in the body.
 */
export type ReadFormat = (body: string, context: TimeContext) => ParsedFields | undefined;
