import { expect, test } from "bun:test";
import { testApp } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { steadyNow } from "./steady.ts";

const hour = 3_600_000;

eachTransport((_, open) => {
  test("the steady time follows a clock that jumps by an hour at a time, and is never ahead of it", async () => {
    const app = await testApp({ transport: await open() });
    const start = app.now();
    const at = async (hours: number) => {
      app.clock.set(new Date(start.getTime() + hours * hour));
      return ((await steadyNow(app, "time")).getTime() - start.getTime()) / hour;
    };
    expect([await at(0), await at(0.5), await at(9_600), await at(9_600)]).toEqual([0, 0.5, 1.5, 2.5]);
    expect([await at(1), await at(-5), await at(-5)]).toEqual([1, -5, -5]);
    expect([await at(3), await at(3), await at(3), await at(3)]).toEqual([0.5, 1.5, 2.5, 3]);
  });
});
