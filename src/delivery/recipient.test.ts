import { expect, test } from "bun:test";
import { broadcastScene } from "../../test/support/broadcast-scene.ts";
import { testTeam } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { getRecipients } from "../broadcasts/recipients.ts";
import { pauseBroadcast } from "../broadcasts/send.ts";
import { deleteContact } from "../contacts/save.ts";
import { listDeeds } from "../events/read.ts";
import { recordEvent } from "../events/record.ts";
import { newId } from "../ids.ts";
import { retryQueue } from "./queue.ts";
import { getRecipient } from "./recipient.ts";

const replies: Record<string, string> = {
  "bob@recipient.test": "550 5.1.1 No such user",
  "eve@recipient.test": "451 4.7.1 Greylisted",
};

async function scene(changes = {}) {
  const people = Object.fromEntries(["ada", "bob", "eve"].map((name) => [`${name}@recipient.test`, {}]));
  const it = await broadcastScene(people, { rcpt: (line) => replies[/<(.*?)>/.exec(line)![1]!] });
  const { app, teamId } = it;
  const id = await it.broadcast(changes);
  const rows = await getRecipients(app, teamId, id, { type: "all" }, { limit: undefined });
  const ids = new Map(rows.map((row) => [row.email.split("@")[0], row.id]));
  const of = (name: string) => getRecipient(app, teamId, id, ids.get(name)!);
  return { ...it, id, rows, of };
}

test("each recipient of a broadcast has their state in a sentence, the talk with their host and what happened", async () => {
  const { of, rows, contacts } = await scene();
  const told = async (name: string) => {
    const { explained, happened, contactId, messageId } = await of(name);
    const { delivery, status, history } = explained;
    expect(contactId).toBe(contacts.find(({ email }) => email === delivery.recipient)!.id);
    expect(messageId).toBe(`<${delivery.id}@example.com>`);
    expect(history[0]!.steps.map(({ command }) => command)).toContain(`RCPT TO:<${delivery.recipient}>`);
    return [delivery.state, status, happened.map(({ type }) => type)];
  };
  expect(await told("ada")).toEqual([
    "delivered",
    expect.stringMatching(/^Delivered to mx\.recipient\.test at 2026-03-01T12:00:00Z: 250 /),
    ["email.delivered"],
  ]);
  expect(await told("bob")).toEqual([
    "bounced",
    "Bounced by mx.recipient.test at 2026-03-01T12:00:00Z: 550 5.1.1 No such user.",
    ["email.bounced"],
  ]);
  expect(await told("eve")).toEqual([
    "deferred",
    expect.stringMatching(/^Waiting for the next try at .* said 451 4\.7\.1 Greylisted at try 1/),
    ["email.delivery_delayed"],
  ]);
  // The list has the replies too.
  expect(rows.map(({ email, lastReply }) => [email, lastReply])).toEqual([
    ["eve@recipient.test", "451 4.7.1 Greylisted"],
    ["bob@recipient.test", "550 5.1.1 No such user"],
    ["ada@recipient.test", expect.stringMatching(/^250 /)],
  ]);
});

test("what they do later is told with it, and a machine's opens are no deeds of theirs", async () => {
  const { app, teamId, of } = await scene();
  const { delivery } = (await of("ada")).explained;
  const { id: deliveryId, emailId, recipient } = delivery;
  const happen = (type: "email.opened" | "email.complained", data: Record<string, unknown>) => {
    app.clock.advance(60_000);
    return atomically(app, recordEvent(app, { type, teamId, emailId, deliveryId, recipient, data }));
  };
  await happen("email.opened", { is_bot: true });
  expect(await listDeeds(app.db, emailId, [deliveryId])).toEqual(new Map());
  await happen("email.opened", { is_bot: false });
  for (let n = 0; n < 60; n++) await happen("email.opened", { is_bot: true });
  await happen("email.complained", {});
  expect(await listDeeds(app.db, emailId, [deliveryId, newId()])).toEqual(
    new Map([[deliveryId, ["opened", "complained"]]]),
  );
  const types = (await of("ada")).happened.map(({ type }) => type);
  expect([types.at(0), types.at(-1), types.length]).toEqual(["email.complained", "email.delivered", 52]);
});

test("one that waits is tried at once, and only that one", async () => {
  const { app, teamId, of, dispatcher } = await scene();
  const { id: deliveryId } = (await of("eve")).explained.delivery;
  await retryQueue(app, { teamId, deliveryId });
  await dispatcher.drained();
  expect((await of("eve")).explained.history).toHaveLength(2);
  expect((await of("bob")).explained.history).toHaveLength(1);
});

test("a turn that is to come is the broadcast's rate, and its pause is no hold of theirs", async () => {
  const { app, teamId, id, of, dispatcher } = await scene({ ratePerMinute: 1 });
  expect((await of("eve")).explained).toMatchObject({
    waitingFor: { limiter: "retry", reason: "its broadcast sends 1 messages a minute" },
    status: "Waiting for its first try at 2026-03-01T12:02:00Z: its broadcast sends 1 messages a minute.",
  });
  await pauseBroadcast(app, teamId, id);
  await dispatcher.drained();
  expect((await of("eve")).explained).toMatchObject({
    waitingFor: { limiter: "pause", until: null },
    status: "Waiting: its broadcast is paused.",
  });
});

test("what is no recipient of the broadcast, or is another team's, is not there; a deleted contact's delivery is", async () => {
  const { app, teamId, id, of, broadcast } = await scene();
  const { delivery } = (await of("ada")).explained;
  const other = await broadcast();
  const { teamId: stranger } = await testTeam(app);
  for (const [team, broadcastId, deliveryId] of [
    [teamId, other, delivery.id],
    [teamId, id, newId()],
    [teamId, id, "nonsense"],
  ] as const) {
    expect(getRecipient(app, team, broadcastId, deliveryId)).rejects.toThrow("Recipient not found");
  }
  expect(getRecipient(app, stranger, id, delivery.id)).rejects.toThrow("Broadcast not found");
  await deleteContact(app, teamId, delivery.recipient);
  expect(await of("ada")).toMatchObject({ contactId: null, explained: { delivery: { id: delivery.id } } });
});
