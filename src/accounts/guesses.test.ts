import { expect, test } from "bun:test";
import { testApp } from "../../test/support/test-app.ts";
import { createFirstAccount, logIn } from "./service.ts";
import { signIn } from "./sign-ins.ts";

const ada = { email: "ada@example.com", password: "correct horse", name: "Ada", team: "Engines" };
const home = "2001:db8:1:2::5";
const wrongly = { ...ada, password: "wrong horse" };

test("an account that strangers guess at is closed to them for a while, and open from where its owner was before", async () => {
  const app = await testApp();
  const { user, team } = await createFirstAccount(app, ada);
  await signIn(app, user, team.id, { address: home, userAgent: "" });
  const guess = (n: number, email = ada.email) =>
    logIn(app, { ...wrongly, email, address: `192.0.2.${n}` }).catch(({ code }) => code);

  for (let n = 1; n <= 10; n++) expect(await guess(n)).toBe("invalid_credentials");
  expect(await guess(11)).toBe("rate_limit_exceeded");
  const right = { ...ada, address: "198.51.100.1" };
  await expect(logIn(app, right)).rejects.toMatchObject({ code: "rate_limit_exceeded" });
  expect((await logIn(app, { ...ada, address: "2001:db8:1:2::77" })).user.id).toBe(user.id);
  await expect(logIn(app, { ...wrongly, address: home })).rejects.toMatchObject({
    code: "invalid_credentials",
  });

  app.clock.advance(15 * 60_000);
  expect((await logIn(app, right)).user.id).toBe(user.id);
});

test("an address without an account is closed as one with an account is", async () => {
  const app = await testApp();
  await createFirstAccount(app, ada);
  const guess = () =>
    logIn(app, { ...wrongly, email: "eve@example.com", address: "192.0.2.1" }).catch(({ code }) => code);
  for (let n = 0; n < 10; n++) expect(await guess()).toBe("invalid_credentials");
  expect(await guess()).toBe("rate_limit_exceeded");
});

test("guesses that come all at once are counted like those one after the other", async () => {
  const app = await testApp();
  await createFirstAccount(app, ada);
  const guesses = Array.from({ length: 12 }, (_, n) =>
    logIn(app, { ...wrongly, address: `192.0.2.${n}` }).catch(({ code }) => code),
  );
  const refused = ["rate_limit_exceeded", "rate_limit_exceeded"];
  expect(await Promise.all(guesses)).toEqual([...Array(10).fill("invalid_credentials"), ...refused]);
});

test("right passwords that come all at once wait for each other, and none is refused", async () => {
  const app = await testApp();
  await createFirstAccount(app, ada);
  const logins = Array.from({ length: 14 }, (_, n) => logIn(app, { ...ada, address: `192.0.2.${n}` }));
  for (const { user } of await Promise.all(logins)) expect(user.email).toBe(ada.email);
});

test("right passwords are no guesses, and from where one was given no stranger locks its owner out", async () => {
  const app = await testApp();
  await createFirstAccount(app, ada);
  const at = (n: number) => ({ ...ada, address: `198.51.100.${n}` });
  for (let n = 0; n < 12; n++) await logIn(app, at(n)); // by the API: no browser is signed in
  for (let n = 0; n < 10; n++) {
    await logIn(app, { ...wrongly, address: `192.0.2.${n}` }).catch(() => undefined);
  }
  await expect(logIn(app, at(99))).rejects.toMatchObject({ code: "rate_limit_exceeded" });
  expect((await logIn(app, at(3))).user.email).toBe(ada.email);
});
