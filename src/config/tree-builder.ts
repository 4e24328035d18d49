import { isAlias, isMap, isScalar, isSeq, parseDocument, Scalar, type Node, type YAMLMap, type YAMLSeq } from "yaml";
import { interpolate, isTemplate, type InterpolationSource } from "./interpolate.ts";
import { formatPath, pathKey, type ConfigProblem, type Part, type Path } from "./problems.ts";
import { isRecord, type ConfigTree, type Interpolated } from "./tree.ts";

/** Bounds on what aliases may blow a file up to. */
const MAX_NODES = 20_000;
const MAX_DEPTH = 64;

const MERGE_KEY = "<<";

interface Position {
  readonly key: number;
  readonly value: number;
}

/** What a builder needs of the text around it. */
export interface TreeText {
  readonly source: InterpolationSource;
  /** Gives a value or key as it was written. */
  restore(text: string): string;
  at(offset: number, path: string, message: string): ConfigProblem;
  isSecret(path: Path): boolean;
}

/** Turns YAML nodes into plain data: resolves aliases, interpolates scalars and remembers where everything stands. */
export class TreeBuilder {
  readonly problems: ConfigProblem[] = [];
  readonly #broken = new Set<string>();
  readonly #interpolated = new Map<string, Interpolated>();
  readonly #positions = new Map<string, Position>();
  readonly #anchors = new Map<string, Node>();
  readonly #text: TreeText;
  #nodes = 0;

  constructor(text: TreeText) {
    this.#text = text;
  }

  /** Undefined when there is nothing to validate: an empty file, no mapping, or more than the bounds allow. */
  build(root: Node | null): ConfigTree | undefined {
    if (root === null || (isScalar(root) && root.value === null)) {
      this.problems.push(this.#text.at(0, "", 'the file is empty; it needs "sources" and "sinks"'));
      return undefined;
    }
    const start = root.range?.[0] ?? 0;
    const data = this.#value(root, [], start);
    if (this.#nodes > MAX_NODES) return undefined;
    if (!isRecord(data)) {
      this.problems.push(this.#text.at(start, "", 'expected a mapping with "sources" and "sinks"'));
      return undefined;
    }
    return {
      data,
      problems: this.problems,
      broken: this.#broken,
      interpolated: this.#interpolated,
      report: (path, part, message) => this.#report(path, part, message),
      nameOf: formatPath,
    };
  }

  #report(path: Path, part: Part, message: string): ConfigProblem {
    const exact = this.#positions.get(pathKey(path));
    for (let length = path.length; length >= 0; length -= 1) {
      const position = this.#positions.get(pathKey(path.slice(0, length)));
      if (position === undefined) continue;
      const offset = position === exact && part === "value" ? position.value : position.key;
      return this.#text.at(offset, formatPath(path), message);
    }
    return this.#text.at(0, formatPath(path), message);
  }

  #fail(path: Path, part: Part, message: string): undefined {
    this.problems.push(this.#report(path, part, message));
    this.#broken.add(pathKey(path));
  }

  /** `key` is the offset of the node's name, or of itself where it has none. */
  #value(node: unknown, path: Path, key: number): unknown {
    this.#nodes += 1;
    if (this.#nodes === MAX_NODES + 1 || path.length > MAX_DEPTH) {
      this.#nodes = Infinity;
      return this.#fail(
        path.slice(0, 1),
        "key",
        "too many or too deeply nested options; does an alias contain itself?",
      );
    }
    if (this.#nodes > MAX_NODES) return undefined;
    if (isAlias(node)) return this.#alias(node.source, path, node.range?.[0] ?? key, key);
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) {
      this.#positions.set(pathKey(path), { key, value: key });
      return null;
    }
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    const isBlank = isScalar(node) && node.type === Scalar.PLAIN && node.source === "";
    this.#positions.set(pathKey(path), { key, value: isBlank ? key : (node.range?.[0] ?? key) });
    if (isMap(node)) return this.#map(node, path);
    if (isSeq(node)) return this.#list(node, path);
    return this.#scalar(node, path);
  }

  #alias(name: string, path: Path, offset: number, key: number): unknown {
    const target = this.#anchors.get(name);
    if (target !== undefined) return this.#value(target, path, key);
    this.#positions.set(pathKey(path), { key, value: offset });
    return this.#fail(
      path,
      "value",
      'a value that begins with "*" is a YAML alias and this one leads nowhere; quote it',
    );
  }

  #list(node: YAMLSeq, path: Path): unknown[] {
    return node.items.map((item, index) => {
      const range = isScalar(item) || isMap(item) || isSeq(item) || isAlias(item) ? item.range : undefined;
      const own = this.#positions.get(pathKey(path));
      return this.#value(item, [...path, index], range?.[0] ?? own?.value ?? 0);
    });
  }

  #map(node: YAMLMap, path: Path): Record<string, unknown> {
    const data: Record<string, unknown> = {};
    for (const { key, value } of node.items) {
      const offset = isScalar(key) || isMap(key) || isSeq(key) || isAlias(key) ? (key.range?.[0] ?? 0) : 0;
      const name = isScalar(key) ? this.#name(key) : "";
      const message = this.#nameProblem(name, data);
      if (message === undefined) {
        data[name] = this.#value(value, [...path, name], offset);
      } else {
        this.problems.push(
          this.#text.at(offset, formatPath(name === "" || name === MERGE_KEY ? path : [...path, name]), message),
        );
      }
    }
    return data;
  }

  #name(key: Scalar): string {
    return this.#text.restore(typeof key.value === "string" ? key.value : (key.source ?? String(key.value)));
  }

  #nameProblem(name: string, data: Record<string, unknown>): string | undefined {
    if (name === "") return "the name of an option must be a plain word";
    // Assigning it would set a prototype instead of an option, and validation would not see it.
    if (name === "__proto__") return "unknown option";
    if (name === MERGE_KEY) return "YAML merge keys are not supported; repeat the options";
    return Object.hasOwn(data, name) ? "given twice" : undefined;
  }

  #scalar(node: Scalar, path: Path): unknown {
    if (typeof node.value !== "string") return node.value;
    const template = this.#text.restore(node.value);
    if (!isTemplate(template)) return template;
    const result = interpolate(template, this.#text.source, () => this.#text.isSecret(path));
    if (!result.ok) {
      for (const reason of result.reasons) this.#fail(path, "value", reason);
      return undefined;
    }
    if (result.values.length > 0) this.#interpolated.set(pathKey(path), { path, template, ...result });
    return node.type === Scalar.PLAIN ? readPlain(result.text) : result.text;
  }
}

/** What an unquoted value means in YAML: `8080` is a number. Only ever a scalar: text that is more than one stays text. */
function readPlain(text: string): unknown {
  if (text === "") return null;
  if (!/^[-+.~\w]{1,64}$/.test(text)) return text;
  const { contents, errors } = parseDocument(text);
  const isWhole = errors.length === 0 && isScalar(contents) && contents.source === text;
  return isWhole ? contents.value : text;
}
