/** What a flow collection (`{version: ${VERSION}}`) would take for its own syntax, and a stand-in from the private use area. */
const STAND_INS: readonly (readonly [syntax: string, standIn: string])[] = [
  ["{", "\uE000"],
  ["}", "\uE001"],
  ["[", "\uE002"],
  ["]", "\uE003"],
  [",", "\uE004"],
];
const TO_STAND_IN = new Map(STAND_INS);
const TO_SYNTAX = new Map(STAND_INS.map(([syntax, standIn]) => [standIn, syntax]));

/**
 * Hides the inside of `${...}` from YAML, character by character, so that positions stay exact and an unquoted
 * reference may stand in a flow collection. A reference with a quote or brace in it is left to YAML, for it may be one
 * that was never closed. Nothing is interpolated here. A text that uses the stand-ins itself is
 * left alone: its references then need quotes in flow collections.
 */
export function shield(text: string): string {
  if (/[\uE000-\uE004]/.test(text)) return text;
  return text.replaceAll(/\$\{[^{}"'\r\n]*\}/g, (reference) =>
    reference.replaceAll(/[{}[\],]/g, (syntax) => TO_STAND_IN.get(syntax) ?? syntax),
  );
}

/** Undoes `shield` in a value or key. */
export const unshield = (text: string): string =>
  text.replaceAll(/[\uE000-\uE004]/g, (standIn) => TO_SYNTAX.get(standIn) ?? standIn);
