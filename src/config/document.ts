import { LineCounter, parseDocument, type YAMLError } from "yaml";
import type { InterpolationSource } from "./interpolate.ts";
import type { ConfigProblem, Path } from "./problems.ts";
import { shield, unshield } from "./shield.ts";
import type { ConfigTree } from "./tree.ts";
import { TreeBuilder } from "./tree-builder.ts";

export type DocumentResult =
  | { readonly ok: true; readonly tree: ConfigTree }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

const MAX_CHARACTERS = 1_048_576;

/** After a real syntax error the parser finds many more that are only consequences. */
const MAX_SYNTAX_PROBLEMS = 10;

/** Reads the YAML text of a configuration file: syntax, positions and interpolation, no meaning yet. */
export function readDocument(
  text: string,
  file: string,
  source: InterpolationSource,
  isSecret: (path: Path) => boolean,
): DocumentResult {
  const lines = new LineCounter();
  const at = (offset: number, path: string, message: string): ConfigProblem => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), path, message };
  };
  if (text.length > MAX_CHARACTERS) return failed(at(0, "", "the file is larger than 1 MiB"));
  const shielded = shield(text);
  // Duplicate keys are found with their paths by the tree builder; pretty errors would quote the text, and so a secret.
  const document = parseDocument(shielded, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  const errors = [...document.errors, ...document.warnings];
  if (errors.length > 0) {
    return failed(...errors.slice(0, MAX_SYNTAX_PROBLEMS).map((error) => at(error.pos[0], "", syntaxMessage(error))));
  }
  const restore = shielded === text ? (value: string) => value : unshield;
  const builder = new TreeBuilder({ source, restore, at, isSecret });
  const tree = builder.build(document.contents);
  return tree === undefined ? failed(...builder.problems) : { ok: true, tree };
}

const failed = (...problems: ConfigProblem[]): DocumentResult => ({ ok: false, problems });

const QUOTE_IT = "a value that begins with one of ! & * @ ` % must be quoted";

const SYNTAX_MESSAGES: Partial<Record<YAMLError["code"], string>> = {
  TAG_RESOLVE_FAILED: `unknown YAML tag; ${QUOTE_IT}`,
  BAD_COLLECTION_TYPE: `unknown YAML tag; ${QUOTE_IT}`,
  BAD_ALIAS: `not valid YAML: ${QUOTE_IT}`,
  BAD_SCALAR_START: `not valid YAML: ${QUOTE_IT}`,
  MULTILINE_IMPLICIT_KEY: 'not valid YAML: expected "name: value" on one line, with a space after the colon',
  BAD_DQ_ESCAPE: "not valid YAML: unknown escape in double quotes; single quotes take a backslash as it is",
  MULTIPLE_DOCS: "a configuration file holds one YAML document, not several",
};

/** The parser's own words for these are fixed; for all others they may quote the text, which may be a secret. */
const FIXED_WORDS: ReadonlySet<string> = new Set([
  "TAB_AS_INDENT",
  "BAD_INDENT",
  "MISSING_CHAR",
  "BLOCK_AS_IMPLICIT_KEY",
]);

function syntaxMessage({ code, message }: YAMLError): string {
  const own = SYNTAX_MESSAGES[code];
  if (own !== undefined) return own;
  const words = FIXED_WORDS.has(code) ? message.charAt(0).toLowerCase() + message.slice(1) : "unexpected text";
  return `not valid YAML: ${words}`;
}
