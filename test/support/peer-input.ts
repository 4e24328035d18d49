type Chunk =
  | { readonly text: string }
  | { readonly repeat: string; readonly n: number }
  | { readonly cycle: string; readonly len: number }
  | { readonly hex: string };

/** What a case puts in: a text, bytes, or how to make them, as they would be too long to write down. */
export interface PeerInput {
  readonly input?: string;
  readonly input_b64?: string;
  readonly input_gen?: readonly Chunk[];
}

export function bytesOf({ input, input_b64: base64, input_gen: chunks }: PeerInput): Buffer {
  if (input !== undefined) return Buffer.from(input);
  if (base64 !== undefined) return Buffer.from(base64, "base64");
  if (chunks === undefined) throw new Error("a case without input");
  return Buffer.concat(chunks.map(generate));
}

function generate(chunk: Chunk): Buffer {
  if ("text" in chunk) return Buffer.from(chunk.text);
  if ("repeat" in chunk) return Buffer.alloc(chunk.n * Buffer.byteLength(chunk.repeat), chunk.repeat);
  if ("cycle" in chunk) return Buffer.alloc(chunk.len, chunk.cycle);
  return Buffer.from(chunk.hex, "hex");
}
