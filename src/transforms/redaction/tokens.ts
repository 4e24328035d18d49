import { eachIndex, eachMatch, type Finder } from "./finder.ts";

/** Source: RFC 6750, section 2.1, "Authorization Request Header Field". */
const BEARER = /bearer(?:["']?[ \t]{0,8}[:=][ \t]{0,8}["']?|%20|\+|[ \t]{1,8})["']?([\w.~+/%-]+=*)/gi;

/** What text speaks of after the word, and what no token is. */
const WORDS = new Set(
  "and auth authentication authorization challenge error failed format has header in invalid is missing not of or realm required scheme token tokens type was with".split(
    " ",
  ),
);

/** The token behind the word Bearer, which itself stays. */
export const bearerToken: Finder = {
  find(text, onSecret) {
    eachMatch(text, BEARER, ({ 0: whole, 1: token = "", index }) => {
      const word = token.replace(/=+$/, "").toLowerCase();
      if (!WORDS.has(word)) onSecret(index + whole.length - token.length, index + whole.length);
    });
  },

  candidates(text, onCandidate) {
    for (const word of ["Bearer", "bearer", "BEARER"]) eachIndex(text, word, onCandidate);
  },
};

const TOKEN_START = "eyJ";

/** JSON Web Tokens, signed, encrypted or neither. Source: RFC 7515, section 7.1, and RFC 7516, section 7.1. */
export const jwt: Finder = {
  find(text, onSecret) {
    for (let at = text.indexOf(TOKEN_START); at !== -1;) {
      let end = segmentEnd(text, at);
      let segments = 1;
      while (segments < 5 && text[end] === "." && (segments > 1 || segmentEnd(text, end + 1) > end + 2)) {
        end = segmentEnd(text, end + 1);
        segments += 1;
      }
      if (segments > 1) onSecret(at, end);
      at = text.indexOf(TOKEN_START, end);
    }
  },

  // Its first letter is the most frequent one in English, and a search would stop at each.
  candidates: (text, onCandidate) => eachIndex(text, TOKEN_START.slice(1), onCandidate),
};

/** The end of the base64url text that starts here. */
function segmentEnd(text: string, from: number): number {
  let end = from;
  while (isBase64Url(text.charCodeAt(end))) end += 1;
  return end;
}

const isBase64Url = (code: number): boolean =>
  (code >= 0x30 && code <= 0x39) ||
  (code >= 0x41 && code <= 0x5a) ||
  (code >= 0x61 && code <= 0x7a) ||
  code === 0x2d ||
  code === 0x5f ||
  code === 0x3d;

/** Source: AWS documentation, IAM identifiers, "Unique ID prefixes". */
const KEY_ID = /(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16,}/g;

/**
 * A secret behind its name: `aws_secret_access_key = ...`, `"SecretAccessKey": "..."`, `<SecretAccessKey>...`, or as name
 * and value of a variable. White space is bounded, so that the engine never goes far for nothing.
 */
const SECRET =
  /(?:secret[_\-. ]?(?:access[_\-. ]?)?key|aws[_\-. ]?secret|aws[_\-. ]?session[_\-. ]?token)\w{0,16}(?:["']?\s{0,8}(?:=>|[:=>])\s{0,8}["']?|["']\s{0,8},\s{0,8}["']value["']\s{0,8}[:=]\s{0,8}["']?|\s{1,8}["']?)([A-Za-z0-9/+%]{20,}={0,2})/gi;

/** One of these is in the name of a secret. By themselves they are found faster than together. */
const SECRET_WORDS = [/secret/gi, /session/gi];

/** Ids of AWS access keys, and the secrets that belong to them where their name stands before them. */
export const awsKey: Finder = {
  find(text, onSecret) {
    eachMatch(text, KEY_ID, ({ 0: id, index }) => onSecret(index, index + id.length));
    eachMatch(text, SECRET, ({ 0: whole, 1: secret = "", index }) =>
      onSecret(index + whole.length - secret.length, index + whole.length),
    );
  },

  candidates(text, onCandidate) {
    for (const prefix of ["AKIA", "ASIA", "ABIA", "ACCA"]) eachIndex(text, prefix, onCandidate);
    for (const word of SECRET_WORDS) eachMatch(text, word, ({ index }) => onCandidate(index));
  },
};
