import { expect, test } from "vitest";
import { buildTags, sanitizeTag } from "../../../src/sinks/datadog/tags.ts";
import { resource } from "../support.ts";

test.each([
  ["team:payments", "team:payments"],
  ["Team:Payments", "team:payments"],
  ["k8s.pod.name:web-1", "k8s.pod.name:web-1"],
  ["path:/a/b", "path:/a/b"],
  ["a:b,env:forged", "a:b_env:forged"],
  ["with space:é!", "with_space:é_"],
  ["1st:x", "st:x"],
  ["_x", "x"],
  ["trailing::", "trailing"],
  ["", ""],
  ["123", ""],
  [`a:${"x".repeat(300)}`, `a:${"x".repeat(198)}`],
])("tag %j becomes %j", (tag, expected) => {
  expect(sanitizeTag(tag)).toBe(expected);
});

test("the resource comes first, repeated tags go once", () => {
  const about = { ...resource, attributes: { "k8s.pod.name": "web-1" } };
  expect(buildTags(about, ["team:a", "Team:A", "!"])).toBe("env:prod,version:1.2.3,k8s.pod.name:web-1,team:a");
  expect(buildTags({ host: "h", attributes: {} }, [])).toBeUndefined();
});
