import { expect, spyOn, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { Refusal } from "../errors.ts";
import {
  addUser,
  disableUser,
  enableUser,
  isOperator,
  listUsers,
  logIn,
  register,
  setPassword,
} from "./service.ts";
import { findSignedIn, signIn } from "./sign-ins.ts";
import { hasUsers, listTeams } from "./store.ts";

const address = "192.0.2.1";

const ada = { email: "ada@example.com", password: "correct horse", name: "Ada", team: "Engines" };

const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof Refusal ? `${error.code}: ${error.message}` : error),
  );

test("the first account to register gets a new team, and the next one is refused", async () => {
  const app = await testApp();
  const { user, team } = await register(app, ada);
  expect(await listUsers(app)).toMatchObject([
    { id: user.id, email: ada.email, team: "Engines", role: "owner" },
  ]);
  expect(team.name).toBe("Engines");
  expect(await refusalOf(register(app, { ...ada, email: "eve@example.com" }))).toStartWith("not_permitted");
});

test("of two first accounts that register at once, one wins and the other leaves nothing behind", async () => {
  const app = await testApp();
  const both = [register(app, ada), register(app, { ...ada, email: "eve@example.com" })];
  const outcomes = await Promise.allSettled(both);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(await Promise.all(both.map(refusalOf))).toContain(
    "not_permitted: Registration is closed. Ask whoever runs this server for an account.",
  );
  expect(await listUsers(app)).toHaveLength(1);
  expect(await listTeams(app.db)).toHaveLength(1);
});

test("nobody registers where registration is closed", async () => {
  const app = await testApp({ config: { auth: { registration: "closed" } } });
  expect(await refusalOf(register(app, ada))).toStartWith("not_permitted");
  expect(await hasUsers(app.db)).toBe(false);
});

test("where registration is open each address registers once, whatever its capital letters", async () => {
  const app = await testApp({ config: { auth: { registration: "open" } } });
  await register(app, ada);
  await register(app, { ...ada, email: "eve@example.com" });
  expect(await refusalOf(register(app, { ...ada, email: "Ada@Example.com" }))).toBe(
    "already_exists: That email address already has an account.",
  );
  expect(await listTeams(app.db)).toHaveLength(2);
});

test.each([
  ["an address without a domain", { email: "ada" }],
  ["a name in its address", { email: "Ada <ada@example.com>" }],
  ["a line break in its address", { email: "ada@example.com\r\nbcc: eve@example.com" }],
  ["a password of seven characters", { password: "seven77" }],
  ["a password of more than a thousand", { password: "x".repeat(1001) }],
  ["an empty name", { name: " " }],
  ["an escape sequence in its name", { name: "A\u001b[2Jda" }],
  ["an empty team name", { team: "" }],
  ["a team name of more than a hundred characters", { team: "x".repeat(101) }],
])("an account with %s is refused", async (_, change) => {
  const app = await testApp();
  expect(await refusalOf(register(app, { ...ada, ...change }))).toStartWith("validation_error: Invalid ");
});

test("the right password logs in, however the address is written and the letters are composed", async () => {
  const app = await testApp();
  const { user, team } = await register(app, { ...ada, password: "caf\u00e9 au lait" });
  const account = await logIn(app, { address, email: " ADA@example.com", password: "cafe\u0301 au lait" });
  expect(account.user.id).toBe(user.id);
  expect(account.team.id).toBe(team.id);
});

test("a wrong password, an unknown address, a disabled person and absurd input get the same answer", async () => {
  const app = await testApp();
  await register(app, ada);
  const { email: withoutPassword } = await testTeam(app);
  const answers = [
    await refusalOf(logIn(app, { address, ...ada, password: "wrong horse" })),
    await refusalOf(logIn(app, { address, ...ada, email: "eve@example.com" })),
    await refusalOf(logIn(app, { address, ...ada, email: "\0" })),
    await refusalOf(logIn(app, { address, ...ada, password: "" })),
    await refusalOf(logIn(app, { address, ...ada, password: "x".repeat(100_000) })),
    await refusalOf(logIn(app, { address, email: withoutPassword, password: "none" })),
  ];
  await disableUser(app, ada.email);
  answers.push(await refusalOf(logIn(app, { address, ...ada })));
  expect([...new Set(answers)]).toEqual(["invalid_credentials: Wrong email or password."]);
});

test("a login with an unknown address hashes once, like any other, so that its time tells nothing", async () => {
  const app = await testApp();
  const verify = spyOn(Bun.password, "verify");
  try {
    await refusalOf(logIn(app, { address, ...ada }));
    expect(verify).toHaveBeenCalledTimes(1);
  } finally {
    verify.mockRestore();
  }
});

test("a disabled person logs in again once enabled", async () => {
  const app = await testApp();
  const { user } = await register(app, ada);
  await disableUser(app, ada.email);
  await enableUser(app, "ADA@example.com");
  expect((await logIn(app, { address, ...ada })).user.id).toBe(user.id);
});

test("the browsers of a person who is disabled are signed out for good", async () => {
  const app = await testApp();
  const { user, team } = await register(app, ada);
  const token = await signIn(app, user, team.id, { address: "192.0.2.1", userAgent: "" });
  expect((await findSignedIn(app, token))?.user.id).toBe(user.id);
  await disableUser(app, ada.email);
  await enableUser(app, ada.email);
  expect(await findSignedIn(app, token)).toBeUndefined();
});

test("a changed password is the only one that logs in", async () => {
  const app = await testApp();
  const { user } = await register(app, ada);
  await setPassword(app, ada.email, "battery staple");
  expect(await refusalOf(logIn(app, { address, ...ada }))).toStartWith("invalid_credentials");
  expect((await logIn(app, { address, ...ada, password: "battery staple" })).user.id).toBe(user.id);
});

test("an added person logs in to the team they were added to", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app, "Engines");
  await addUser(app, {
    email: "eve@example.com",
    password: "correct horse",
    name: "Eve",
    teamId,
    role: "developer",
  });
  expect((await logIn(app, { address, email: "eve@example.com", password: "correct horse" })).team.id).toBe(
    teamId,
  );
  expect(
    await refusalOf(
      addUser(app, { email: "Eve@example.com", password: "12345678", name: "E", teamId, role: "developer" }),
    ),
  ).toStartWith("already_exists");
});

test("what is asked of a person who isn't there is refused with their address", async () => {
  const app = await testApp();
  const refusal = "not_found: There is no user with the email address eve@example.com.";
  expect(await refusalOf(disableUser(app, "eve@example.com"))).toBe(refusal);
  expect(await refusalOf(setPassword(app, "eve@example.com", "correct horse"))).toBe(refusal);
});

test("the first team on the server is the operator's", async () => {
  const app = await testApp();
  const first = await testTeam(app);
  app.clock.advance(1);
  const second = await testTeam(app, "Looms");
  expect(await Promise.all([first, second].map(({ teamId }) => isOperator(app, teamId)))).toEqual([
    true,
    false,
  ]);
});
