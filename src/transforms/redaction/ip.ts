import { isIPv4, isIPv6 } from "node:net";
import { eachMatch, type Finder, type OnSecret } from "./finder.ts";

const V4 = /(?<!\d)(?<!\d\.)\d{1,3}(?:\.\d{1,3}){3}(?!\d)(?!\.\d)/g;

/** What an address of version 6 is made of, with two colons at least. */
const V6 = /(?:[\da-f]{0,4}:){2,9}[\da-f.]{0,15}/gi;

const CANDIDATE = /\d\.\d{1,3}\.\d{1,3}\.\d|::|[\da-f]:[\da-f]{1,4}:/gi;

/** IP addresses of both versions. A port behind an address stays, and so does a prefix length. */
export const ip: Finder = {
  find(text, onSecret) {
    eachMatch(text, V4, ({ 0: address, index }) => {
      if (isAddressV4(address)) onSecret(index, index + address.length);
    });
    eachMatch(text, V6, ({ 0: run, index }) => findV6(text, run, index, onSecret));
  },

  candidates(text, onCandidate) {
    eachMatch(text, CANDIDATE, ({ index }) => onCandidate(index));
  },
};

/** Zeros in front of a number are common in logs, and Node refuses them. */
const isAddressV4 = (address: string): boolean => isIPv4(address.replace(/(?<![1-9]\d*)0+(?=\d)/g, ""));

/** What is glued to an address by a colon (a word before it, a port behind it) is left out. */
function findV6(text: string, run: string, offset: number, onSecret: OnSecret): void {
  if (!/\d/.test(run)) return;
  const cutStart = run.indexOf(":") + 1;
  const cutEnd = run.lastIndexOf(":");
  const isWordBefore = /\w/.test(text[offset - 1] ?? "");
  const isWordBehind = /\w/.test(text[offset + run.length] ?? "");
  for (const start of isWordBefore ? [cutStart] : [0, cutStart]) {
    // `std::vec` is a name, not the address `::`.
    if (isWordBefore && run.startsWith(":", start)) continue;
    for (const end of isWordBehind ? [cutEnd] : [run.length, cutEnd]) {
      const address = run.slice(start, end).replace(/\.+$/, "");
      if (isIPv6(address) && /\d/.test(address)) {
        onSecret(offset + start, offset + start + address.length);
        return;
      }
    }
  }
}
