import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { broadcastScene } from "../../test/support/broadcast-scene.ts";
import { draft } from "../../test/support/delivery-scene.ts";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { hashOf } from "../blobs/store.ts";
import type { Transport } from "../db/transport.ts";
import { rawWrite } from "../db/write.ts";
import { getMessage } from "../delivery/composed.ts";
import { leastIdAt } from "../ids.ts";
import { forgetOldInbound } from "../inbound/forget.ts";
import { startDispatcher } from "../jobs/dispatcher.ts";
import { parseAddress } from "../mail/address.ts";
import type { EmailDraft } from "./draft.ts";
import { IncomingMessage } from "./incoming.ts";
import { getEmail } from "./read.ts";
import { resendEmail } from "./resend.ts";
import { forgetContent, forgettingContent } from "./retention.ts";
import { forgetKept, removeContent } from "./retention-store.ts";
import { sendEmail } from "./send.ts";
import { listAttachments, listDeliveries } from "./store.ts";
import { submitEmail } from "./submit.ts";

const hour = 3_600_000;
const day = 24 * hour;
/** So long after an email has ended its body is looked at, which others might have been given. */
const bodiesToo = day + 3 * hour;

async function scene(transport?: Transport) {
  const options = { config: { retention: { content: day } }, now: new Date() };
  const app = await testApp({ transport, ...options });
  const { teamId } = await testTeam(app);
  await testDomain(app, teamId);
  const send = async (changes: Partial<EmailDraft> = {}) =>
    (await sendEmail(app, { teamId }, { ...draft, ...changes })).id;
  const htmlOf = async (id: string) => (await getEmail(app, teamId, id)).html;
  return { app, teamId, send, htmlOf, bodies: () => bodiesOf(app), end: (id: string) => end(app, id) };
}

/** Of all that are stored. */
const bodiesOf = async (app: TestApp) =>
  (
    await app.db.values<[string]>(
      sql`select coalesce(html, text) from contents where coalesce(html, text) is not null order by 1`,
    )
  ).map(([body]) => body);

/** As a delivery ends. */
const end = (app: TestApp, emailId: string) =>
  atomically(app, [
    rawWrite("update deliveries set state = 'delivered', settled_at = ? where email_id = ?", [
      app.now().getTime(),
      emailId,
    ]),
    rawWrite("delete from jobs where id in (select id from deliveries where email_id = ?)", [emailId]),
  ]);

eachTransport((_, open) => {
  test("what an email says goes when it has been kept for long enough, a slice at a time; the email stays", async () => {
    const { app, teamId, send, end: settle, bodies } = await scene(await open());
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await send({ html: `<p>${n}</p>` }));
    for (const id of ids) await settle(id);
    app.clock.advance(day - 1);
    await forgetContent(app, app.now(), 2);
    expect(await bodies()).toHaveLength(5);
    app.clock.advance(3 * hour);
    const young = await send({ html: "<p>Young</p>" });
    await Promise.all([forgetContent(app, app.now(), 2), forgetContent(app, app.now(), 2)]); // two nodes
    expect(await bodies()).toEqual(["<p>Young</p>"]);
    for (const id of ids) {
      const { html, text, contentRemovedAt, subject } = await getEmail(app, teamId, id);
      expect({ html, text, contentRemovedAt, subject }).toEqual({
        ...{ html: null, text: null, contentRemovedAt: app.now(), subject: draft.subject! },
      });
    }
    expect((await getEmail(app, teamId, young)).contentRemovedAt).toBeNull();
  });

  test("what is still to be sent keeps its content, and for as long again after its end; others of the same body do not", async () => {
    const { app, send, end: settle, htmlOf, bodies } = await scene(await open());
    const [ended, waiting] = [await send(), await send()];
    await settle(ended);
    app.clock.advance(bodiesToo);
    await forgetContent(app);
    expect([await htmlOf(ended), await htmlOf(waiting)]).toEqual([null, draft.html!]);
    expect(await bodies()).toEqual([draft.html!]);
    await settle(waiting);
    app.clock.advance(day - 1);
    await forgetContent(app);
    expect(await htmlOf(waiting)).toBe(draft.html!);
    app.clock.advance(2);
    await forgetContent(app);
    expect(await htmlOf(waiting)).toBeNull();
    expect(await bodies()).toEqual([]);
    expect(await app.db.values("select * from kept_contents")).toEqual([]);
  });

  test("those that were passed over are asked about a slice at a time, from the first again after the last", async () => {
    const { app, send, end: settle, htmlOf } = await scene(await open());
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await send({ html: `<p>${n}</p>` }));
    app.clock.advance(bodiesToo);
    await forgetContent(app, app.now(), 2);
    for (const id of ids) await settle(id);
    app.clock.advance(day + 1);
    for (let run = 0; run < 3; run++) await forgetContent(app, app.now(), 2);
    for (const id of ids) expect(await htmlOf(id)).toBeNull();
    const late = await send({ html: "<p>Late</p>" });
    app.clock.advance(bodiesToo);
    await forgetContent(app, app.now(), 2);
    await settle(late);
    app.clock.advance(day + 1);
    await forgetContent(app, app.now(), 2);
    expect(await htmlOf(late)).toBeNull();
  });

  test("a clock that was ahead leaves whatever comes after it whole, and that goes in its own time", async () => {
    const { app, send, end: settle, htmlOf, bodies } = await scene(await open());
    await settle(await send({ html: "<p>Ended</p>" }));
    const before = await send({ html: "<p>Before</p>" });
    app.clock.advance(400 * day);
    await forgetContent(app);
    app.clock.advance(-400 * day);
    await forgetContent(app);
    const after = await send({ html: "<p>After</p>" });
    for (let run = 0; run < 3; run++) {
      app.clock.advance(bodiesToo);
      await forgetContent(app);
    }
    expect([await htmlOf(before), await htmlOf(after)]).toEqual(["<p>Before</p>", "<p>After</p>"]);
    for (const id of [before, after]) await settle(id);
    app.clock.advance(day + 1);
    await forgetContent(app);
    expect(await bodies()).toEqual([]);
  });

  test("a walk that is ahead of its time is set back, and who was accepted behind it is come by", async () => {
    const { app, teamId, send, end: settle } = await scene(await open());
    const ahead = leastIdAt(new Date(app.now().getTime() + 400 * day));
    await atomically(app, [rawWrite("insert into walks values ('content_of_emails', ?)", [ahead])]);
    await forgetContent(app);
    const id = await send();
    await settle(id);
    app.clock.advance(bodiesToo);
    await forgetContent(app);
    expect((await getEmail(app, teamId, id)).contentRemovedAt).toEqual(app.now());
  });

  test("an email that is still to be sent stays whole, whatever is thought of it; so does a body that another keeps", async () => {
    const { app, send, end: settle, htmlOf } = await scene(await open());
    const file = { filename: "a", content: Buffer.from("a") };
    const [waiting, ended] = [await send({ attachments: [file] }), await send()];
    await settle(ended);
    const thought = [waiting, ended].map((id) => ({ id, isBroadcast: false, isSettled: true }));
    await atomically(app, [...removeContent(thought, app.now()), ...forgetKept(thought)]);
    expect([await htmlOf(waiting), await htmlOf(ended)]).toEqual([draft.html!, null]);
    expect(await listAttachments(app.db, waiting)).toHaveLength(1);
  });

  test("files and handed-in messages go with it, and their blobs unless another names them", async () => {
    const { app, teamId, send, end: settle } = await scene(await open());
    const file = (name: string) => ({ filename: name, content: Buffer.from(name) });
    const ended = await send({ attachments: [file("mine"), file("both")] });
    const waiting = await send({ attachments: [file("both")] });
    const incoming = new IncomingMessage(app.blobs);
    const message = `From: ada@example.com\r\n\r\n${"A long message\r\n".repeat(10_000)}`;
    await incoming.write(Buffer.from(message));
    const handedIn = await submitEmail(app, { teamId }, [parseAddress("bob@recipient.test")!], incoming);
    await incoming.discard();
    for (const id of [ended, handedIn.id]) await settle(id);
    app.clock.advance(bodiesToo);
    await forgetContent(app);
    app.clock.advance(2 * hour);
    await forgetOldInbound(app);
    const isThere = async (text: string) => (await app.blobs.get(hashOf(Buffer.from(text)))) !== undefined;
    expect(await Promise.all(["mine", "both", message].map(isThere))).toEqual([false, true, false]);
    expect(await listAttachments(app.db, ended)).toEqual([]);
    expect(await listAttachments(app.db, waiting)).toHaveLength(1);
    expect(await app.db.values("select * from email_sources")).toEqual([]);
  });

  test("an email that was erased meanwhile holds back no body", async () => {
    const { app, send, end: settle, bodies } = await scene(await open());
    const [ended, waiting] = [await send(), await send()];
    await settle(ended);
    app.clock.advance(bodiesToo);
    await forgetContent(app);
    await atomically(app, [rawWrite("delete from emails where id = ?", [waiting])]);
    expect(await app.db.values("select * from kept_contents")).toEqual([]);
    expect(await bodies()).toEqual([draft.html!]); // the erasure's to empty
  });
});

test("a clock that is ahead for a while and then set right has removed nothing", async () => {
  const { app, send, end: settle, bodies } = await scene();
  await settle(await send());
  const dispatcher = await startDispatcher(app, [forgettingContent.handler], { node: "a" });
  await atomically(app, forgettingContent.ensure(app));
  await dispatcher.drained();
  app.clock.advance(400 * day);
  await dispatcher.drained();
  app.clock.advance(-400 * day);
  expect(await bodies()).toEqual([draft.html!]);
  app.clock.advance(bodiesToo);
  await atomically(app, [rawWrite("delete from jobs", []), ...forgettingContent.ensure(app)]);
  for (let minute = 0; minute < 2 * 24; minute++) {
    app.clock.advance(60_000);
    await dispatcher.drained();
  }
  await dispatcher.stop();
  expect(await bodies()).toEqual([]);
});

test("nothing says again what was removed: neither a resend nor its message", async () => {
  const { app, teamId, send, end: settle } = await scene();
  const id = await send();
  await settle(id);
  app.clock.advance(day + hour);
  await forgetContent(app);
  const said = `The content of this email was removed at ${app.now().toISOString()}: \`retention.content\` says how long it is kept.`;
  await expect(resendEmail(app, { teamId }, id)).rejects.toThrow(`${said} Send it anew.`);
  const [delivery] = await listDeliveries(app.db, teamId, id);
  await expect(getMessage(app, teamId, id, delivery!.id)).rejects.toThrow(said);
});

test("content that is kept for ever stays", async () => {
  const app = await testApp({ now: new Date(), config: { retention: { content: "forever" } } });
  const { teamId } = await testTeam(app);
  await testDomain(app, teamId);
  const { id } = await sendEmail(app, { teamId }, draft);
  await end(app, id);
  app.clock.advance(10_000 * day);
  await forgetContent(app);
  expect((await getEmail(app, teamId, id)).html).toBe(draft.html!);
});

test("of a broadcast the body and what was filled in for each go; what its author wrote stays", async () => {
  const people = { "ada@recipient.test": { firstName: "Ada" }, "bob@recipient.test": { firstName: "Bob" } };
  const config = { retention: { content: day } };
  const scene = await broadcastScene(people, {}, { now: new Date(), config });
  const { app } = scene;
  const html = "<p>{{{contact.first_name}}}</p>";
  const id = await scene.broadcast({ html, ratePerMinute: 1 });
  const fills = () => app.db.values("select merge_values from deliveries where merge_values is not null");
  app.clock.advance(30_000);
  await forgetContent(app);
  expect(await fills()).toHaveLength(2);
  await scene.pass(30_000);
  await scene.pass(1_000);
  expect(await scene.get(id)).toMatchObject({ status: "sent" });
  app.clock.advance(bodiesToo);
  await forgetContent(app);
  expect(await fills()).toEqual([]);
  expect(await bodiesOf(app)).toEqual([]);
  expect(await scene.get(id)).toMatchObject({ html });
});
