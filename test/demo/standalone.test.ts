import { expect, test } from "vitest";
import { parseAddress } from "../../src/demo/standalone.ts";

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
