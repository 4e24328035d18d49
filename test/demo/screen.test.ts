import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { Screen } from "../../src/demo/screen.ts";

/** A stream that keeps what is written to it. */
function memory(tty: { readonly isTTY?: boolean; readonly columns?: number } = {}) {
  const written: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk.toString());
      done();
    },
  });
  return { stream: Object.assign(stream, tty), text: () => written.join("") };
}

describe("the screen", () => {
  test("elsewhere than on a terminal prints every line whole", () => {
    const out = memory();
    const screen = new Screen(out.stream, memory().stream);
    screen.show("x".repeat(200));
    screen.print("kept");
    expect(out.text()).toBe(`${"x".repeat(200)}\nkept\n`);
  });

  test("on a terminal draws the live line over, below what stays", () => {
    const out = memory({ isTTY: true, columns: 80 });
    const screen = new Screen(out.stream, memory().stream);
    screen.show("one");
    screen.show("two");
    screen.print("kept");
    screen.settle();
    expect(out.text()).toBe("one\r\u001B[Ktwo\r\u001B[Kkept\ntwo\n");
  });

  test("puts the agent's log above the live line of the same terminal", () => {
    const out = memory({ isTTY: true, columns: 80 });
    const screen = new Screen(out.stream, out.stream);
    screen.show("live");
    screen.log.write("log\n");
    expect(out.text()).toBe("live\r\u001B[Klog\nlive");
  });

  test("takes a terminal that says it has no columns for one that does not say", () => {
    const out = memory({ isTTY: true, columns: 0 });
    new Screen(out.stream, out.stream).show("live");
    expect(out.text()).toBe("live");
  });

  test("cuts a live line that would wrap", () => {
    const out = memory({ isTTY: true, columns: 13 });
    new Screen(out.stream, out.stream).show("0123456789ABCDEF");
    expect(out.text()).toBe("012345678…");
  });
});
