import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { simpleParser } from "mailparser";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import type { TestApp } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import type { EmailDraft } from "../emails/draft.ts";
import { getEmail } from "../emails/read.ts";
import { counters, events } from "../events/schema.ts";
import { newId } from "../ids.ts";
import { inboundEmails } from "../inbound/schema.ts";
import type { Held } from "../jobs/job.ts";
import type { Report } from "../mail/report.ts";
import { findSuppression } from "../suppressions/store.ts";
import { reporting } from "./reports.ts";

type Complaint = Report & { kind: "complaint" };

const bob = "bob@recipient.test";
const held: Held = {
  ...{ id: "held", attempt: 1, createdAt: new Date(0), lane: "" },
  signal: new AbortController().signal,
};

/** An email that was delivered, and what a provider could quote of it. */
async function sent(changes: Partial<EmailDraft> = {}, options: Parameters<typeof deliveryScene>[1] = {}) {
  const here = await deliveryScene({}, options);
  const id = await here.send(changes);
  const received = here.host.received.find(({ to }) => to[0] === bob)!;
  const { messageId = null, headers } = await simpleParser(Buffer.from(received.message));
  const quoted = { messageId, feedbackId: String(headers.get("feedback-id")), returnPath: received.from };
  const suppression = () => findSuppression(here.app.db, here.teamId, bob, here.app.now());
  return { ...here, id, quoted, suppression };
}
const outcomes = ["email.queued", `email.sent ${bob}`, `email.delivered ${bob}`];

interface Came {
  report?: Partial<Complaint>;
  /** What of the message it quotes. */
  message?: Partial<Complaint["message"]>;
  deliveryId?: string;
  inboundId?: string;
}

async function complain(app: TestApp, { report, message, deliveryId, inboundId = newId() }: Came) {
  const nothing = { messageId: null, feedbackId: null, returnPath: null };
  return reporting.run(
    app,
    {
      ...{ inboundId, deliveryId: deliveryId ?? null, role: "abuse", isAutomatic: false },
      report: {
        ...{ kind: "complaint", feedbackType: "abuse", recipient: null, returnPath: null },
        ...report,
        message: { ...nothing, ...message },
      },
    },
    held,
  );
}

/** A report's row, with what DMARC said of its sender. */
async function inbound(app: TestApp, teamId: string, sender: string, dmarc = "pass"): Promise<string> {
  const id = newId();
  const verdict = { result: "none" };
  const row: typeof inboundEmails.$inferSelect = {
    ...{ id, teamId, domainId: null, kind: "report", mailFrom: "", receivedFor: [], deliveryId: null },
    ...{ remoteAddress: "127.0.0.1", clientName: "x", tls: null, blobHash: "x", size: 1, messageId: null },
    ...{
      sender,
      recipients: [],
      cc: [],
      bcc: [],
      replyTo: [],
      subject: "",
      problem: null,
      createdAt: app.now(),
    },
    verdicts: { spf: verdict, dkim: [], dmarc: { result: dmarc }, arc: verdict },
  };
  await atomically(app, [app.db.insert(inboundEmails).values(row)]);
  return id;
}

eachTransport((_name, open) => {
  test("a complaint stops the team's mail to who complained, and is counted once", async () => {
    const here = await sent({}, { transport: await open() });
    const { app, id, quoted } = here;
    const came = { message: { feedbackId: quoted.feedbackId } };
    await Promise.all([complain(app, came), complain(app, came)]);
    await complain(app, came);
    expect(await here.events(id)).toEqual([...outcomes, `email.complained ${bob}`]);
    const [told] = await app.db.select().from(events).where(eq(events.type, "email.complained"));
    expect(told!.data).toEqual({ complaint: { feedbackType: "abuse" } });
    expect(await app.db.select().from(counters).where(eq(counters.event, "email.complained"))).toMatchObject([
      { total: 1 },
    ]);
    expect(await getEmail(app, here.teamId, id)).toMatchObject({ lastEvent: "complained" });
    expect(await here.suppression()).toMatchObject({ reason: "complaint", sourceId: id });
    await atomically(app, [rawWrite("delete from events", [])]); // kept for a time alone
    await complain(app, came);
    expect(await here.events(id)).toEqual([]);
  });

  test("a Message-ID counts where the recipient's own domain vouches for the report, and only there", async () => {
    const here = await sent({}, { transport: await open() });
    const { app, teamId, quoted } = here;
    const message = { messageId: quoted.messageId };
    for (const inboundId of [
      newId(),
      await inbound(app, teamId, "fbl@elsewhere.test"),
      await inbound(app, teamId, "fbl@notrecipient.test"),
      await inbound(app, teamId, "fbl@recipient.test", "fail"),
    ]) {
      await complain(app, { inboundId, message, report: { recipient: bob } });
      expect(await here.suppression()).toBeUndefined();
    }
    const inboundId = await inbound(app, teamId, "FBL <fbl@arf.recipient.test>");
    await complain(app, { inboundId, message, report: { recipient: "carol@recipient.test" } });
    expect(await here.suppression()).toBeUndefined();
    await complain(app, { inboundId, message, report: { recipient: "BOB@recipient.test" } });
    expect(await here.suppression()).toMatchObject({ reason: "complaint" });
  });
});

test("of several recipients a Message-ID means none that the report does not name", async () => {
  const here = await sent({ to: [bob, "carol@recipient.test"] });
  const inboundId = await inbound(here.app, here.teamId, "fbl@recipient.test");
  await complain(here.app, { inboundId, message: { messageId: here.quoted.messageId } });
  expect(await here.suppression()).toBeUndefined();
  await complain(here.app, {
    inboundId,
    message: { messageId: here.quoted.messageId },
    report: { recipient: bob },
  });
  expect(await here.suppression()).toBeDefined();
});

test.each<[string, (quoted: Complaint["message"], deliveryId: string) => Came]>([
  ["the return path it came to", (_quoted, deliveryId) => ({ deliveryId })],
  ["the return path it names", ({ returnPath }) => ({ report: { returnPath } })],
  ["the return path in the message it quotes", ({ returnPath }) => ({ message: { returnPath } })],
  [
    "the Feedback-ID, where addresses are hidden",
    ({ feedbackId }) => ({
      message: { feedbackId, returnPath: "redacted@recipient.test" },
      report: { returnPath: "redacted@recipient.test" },
    }),
  ],
])("a complaint is proven by %s", async (_name, how) => {
  const here = await sent();
  const { id: deliveryId } = await here.onlyDelivery(here.id);
  await complain(here.app, how(here.quoted, deliveryId));
  expect(await here.suppression()).toMatchObject({ reason: "complaint", sourceId: here.id });
});

test("whatever address a proven complaint names, it costs only who got the message", async () => {
  const here = await sent();
  const message = { feedbackId: here.quoted.feedbackId };
  await complain(here.app, { message, report: { recipient: "carol@recipient.test" } });
  expect(await here.suppression()).toBeDefined();
  const carol = await findSuppression(here.app.db, here.teamId, "carol@recipient.test", here.app.now());
  expect(carol).toBeUndefined();
});

test("a forged token, or one of a delivery that is gone, changes nothing", async () => {
  const here = await sent();
  const { feedbackId, returnPath } = here.quoted;
  const forged = (text: string) => text.replace(/-(.)/, (_match, digit) => `-${digit === "0" ? "1" : "0"}`);
  await complain(here.app, { message: { feedbackId: forged(feedbackId), returnPath: forged(returnPath) } });
  await complain(here.app, { deliveryId: newId() });
  expect(await here.events(here.id)).toEqual(outcomes);
  expect(await here.suppression()).toBeUndefined();
});

test("fraud is a complaint", async () => {
  const here = await sent();
  await complain(here.app, { message: here.quoted, report: { feedbackType: "fraud" } });
  expect(await here.events(here.id)).toEqual([...outcomes, `email.complained ${bob}`]);
});

test("who opted out by their provider's button has unsubscribed, and did not complain", async () => {
  const here = await sent();
  await complain(here.app, { message: here.quoted, report: { feedbackType: "opt-out" } });
  expect(await here.events(here.id)).toEqual([...outcomes, `email.unsubscribed ${bob}`]);
  expect(await here.suppression()).toMatchObject({ reason: "unsubscribe", sourceId: here.id });
  expect(await getEmail(here.app, here.teamId, here.id)).toMatchObject({ lastEvent: "delivered" });
});

test.each(["not-spam", "virus", "other", "auth-failure", "dmarc", "constructor", "x"])(
  "a report of the type %s changes nothing",
  async (feedbackType) => {
    const here = await sent();
    await complain(here.app, { message: here.quoted, report: { feedbackType } });
    expect(await here.events(here.id)).toEqual(outcomes);
    expect(await here.suppression()).toBeUndefined();
  },
);

test("a client's own Feedback-ID stands in the place of ours", async () => {
  const here = await sent({ headers: { "feedback-id": "campaign:list:account:acme-mail" } });
  expect(here.quoted.feedbackId).toBe("campaign:list:account:acme-mail");
  await complain(here.app, { message: { feedbackId: here.quoted.feedbackId } });
  expect(await here.suppression()).toBeUndefined();
});

test("every message carries a Feedback-ID that tells sender, domain and team apart, and its signatures cover it", async () => {
  const here = await sent();
  const [, key, domain, team, sender] = here.quoted.feedbackId.split(":");
  expect([key, domain, team, sender]).toEqual(["", "example.com", here.teamId, "mailit"]);
  const raw = Buffer.from(here.host.received[0]!.message).toString();
  const lists = Array.from(raw.matchAll(/^DKIM-Signature:.*?\bh=([^;]*);/gms), ([, names]) => names!);
  expect(lists.map((names) => /(?:^|:)\s*Feedback-ID\b/.test(names))).toEqual([true, true]);
});
