import { expect, test } from "vitest";
import { formatAddress, parseAddress } from "../../src/core/address.ts";

test.each([
  ["127.0.0.1:8088", { host: "127.0.0.1", port: 8_088 }],
  ["localhost:0", { host: "localhost", port: 0 }],
  ["[::1]:80", { host: "::1", port: 80 }],
  [":80", { host: "", port: 80 }],
  ["8088", undefined],
  ["host:65536", undefined],
  ["host:x", undefined],
  ["::1:80", undefined],
])("the address %s is %j", (text, expected) => expect(parseAddress(text)).toEqual(expected));

test.each(["127.0.0.1:8088", "[::1]:80", ":9600"])("%s is written as it was read", (text) => {
  const address = parseAddress(text);
  expect(address && formatAddress(address)).toBe(text);
});
