import { expect, test } from "bun:test";
import { simpleParser } from "mailparser";
import { choose, testContact, testTopic } from "../../test/support/audience-rows.ts";
import { type DeliveryScene, deliveryScene, draft } from "../../test/support/delivery-scene.ts";
import { testTeam } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { sendEmail } from "../emails/send.ts";
import { readLeaving } from "../emails/unsubscribe.ts";
import { events } from "../events/schema.ts";

const [ada, bob] = ["ada@recipient.test", "bob@recipient.test"];

const statesOf = async ({ deliveries }: DeliveryScene, id: string) =>
  Object.fromEntries((await deliveries(id)).map(({ recipient, state }) => [recipient, state]));

async function refusalsOf({ app }: DeliveryScene): Promise<unknown[]> {
  const rows = await app.db.select().from(events).all();
  return rows.filter(({ type }) => type === "email.suppressed").map(({ data }) => data.suppressed);
}

test("who has left a topic is not sent its mail, in any spelling of the address; others are", async () => {
  const scene = await deliveryScene();
  const { app, teamId } = scene;
  const topic = await testTopic(app, teamId);
  await choose(app, await testContact(app, teamId, ada), topic, "opt_out");
  const id = await scene.send({ to: ["ADA@recipient.test"], cc: [bob], topicId: topic.id });
  expect(await statesOf(scene, id)).toEqual({ "ADA@recipient.test": "suppressed", [bob]: "delivered" });
  expect(await refusalsOf(scene)).toMatchObject([{ reason: "topic_opt_out" }]);
  // Other mail reaches them.
  expect(await statesOf(scene, await scene.send({ to: [ada] }))).toEqual({ [ada]: "delivered" });
});

test("a topic that has to be joined reaches those alone who have joined it", async () => {
  const scene = await deliveryScene();
  const { app, teamId } = scene;
  const topic = await testTopic(app, teamId, { defaultSubscription: "opt_out" });
  await choose(app, await testContact(app, teamId, ada), topic, "opt_in");
  const id = await scene.send({ to: [ada, bob], topicId: topic.id });
  expect(await statesOf(scene, id)).toEqual({ [ada]: "delivered", [bob]: "suppressed" });
});

test("who has unsubscribed from everything gets no mail of any topic", async () => {
  const scene = await deliveryScene();
  const { app, teamId } = scene;
  const topic = await testTopic(app, teamId);
  await choose(app, await testContact(app, teamId, ada, { unsubscribed: true }), topic, "opt_in");
  const id = await scene.send({ to: [ada], topicId: topic.id });
  expect(await statesOf(scene, id)).toEqual({ [ada]: "suppressed" });
  expect(await refusalsOf(scene)).toMatchObject([{ reason: "unsubscribed" }]);
});

test.each([
  [ada, ada],
  ["j\u00f6rg@recipient.test", "J\u00d6RG@recipient.test"],
])("who leaves after an email was accepted is not sent it: %s, written %s", async (key, written) => {
  const scene = await deliveryScene();
  const { app, teamId } = scene;
  const topic = await testTopic(app, teamId);
  const contact = await testContact(app, teamId, key);
  const scheduledAt = new Date(app.now().getTime() + 60_000);
  const { id } = await sendEmail(
    app,
    { teamId },
    { ...draft, to: [written], topicId: topic.id, scheduledAt },
  );
  await choose(app, contact, topic, "opt_out");
  app.clock.set(scheduledAt);
  await scene.dispatcher.drained();
  expect(await statesOf(scene, id)).toEqual({ [written]: "suppressed" });
  expect(scene.host.received).toHaveLength(0);
  expect(await scene.events(id)).toContain(`email.suppressed ${written}`);
});

test("a topic of another team is not found, nor is one that was never there", async () => {
  const scene = await deliveryScene();
  const { app, teamId } = scene;
  const { id: topicId } = await testTopic(app, (await testTeam(app)).teamId);
  expect(sendEmail(app, { teamId }, { ...draft, topicId })).rejects.toThrow("Topic not found");
  expect(sendEmail(app, { teamId }, { ...draft, topicId: teamId })).rejects.toThrow("Topic not found");
});

test("mail of a topic says where each recipient leaves it, under DKIM, in the headers and where the sender wants it", async () => {
  const scene = await deliveryScene();
  const { app, teamId, host } = scene;
  const topic = await testTopic(app, teamId);
  const html = '<p>{{{NAME}}} <a href="{{{RESEND_UNSUBSCRIBE_URL}}}">Leave</a></p>';
  const text = "Leave: {{{UNSUBSCRIBE_URL}}}";
  const id = await scene.send({ html, text, to: [ada, bob], topicId: topic.id });
  expect(host.received).toHaveLength(2);
  for (const { to, message } of host.received) {
    const { headerLines, html: shown, text: plain } = await simpleParser(Buffer.from(message));
    const lines = new Map(headerLines.map(({ key, line }) => [key, line.replace(/\r\n\s/g, " ")]));
    const [, url, token] = /<(http:\/\/mailit\.test\/unsubscribe\?token=([\w-]+))>/.exec(
      lines.get("list-unsubscribe")!.replace(/\s(?!<)/g, ""),
    )!;
    expect(lines.get("list-unsubscribe-post")).toBe("List-Unsubscribe-Post: List-Unsubscribe=One-Click");
    const signed = headerLines.filter(({ key }) => key === "dkim-signature");
    expect(signed).toHaveLength(2);
    for (const { line } of signed) {
      const [, covered] = /\bh=([^;]*);/.exec(line.replace(/\s/g, ""))!;
      expect(covered!.split(":")).toEqual(
        expect.arrayContaining(["List-Unsubscribe", "List-Unsubscribe-Post"]),
      );
    }
    expect(shown).toContain(`<p>{{{NAME}}} <a href="${url}">`); // what is no field of ours stays
    expect(plain).toContain(`Leave: ${url}`);
    const [delivery] = (await scene.deliveries(id)).filter(({ recipient }) => recipient === to[0]);
    expect(await readLeaving(app, token!)).toEqual({
      ...{ teamId, deliveryId: delivery!.id, topicId: topic.id, address: to[0]! },
    });
  }
});

test("a sender's own way out takes the place of ours, and mail without a topic has none", async () => {
  const scene = await deliveryScene();
  const { app, teamId, host } = scene;
  const topic = await testTopic(app, teamId);
  await scene.send({ topicId: topic.id, headers: { "List-Unsubscribe": "<https://example.com/leave>" } });
  await scene.send();
  const [own, none] = await Promise.all(
    host.received.map(async ({ message }) => (await simpleParser(Buffer.from(message))).headerLines),
  );
  const namesOf = (lines: typeof own) =>
    lines!.map(({ key }) => key).filter((key) => key.startsWith("list-"));
  expect(namesOf(own)).toEqual(["list-unsubscribe"]);
  expect(namesOf(none)).toEqual([]);
});

test("a topic that was deleted keeps nobody from what waits", async () => {
  const scene = await deliveryScene();
  const { app, teamId } = scene;
  const topic = await testTopic(app, teamId, { defaultSubscription: "opt_out" });
  await choose(app, await testContact(app, teamId, ada), topic, "opt_in");
  const scheduledAt = new Date(app.now().getTime() + 60_000);
  const { id } = await sendEmail(app, { teamId }, { ...draft, to: [ada], topicId: topic.id, scheduledAt });
  await atomically(app, [rawWrite("delete from topics"), rawWrite("delete from contact_topics")]);
  app.clock.set(scheduledAt);
  await scene.dispatcher.drained();
  expect(await statesOf(scene, id)).toEqual({ [ada]: "delivered" });
});
