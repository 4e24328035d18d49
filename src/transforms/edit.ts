import type { JsonObject, LogRecord } from "../core/record.ts";

/**
 * A record after a change of its attributes by `edit`, which gets them as JSON text and gives them back so. The body
 * changes if it is a JSON object; else what the format found. A time or severity that the record had stays with it where
 * the new text has none.
 */
export function editAttributes(record: LogRecord, edit: (json: string) => string): LogRecord {
  const { body, fields } = record;
  if (fields.isObject !== true) return editFound(record, edit);
  const edited = edit(body);
  if (edited === body) return record;
  const { timestamp, severity, attributes } = fields;
  const { parse } = record;
  return record.withBody(edited, (text) => {
    const now = parse?.(text);
    return { ...now, timestamp: now?.timestamp ?? timestamp, severity: now?.severity ?? severity, attributes };
  });
}

function editFound(record: LogRecord, edit: (json: string) => string): LogRecord {
  const { fields } = record;
  const json = JSON.stringify(fields.attributes ?? {});
  const edited = edit(json);
  if (edited === json) return record;
  const attributes: JsonObject = JSON.parse(edited);
  return record.withFields({ ...fields, attributes });
}
