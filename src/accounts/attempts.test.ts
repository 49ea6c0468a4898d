import { expect, test } from "bun:test";
import { type TestApp, testApp } from "../../test/support/test-app.ts";
import { takeAttempt } from "./attempts.ts";

const isRefused = (app: TestApp, address: string) => {
  try {
    takeAttempt(app, address);
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: "rate_limit_exceeded" });
    return true;
  }
};
const limited = () => testApp({ config: { rateLimit: { loginsPerMinute: 3 } } });
const useUp = (app: TestApp, address: string) => [1, 2, 3].map(() => isRefused(app, address));

test("an address has so many attempts a minute, and they come back one by one", async () => {
  const app = await limited();
  expect(useUp(app, "192.0.2.1")).toEqual([false, false, false]);
  expect(isRefused(app, "192.0.2.1")).toBe(true);
  app.clock.advance(20_000);
  expect(isRefused(app, "192.0.2.1")).toBe(false);
  expect(isRefused(app, "192.0.2.1")).toBe(true);
  app.clock.advance(3_600_000);
  expect([...useUp(app, "192.0.2.1"), isRefused(app, "192.0.2.1")]).toEqual([false, false, false, true]);
});

test("attempts of one address take nothing from another, but those of one IPv6 network do", async () => {
  const app = await limited();
  useUp(app, "2001:db8:1:2::1");
  expect(isRefused(app, "2001:db8:1:2:ffff::9")).toBe(true);
  expect(isRefused(app, "2001:db8:1:3::1")).toBe(false);
  expect(isRefused(app, "192.0.2.2")).toBe(false);
});

test("nothing is limited where limits are switched off", async () => {
  const app = await testApp({ config: { rateLimit: { enabled: false, loginsPerMinute: 1 } } });
  expect(useUp(app, "192.0.2.1")).toEqual([false, false, false]);
});
