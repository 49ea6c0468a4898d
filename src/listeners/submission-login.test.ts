import { expect, test } from "bun:test";
import { createTransport } from "nodemailer";
import { authPlain, dialSmtp, dialSmtps } from "../../test/support/smtp-client.ts";
import { idIn, submissionScene } from "../../test/support/submission-scene.ts";
import { testServer } from "../../test/support/test-server.ts";
import { flushKeyUse } from "../keys/authenticate.ts";
import { changeKey, listTeamKeys, revokeKey } from "../keys/service.ts";

const email = { from: "ada@example.com", to: "bob@recipient.test", subject: "Hi", text: "Hello" };
const noKey = `re_${"0".repeat(64)}`;
const base64 = (text: string) => Buffer.from(text).toString("base64");

test.each(["PLAIN", "LOGIN"])(
  "AUTH %s lets a key in on both ports, under either name",
  async (authMethod) => {
    const { door, key } = await submissionScene();
    for (const [user, port, secure] of [
      ["resend", door.starttls.port, false],
      ["mailit", door.tls.port, true],
    ] as const) {
      const transport = createTransport({
        ...{ host: "127.0.0.1", port, secure, requireTLS: true, authMethod, auth: { user, pass: key } },
        tls: { rejectUnauthorized: false },
      });
      expect(idIn((await transport.sendMail(email)).response)).toBeString();
    }
  },
);

test("a password is not taken in plaintext, nor is mail", async () => {
  const { door, key } = await submissionScene();
  const talker = await dialSmtp(door.starttls.port);
  expect(await talker.line("EHLO client.example.com")).not.toContain("AUTH");
  expect(await talker.line(authPlain("resend", key))).toStartWith("538 5.7.11 ");
  expect(await talker.line("MAIL FROM:<ada@example.com>")).toStartWith("530 5.7.0 Must issue STARTTLS");
});

test("nothing is taken from who has not logged in", async () => {
  const { door } = await submissionScene();
  const talker = await dialSmtps(door.tls.port);
  expect(await talker.line("MAIL FROM:<ada@example.com>")).toStartWith("530 5.7.0 Authentication required");
});

test("another user name and a wrong key are refused, each with a sentence", async () => {
  const { door, key, app } = await submissionScene();
  const talker = await dialSmtps(door.tls.port);
  expect(await talker.line(authPlain("ada@example.com", key))).toBe(
    "535 5.7.8 The user name is resend or mailit, and the password is an API key",
  );
  app.clock.advance(1_000);
  await talker.line("AUTH LOGIN");
  await talker.line(base64("resend"));
  expect(await talker.line(base64(noKey))).toBe("535 5.7.8 The password is no valid API key");
});

test("a key is refused from outside its networks, and as soon as they change", async () => {
  const { door, makeKey, session, app, teamId } = await submissionScene();
  const elsewhere = await makeKey({ allowedIps: ["192.0.2.0/24"] });
  const talker = await dialSmtps(door.tls.port);
  expect(await talker.line(authPlain("resend", elsewhere.token))).toStartWith(
    "535 5.7.8 This API key can't be used from your address",
  );
  app.clock.advance(1_000);
  const here = await makeKey({ allowedIps: ["127.0.0.1"] });
  const open = await session(here.token);
  await changeKey(app, teamId, here.id, { allowedIps: ["192.0.2.1"] });
  expect(await open.line("MAIL FROM:<ada@example.com>")).toStartWith(
    "550 5.7.1 This API key can't be used from",
  );
});

test("a key that is revoked in a session sends nothing more in it", async () => {
  const { session, app, teamId, keyId } = await submissionScene();
  const before = await session();
  await before.line("MAIL FROM:<ada@example.com>");
  await before.line("RCPT TO:<bob@recipient.test>");
  await before.line("DATA");
  await revokeKey(app, teamId, keyId);
  expect(await before.say("From: ada@example.com\r\n\r\nx\r\n.\r\n")).toBe(
    "550 5.7.1 The API key of this session was revoked: log in with another one.",
  );
  expect(await before.line("MAIL FROM:<ada@example.com>")).toStartWith("550 5.7.1 ");
});

test("the last use of a key is written down", async () => {
  const { app, teamId, keyId, session } = await submissionScene();
  await session();
  await flushKeyUse(app);
  const keys = await listTeamKeys(app, teamId, { limit: undefined });
  expect(keys.find(({ id }) => id === keyId)?.lastUsedAt).toEqual(app.now());
});

test("each failed login makes the next wait twice as long, up to a minute, and a good one ends it", async () => {
  const { app, door, key } = await submissionScene();
  const login = async (pass: string) => {
    const talker = await dialSmtps(door.tls.port);
    return talker.line(authPlain("resend", pass));
  };
  const waits: number[] = [];
  for (let times = 0; times < 8; times++) {
    expect(await login(noKey)).toStartWith("535 ");
    const reply = await login(key); // even the right one is not looked at
    const [, seconds] = /^454 4\.7\.0 .* try again in (\d+) seconds?$/.exec(reply) ?? [];
    waits.push(Number(seconds));
    app.clock.advance(Number(seconds) * 1_000 - 1);
    expect(await login(key)).toStartWith("454 ");
    app.clock.advance(1);
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  expect(await login(key)).toStartWith("235 ");
  expect(await login(noKey)).toStartWith("535 ");
  expect(await login(key)).toEndWith("in 1 second");
});

test("a session ends after several failed logins", async () => {
  const { app, door } = await submissionScene();
  const talker = await dialSmtps(door.tls.port);
  for (const wait of [1, 2, 4]) {
    expect(await talker.line(authPlain("resend", noKey))).toStartWith("535 ");
    app.clock.advance(wait * 1_000);
  }
  expect(await talker.line(authPlain("resend", noKey))).toStartWith("421 4.7.0 Too many failed logins");
  expect(await talker.reply()).toBe("closed");
});

test("a key's messages count against its limit together with those of POST /emails", async () => {
  const { app, key, session } = await submissionScene({ config: { rateLimit: { requestsPerSecond: 2 } } });
  const { ask } = testServer(app);
  const talker = await session();
  expect((await ask("POST", "/emails", { key, body: email })).status).toBe(200);
  expect(await talker.line("MAIL FROM:<ada@example.com>")).toStartWith("250 ");
  await talker.line("RSET");
  expect(await talker.line("MAIL FROM:<ada@example.com>")).toBe(
    "450 4.7.1 Too many messages: this API key may send 2 per second. Try again in 1 second.",
  );
  expect((await ask("POST", "/emails", { key, body: email })).status).toBe(429);
  app.clock.advance(1_000);
  expect(await talker.line("MAIL FROM:<ada@example.com>")).toStartWith("250 ");
});
