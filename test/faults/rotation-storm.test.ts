import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { Siege } from "../support/siege.ts";

const FILES = 2;
const RESTARTS = 6;

/** So many rotations that some fall between any two steps of the agent's start. */
test.each(["shift", "unique"])(
  "25 rotations a second (%s) while the agent is killed and starts again leave no generation out",
  async (scheme) => {
    const siege = await Siege.open();
    const load = { files: FILES, rate: 500, seconds: 6, rotations: 25, scheme };
    const writer = siege.scene.writer({ ...load, "rotate-from": "signal" });
    let agent = await siege.begin(writer, FILES);
    for (let n = 0; n < RESTARTS; n += 1) {
      await pause(500 + Math.random() * 100);
      agent.signal("SIGKILL");
      await siege.ended("at random", agent);
      agent = siege.start();
    }
    const written = await writer.written;
    await siege.complete(agent, written);
    expect((await agent.terminate()).code).toBe(0);
    for (const [name, account] of Object.entries(siege.accounts)) {
      expect(account.faults(written), `${name}\n${siege.story}`).toEqual([]);
      expect(account.repeatsOutside(siege.windows), `${name} repeats acknowledged lines\n${siege.story}`).toEqual([]);
    }
    expect(siege.accounts.stdout.disorders, `the generations of a file in their order\n${siege.story}`).toEqual([]);
  },
);
