import { afterEach, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { atomically } from "../app.ts";
import { delivering } from "../delivery/deliver.ts";
import { getDeliveries } from "../delivery/read.ts";
import { reporting } from "../delivery/reports.ts";
import type { EmailDraft } from "../emails/draft.ts";
import { getEmail } from "../emails/read.ts";
import { sendEmail } from "../emails/send.ts";
import { newId } from "../ids.ts";
import { readingInbound } from "../inbound/read.ts";
import { startDispatcher } from "../jobs/dispatcher.ts";
import { converse } from "../smtp/client.ts";
import { findSuppression } from "../suppressions/store.ts";
import { bouncingLater } from "./bounce-later.ts";
import { sandboxResolver } from "./internet.ts";
import { complaining } from "./jobs.ts";
import { listenAsInternet } from "./listen.ts";
import { getSandboxMessage, getSandboxMessages } from "./read.ts";
import { insertSandboxMessage, trimSandboxMessages } from "./store.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A team that sends in a sandbox whose mail server is this process. */
async function sandbox() {
  const app = await testApp({ sandbox: true, config: { smtpOutbound: { allowPrivateAddresses: true } } });
  const listener = await listenAsInternet(app);
  app.config.smtpOutbound.port = listener.port;
  Object.assign(app, { dns: sandboxResolver() });
  const { teamId } = await testTeam(app);
  await testDomain(app, teamId);
  const dispatcher = await startDispatcher(
    app,
    [delivering, complaining, bouncingLater, readingInbound, reporting],
    {
      node: "test",
    },
  );
  closers.push(
    () => listener.close(),
    () => dispatcher.stop(),
  );
  const send = async (to: string) => {
    const { id } = await sendEmail(app, { teamId }, { ...draft, to: [to] });
    await dispatcher.drained();
    return id;
  };
  const lastEvent = async (id: string) => (await getEmail(app, teamId, id)).lastEvent;
  return { app, listener, teamId, dispatcher, send, lastEvent };
}

const draft: EmailDraft = {
  from: "ada@example.com",
  to: [],
  cc: [],
  bcc: [],
  replyTo: [],
  subject: "Hello",
  text: "Hello",
  headers: {},
  tags: [],
  attachments: [],
};

test("what is delivered can be read by the team that sent it, and by nobody else", async () => {
  const { app, teamId, send } = await sandbox();
  const emailId = await send("anybody@anywhere.test");
  const [message] = await getSandboxMessages(app, teamId, { limit: 10 });
  expect(message).toMatchObject({ emailId, rcptTo: "anybody@anywhere.test", isEncrypted: true });
  expect(message!.dkim.map(({ result }) => result)).toEqual(["pass", "pass"]);

  const other = await testTeam(app, "Another team");
  expect(await getSandboxMessages(app, other.teamId, { limit: 10 })).toEqual([]);
  expect(getSandboxMessage(app, other.teamId, message!.id)).rejects.toThrow("Message not found");
});

test("a spam report follows what complained@ was sent, and costs the address", async () => {
  const { app, teamId, dispatcher, send, lastEvent } = await sandbox();
  const id = await send("complained+1@anywhere.test");
  expect(await lastEvent(id)).toBe("delivered");
  app.clock.advance(1_000);
  await dispatcher.drained();
  expect(await lastEvent(id)).toBe("complained");
  expect(await findSuppression(app.db, teamId, "complained+1@anywhere.test", app.now())).toMatchObject({
    reason: "complaint",
    sourceId: id,
  });
});

test("a DSN follows what bounced-later@ was sent: taken first, it bounces, and costs the address", async () => {
  const { app, teamId, dispatcher, send, lastEvent } = await sandbox();
  const id = await send("bounced-later+1@anywhere.test");
  expect(await lastEvent(id)).toBe("delivered");
  app.clock.advance(1_000);
  await dispatcher.drained();
  expect(await lastEvent(id)).toBe("bounced");
  const [delivery] = await getDeliveries(app, teamId, id);
  expect(delivery!.status).toContain("reported later by mx.sandbox.test: 550 5.1.1 The sandbox took it");
  expect(await findSuppression(app.db, teamId, "bounced-later+1@anywhere.test", app.now())).toMatchObject({
    reason: "bounce",
    sourceId: id,
  });
});

test("mail that this server did not send is refused: the sandbox is nobody's relay", async () => {
  const { app, listener } = await sandbox();
  const conversation = await converse({
    host: "sandbox",
    address: "127.0.0.1",
    port: listener.port,
    ehloName: "stranger.test",
    tls: "off",
    rejectUnauthorized: false,
    envelope: { from: "stranger@elsewhere.test", to: "anybody@anywhere.test" },
    message: Buffer.from("Subject: hi\r\n\r\nhi\r\n"),
  });
  expect(conversation).toMatchObject({ kind: "refused", step: "mail", reply: { code: 550 } });
  expect(await app.db.values(sql`select count(*) from sandbox_messages`)).toEqual([[0]]);
});

test("only the newest messages are kept", async () => {
  const app = await testApp();
  const ids = Array.from({ length: 5 }, newId);
  const rest = { teamId: "t", emailId: "e", deliveryId: "d", mailFrom: "a", rcptTo: "b", isEncrypted: false };
  const row = (id: string) => ({ id, ...rest, raw: Buffer.from("x"), createdAt: app.now() });
  await atomically(app, [...ids.map((id) => insertSandboxMessage(app.db, row(id))), trimSandboxMessages(3)]);
  expect(await app.db.values(sql`select id from sandbox_messages order by id`)).toEqual(
    ids.slice(2).map((id) => [id]),
  );
});
