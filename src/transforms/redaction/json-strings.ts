import { skipPrimitive, skipString } from "../json-text.ts";

/** Visits each string (without its quotes, keys too) and each other single value of valid JSON, by their places. */
export function eachString(json: string, onString: (start: number, end: number) => void): void {
  for (let at = 0; at < json.length;) {
    const code = json.charCodeAt(at);
    if (code === 0x22) {
      const end = skipString(json, at);
      onString(at + 1, end - 1);
      at = end;
    } else if (code <= 0x20 || "{}[]:,".includes(json.charAt(at))) {
      at += 1;
    } else {
      const end = Math.max(skipPrimitive(json, at), at + 1);
      onString(at, end);
      at = end;
    }
  }
}
