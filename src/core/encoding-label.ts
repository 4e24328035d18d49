/** Code pages of Windows and DOS, which the Encoding Standard has by other names. */
const CODE_PAGES: Readonly<Record<string, string>> = {
  "866": "ibm866",
  "932": "shift_jis",
  "936": "gbk",
  "949": "euc-kr",
  "950": "big5",
  "65001": "utf-8",
};

const CODE_PAGE = /^(?:cp|windows-?|win-?|ms)(\d{3,5})$/;

/** Other names that shippers have for them. */
const NAMES: Readonly<Record<string, string>> = {
  shiftjis: "shift_jis",
  uhc: "euc-kr",
  koi8r: "koi8-r",
  koi8u: "koi8-u",
  "iso8859-16": "iso-8859-16",
};

/**
 * The name in the Encoding Standard of what is called `label`: one of its labels, or a code page like `cp1252` or `cp932`.
 * Throws a RangeError if there is none.
 */
export function encodingName(label: string): string {
  const name = label.trim().toLowerCase();
  const [, page] = CODE_PAGE.exec(name) ?? [];
  const known = page === undefined ? (NAMES[name] ?? name) : (CODE_PAGES[page] ?? `windows-${page}`);
  return new TextDecoder(known).encoding;
}
