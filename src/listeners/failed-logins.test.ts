import { expect, test } from "bun:test";
import { testApp } from "../../test/support/test-app.ts";
import { forgetFailedLogins, noteFailedLogin, secondsToWait } from "./failed-logins.ts";

test("an address waits for itself and not for others, and starts afresh after a quarter of an hour", async () => {
  const app = await testApp();
  for (let times = 0; times < 3; times++) noteFailedLogin(app, ["a", "key"]);
  expect([secondsToWait(app, ["a"]), secondsToWait(app, ["b", "key"]), secondsToWait(app, ["b"])]).toEqual([
    4, 4, 0,
  ]);
  app.clock.advance(4_000 + 900_001);
  noteFailedLogin(app, ["a"]);
  expect(secondsToWait(app, ["a"])).toBe(1);
  forgetFailedLogins(app, ["a"]);
  expect(secondsToWait(app, ["a"])).toBe(0);
});

test("whoever comes with ever new names fills no memory: the oldest are forgotten", async () => {
  const app = await testApp();
  noteFailedLogin(app, ["first"]);
  for (let n = 0; n < 9_999; n++) noteFailedLogin(app, [`${n}`]);
  expect(secondsToWait(app, ["first"])).toBe(1);
  noteFailedLogin(app, ["one more"]);
  expect(secondsToWait(app, ["first"])).toBe(0);
});

test("nobody waits where limits are off", async () => {
  const app = await testApp({ config: { rateLimit: { enabled: false } } });
  noteFailedLogin(app, ["a"]);
  expect(secondsToWait(app, ["a"])).toBe(0);
});
