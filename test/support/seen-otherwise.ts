import { readFileSync } from "node:fs";

const PAGE = readFileSync(new URL("../../docs/peers-expectations.md", import.meta.url), "utf8");

/** A peer's case that is a matter of design may be seen otherwise, if the page says why. */
export const isSeenOtherwise = (found: { readonly id: string; readonly class: string }): boolean =>
  found.class === "design" && PAGE.includes(`\`${found.id}\``);
