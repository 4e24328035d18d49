import { inspect } from "node:util";
import { expect, test } from "vitest";
import { Secret } from "../../src/core/secret.ts";

const hidden = "hunter2-hunter2";

test.each<[string, (secret: Secret) => string]>([
  ["a template", String],
  ["JSON", (secret) => JSON.stringify({ secret })],
  ["inspect", (secret) => inspect({ secret }, { depth: 5, showHidden: true })],
  ["its own keys", (secret) => Object.entries(secret).flat().join()],
])("a secret does not show in %s", (_, show) => {
  expect(show(new Secret(hidden))).not.toContain(hidden);
});

const second = (): string => "second";

test("a secret is read anew, and keeps its value while the new one is unreadable or empty", () => {
  let read = second;
  const secret = new Secret("first", () => read());
  expect([secret.refresh(), secret.reveal()]).toEqual([true, "second"]);
  expect(secret.refresh()).toBe(false);
  read = () => "";
  expect([secret.refresh(), secret.reveal()]).toEqual([false, "second"]);
  read = () => {
    throw new Error("gone");
  };
  expect([secret.refresh(), secret.reveal()]).toEqual([false, "second"]);
});
