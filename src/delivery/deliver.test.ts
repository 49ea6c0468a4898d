import { expect, test } from "bun:test";
import { simpleParser } from "mailparser";
import { deliveryScene, draft } from "../../test/support/delivery-scene.ts";
import { dnsTable } from "../../test/support/dns-table.ts";
import { startMxHost } from "../../test/support/mx-host.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { getEmail } from "../emails/read.ts";
import { resendEmail } from "../emails/resend.ts";
import { sendEmail } from "../emails/send.ts";
import { listDeliveries } from "../emails/store.ts";
import { verifyMessage } from "../mail/dkim-verify.ts";
import { readReturnPath } from "../mail/verp.ts";
import { findSuppression } from "../suppressions/store.ts";
import { suppress } from "../suppressions/suppress.ts";
import { delivering } from "./deliver.ts";

test("an email is delivered: signed twice, with a return path of its own, and the outcome on disk", async () => {
  const here = await deliveryScene();
  const id = await here.send();

  const [received] = here.host.received;
  expect(received).toMatchObject({ to: ["bob@recipient.test"], ehlo: "mail.mailit.test" });
  const returnPath = readReturnPath(received!.from, here.app.secrets.derive("return-path"));
  const delivery = await here.onlyDelivery(id);
  expect(received!.from).toEndWith("@send.example.com");
  expect(returnPath).toEqual({ deliveryId: delivery.id });

  const records: Record<string, string> = {
    "mailit._domainkey.example.com": `v=DKIM1; k=rsa; p=${here.domainKeys.rsa.publicKey}`,
    "mailit-ed25519._domainkey.example.com": `v=DKIM1; k=ed25519; p=${here.domainKeys.ed25519.publicKey}`,
  };
  const verdicts = await verifyMessage(received!.message, async (name) => [records[name]!]);
  expect(verdicts.map(({ algorithm, result }) => `${algorithm} ${result}`)).toEqual([
    "rsa-sha256 pass",
    "ed25519-sha256 pass",
  ]);
  const parsed = await simpleParser(Buffer.from(received!.message));
  expect(parsed).toMatchObject({ subject: "Grüße", html: expect.stringContaining("<b>Bob</b>") });
  expect(parsed.text).toContain("Hello Bob");

  expect(delivery).toMatchObject({ state: "delivered", attempts: 1, mxHost: "mx.recipient.test" });
  expect(await getEmail(here.app, here.teamId, id)).toMatchObject({
    lastEvent: "delivered",
    messageId: parsed.messageId,
  });
  expect(await here.events(id)).toEqual([
    "email.queued",
    "email.sent bob@recipient.test",
    "email.delivered bob@recipient.test",
  ]);
  expect(await here.waitingJobs()).toEqual([]);
});

test("every envelope recipient gets a copy of their own, once, and Bcc is named in none", async () => {
  const here = await deliveryScene();
  const id = await here.send({
    to: ["Bob <bob@recipient.test>", "BOB@recipient.test"],
    cc: ["carol@recipient.test"],
    bcc: ["dave@recipient.test", "bob@recipient.test"],
  });
  expect(here.host.received.map(({ to }) => to[0]!).toSorted()).toEqual([
    "bob@recipient.test",
    "carol@recipient.test",
    "dave@recipient.test",
  ]);
  for (const { message } of here.host.received) expect(Buffer.from(message).toString()).not.toContain("dave");
  expect(await listDeliveries(here.app.db, here.teamId, id)).toHaveLength(3);
});

test("attachments arrive byte for byte, and inline where the html wants them", async () => {
  const here = await deliveryScene();
  const content = crypto.getRandomValues(new Uint8Array(5_000));
  await here.send({
    html: '<img src="cid:logo">',
    attachments: [
      { filename: "a.bin", content },
      { filename: "logo.png", contentType: "image/png", contentId: "logo", content: content.slice(0, 100) },
    ],
  });
  const { attachments } = await simpleParser(Buffer.from(here.host.received[0]!.message));
  const [inline, file] = attachments.toSorted((a, b) => a.size - b.size);
  expect(file!.content.equals(Buffer.from(content))).toBe(true);
  expect(inline).toMatchObject({ cid: "logo", contentType: "image/png", related: true });
});

test("a mailbox that does not exist bounces at once and is suppressed", async () => {
  const here = await deliveryScene({ rcpt: "550 5.1.1 No such user" });
  const id = await here.send();
  expect(await here.onlyDelivery(id)).toMatchObject({
    state: "bounced",
    lastReply: "550 5.1.1 No such user",
  });
  expect(await here.events(id)).toEqual(["email.queued", "email.bounced bob@recipient.test"]);
  expect(await findSuppression(here.app.db, here.teamId, "bob@recipient.test", here.app.now())).toMatchObject(
    {
      reason: "bounce",
      sourceId: id,
    },
  );
});

test("a refusal that is about us bounces without costing the address", async () => {
  const here = await deliveryScene({ rcpt: "550 5.7.1 blocked using a blocklist" });
  const id = await here.send();
  expect(await here.onlyDelivery(id)).toMatchObject({ state: "bounced" });
  expect(
    await findSuppression(here.app.db, here.teamId, "bob@recipient.test", here.app.now()),
  ).toBeUndefined();
});

test("a greylisted recipient is tried again by the plan, with the same message, and delivered", async () => {
  let tries = 0;
  const here = await deliveryScene({ rcpt: () => (++tries < 3 ? "450 4.7.1 Greylisted" : "250 ok") });
  const id = await here.send();
  expect(await here.onlyDelivery(id)).toMatchObject({
    state: "deferred",
    attempts: 1,
    lastReply: "450 4.7.1 Greylisted",
  });
  expect((await getEmail(here.app, here.teamId, id)).lastEvent).toBe("delivery_delayed");

  const { nextAttemptAt } = await here.onlyDelivery(id);
  const delayMs = nextAttemptAt!.getTime() - here.app.now().getTime();
  expect(delayMs).toBeWithin(4 * 60_000, 6 * 60_000 + 1);
  here.app.clock.set(nextAttemptAt!);
  await here.dispatcher.drained();
  here.app.clock.set((await here.onlyDelivery(id)).nextAttemptAt!);
  await here.dispatcher.drained();

  expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered", attempts: 3 });
  expect(await here.events(id)).toEqual([
    "email.queued",
    "email.delivery_delayed bob@recipient.test",
    "email.sent bob@recipient.test",
    "email.delivered bob@recipient.test",
  ]);
});

test("a recipient who can't be reached is given up in the end, and said so", async () => {
  const here = await deliveryScene(
    { rcpt: "450 4.2.0 Try later" },
    { config: { smtpOutbound: { giveUpAfter: 600_000 } } },
  );
  const id = await here.send();
  for (let tries = 0; tries < 10 && (await here.onlyDelivery(id)).state === "deferred"; tries++) {
    here.app.clock.set((await here.onlyDelivery(id)).nextAttemptAt!);
    await here.dispatcher.drained();
  }
  expect(await here.onlyDelivery(id)).toMatchObject({ state: "failed", lastReply: "450 4.2.0 Try later" });
  expect((await here.events(id)).at(-1)).toBe("email.failed bob@recipient.test");
  expect(await here.waitingJobs()).toEqual([]);
});

test("a retry concerns one recipient: those who have it get no second copy", async () => {
  const here = await deliveryScene({
    rcpt: (line) => (line.includes("carol") ? "450 4.2.0 Later" : "250 ok"),
  });
  const id = await here.send({ to: ["bob@recipient.test", "carol@recipient.test"] });
  here.app.clock.advance(3_600_000);
  await here.dispatcher.drained();
  expect(here.host.received.map(({ to }) => to)).toEqual([["bob@recipient.test"]]);
  const states = (await listDeliveries(here.app.db, here.teamId, id)).map(
    ({ recipient, state }) => `${recipient} ${state}`,
  );
  expect(states.toSorted()).toEqual(["bob@recipient.test delivered", "carol@recipient.test deferred"]);
});

test("an address suppressed after the email was accepted is not sent to", async () => {
  const here = await deliveryScene();
  const { app, teamId, dispatcher } = here;
  const at = new Date(app.now().getTime() + 60_000);
  const { id } = await sendEmail(app, { teamId }, { ...draft, scheduledAt: at });
  await atomically(app, suppress(app, { teamId, address: "Bob@recipient.test", reason: "manual" }));
  app.clock.set(at);
  await dispatcher.drained();
  expect(here.host.connections).toBe(0);
  expect(await here.onlyDelivery(id)).toMatchObject({ state: "suppressed", attempts: 0 });
});

test("a scheduled email waits for its time", async () => {
  const here = await deliveryScene();
  const at = new Date(here.app.now().getTime() + 3_600_000);
  const id = await here.send({ scheduledAt: at });
  expect(here.host.received).toEqual([]);
  expect((await getEmail(here.app, here.teamId, id)).lastEvent).toBe("scheduled");
  here.app.clock.set(at);
  await here.dispatcher.drained();
  expect(here.host.received).toHaveLength(1);
});

test("mail goes to the next MX host when the first can't be reached", async () => {
  const here = await deliveryScene();
  here.app.dns.set("recipient.test MX", ["5 down.recipient.test", "10 mx.recipient.test"]);
  here.app.dns.set("down.recipient.test A", "127.0.0.2"); // nobody listens there
  const id = await here.send();
  expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered", mxHost: "mx.recipient.test" });
});

test("a domain without MX takes mail at its own address", async () => {
  const here = await deliveryScene();
  here.app.dns.set("plain.test A", "127.0.0.1");
  await here.send({ to: ["bob@plain.test"] });
  expect(here.host.received).toHaveLength(1);
});

test.each([
  ["null MX", { "nomail.test MX": "0 ." }, "556 5.1.10"],
  ["no such domain", {}, "550 5.1.2"],
])("%s is a permanent answer and suppresses nobody", async (_name, records, reply) => {
  const here = await deliveryScene();
  for (const [key, value] of Object.entries(records)) here.app.dns.set(key, value);
  const id = await here.send({ to: ["bob@nomail.test"] });
  const delivery = await here.onlyDelivery(id);
  expect(delivery.state).toBe("bounced");
  expect(delivery.lastReply).toStartWith(reply);
  expect(await findSuppression(here.app.db, here.teamId, "bob@nomail.test", here.app.now())).toBeUndefined();
});

test("DNS that fails is a reason to wait, not to bounce", async () => {
  const here = await deliveryScene();
  here.app.dns.set("recipient.test MX", "SERVFAIL");
  const id = await here.send();
  expect(await here.onlyDelivery(id)).toMatchObject({ state: "deferred" });
});

test("an MX host at a private address is refused", async () => {
  const here = await deliveryScene({}, { config: { smtpOutbound: { allowPrivateAddresses: false } } });
  const id = await here.send();
  expect(here.host.connections).toBe(0);
  const delivery = await here.onlyDelivery(id);
  expect(delivery).toMatchObject({ state: "bounced" });
  expect(delivery.lastReply).toContain("private");
});

test("mail is encrypted where the host offers it, whatever its certificate", async () => {
  const here = await deliveryScene({ tls: "works" });
  await here.send();
  expect(here.host.received).toHaveLength(1);
  expect(here.host.received[0]!.tls).toBe(true);
});

test("a host whose TLS is broken still gets its mail, in plaintext", async () => {
  const here = await deliveryScene({ tls: "garbage" });
  await here.send();
  expect(here.host.received).toMatchObject([{ tls: false }]);
});

test("a domain that enforces TLS sends nothing in plaintext", async () => {
  const here = await deliveryScene();
  await here.app.transport.batch([{ sql: "update domains set tls = 'enforced'", params: [] }]);
  const id = await here.send();
  expect(here.host.received).toEqual([]);
  expect(await here.onlyDelivery(id)).toMatchObject({ state: "deferred" });
});

test("with a smarthost all mail goes there, with its login", async () => {
  const relay = await startMxHost();
  const here = await deliveryScene(
    {},
    { config: { smtpOutbound: { relay: { host: "127.0.0.1", port: relay.port, tls: "off" } } } },
  );
  await here.send();
  expect(relay.received).toHaveLength(1);
  expect(here.host.connections).toBe(0);
  await relay.close();
});

test("an email whose domain was removed fails instead of leaving unsigned", async () => {
  const here = await deliveryScene();
  const { app, teamId, dispatcher } = here;
  const at = new Date(app.now().getTime() + 60_000);
  const { id } = await sendEmail(app, { teamId }, { ...draft, scheduledAt: at });
  await app.transport.batch([{ sql: "delete from domains", params: [] }]);
  app.clock.set(at);
  await dispatcher.drained();
  expect(here.host.received).toEqual([]);
  expect(await here.onlyDelivery(id)).toMatchObject({ state: "failed" });
});

test("a message that can't be made shows why, follows the retry plan and is given up as failed", async () => {
  const here = await deliveryScene();
  here.app.threads.compose = () => Promise.reject(new Error("a poisonous attachment"));
  const id = await here.send();
  const said = "The message could not be made: a poisonous attachment";
  expect(await here.onlyDelivery(id)).toMatchObject({ state: "deferred", attempts: 1, lastReply: said });
  here.app.clock.advance(49 * 3_600_000);
  await here.dispatcher.drained();
  expect(await here.onlyDelivery(id)).toMatchObject({ state: "failed", lastReply: said });
  expect(await here.waitingJobs()).toEqual([]);
});

test("a stop in the middle of an attempt is no deferral: the job goes back and nothing is told", async () => {
  const here = await deliveryScene();
  const stop = new AbortController();
  const compose = here.app.threads.compose;
  here.app.threads.compose = async (job) => {
    const bytes = await compose(job);
    stop.abort();
    return bytes;
  };
  await here.dispatcher.stop();
  const { id } = await sendEmail(here.app, { teamId: here.teamId }, draft);
  const { id: deliveryId, createdAt } = await here.onlyDelivery(id);
  const held = { id: deliveryId, attempt: 1, lane: "recipient.test", createdAt, signal: stop.signal };
  expect(await delivering.run(here.app, { deliveryId }, held)).toMatchObject({ kind: "again", writes: [] });
  expect(here.host.commands).not.toContain("DATA");
});

test("a spare host at a private address does not turn the first host's absence into a bounce", async () => {
  const dns = dnsTable({
    "recipient.test MX": ["10 mx.recipient.test", "20 spare.recipient.test"],
    "mx.recipient.test A": "SERVFAIL",
    "spare.recipient.test A": "127.0.0.1",
  });
  const here = await deliveryScene({}, { dns, config: { smtpOutbound: { allowPrivateAddresses: false } } });
  expect(await here.onlyDelivery(await here.send())).toMatchObject({ state: "deferred" });
});

test("an email whose content is gone fails, and nothing empty goes out", async () => {
  const here = await deliveryScene();
  const { app, teamId } = here;
  const later = { ...draft, scheduledAt: new Date(app.now().getTime() + 60_000) };
  const taken = [
    ["update contents set html = null, text = null", "is missing"],
    ["update emails set content_removed_at = 0", "was removed at 1970-01-01T00:00:00.000Z"],
  ] as const;
  for (const [sql, said] of taken) {
    const { id } = await sendEmail(app, { teamId }, later);
    await atomically(app, [rawWrite(sql, [])]);
    await here.retry(id);
    expect(await here.onlyDelivery(id)).toMatchObject({
      ...{ state: "failed", lastReply: expect.stringContaining(said) },
    });
    await expect(resendEmail(app, { teamId }, id)).rejects.toThrow(said);
  }
  expect(here.host.received).toEqual([]);
});
