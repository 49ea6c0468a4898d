import { expect, test } from "bun:test";
import { toldOf } from "../../test/support/audience.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { newId } from "../ids.ts";
import { listSegmentsOf, setMembership } from "./members.ts";
import { createProperty, deleteProperty } from "./properties.ts";
import { getContact, getContacts } from "./read.ts";
import { deleteContact, saveContact, updateContact } from "./save.ts";
import { createSegment, deleteSegment, getSegment } from "./segments.ts";
import { findTotals } from "./store.ts";
import { listTopicsOf, updateTopicsOf } from "./subscriptions.ts";
import { createTopic } from "./topics.ts";

const all = { limit: undefined };

eachTransport((_, open) => {
  const start = async () => {
    const app = await testApp({ transport: await open() });
    return { app, ...(await testTeam(app)) };
  };

  test("a contact is one however the address is written, found by it and by the id", async () => {
    const { app, teamId } = await start();
    const id = await saveContact(app, teamId, { email: "Ada.Lovelace@Example.COM", firstName: " Ada " });
    expect(await saveContact(app, teamId, { email: "ada.lovelace@example.com" })).toBe(id);
    const known = {
      id,
      email: "ada.lovelace@example.com",
      firstName: "Ada",
      lastName: null,
      unsubscribed: false,
    };
    expect(await getContact(app, teamId, id)).toMatchObject(known);
    expect(await getContact(app, teamId, "ADA.lovelace@example.com")).toMatchObject(known);
    const { teamId: others } = await testTeam(app, "Others");
    await expect(getContact(app, others, id)).rejects.toThrow("Contact not found");
    expect(await saveContact(app, others, { email: "ada.lovelace@example.com" })).not.toBe(id);
  });

  test("what is said of a contact again is changed, and what is not said stays", async () => {
    const { app, teamId } = await start();
    await createProperty(app, teamId, { key: "plan", type: "string" });
    await createProperty(app, teamId, { key: "seats", type: "number" });
    const email = "ada@example.com";
    await saveContact(app, teamId, { email, firstName: "Ada", properties: { plan: "pro", seats: 3 } });
    await saveContact(app, teamId, { email, lastName: "L", unsubscribed: true, properties: { seats: null } });
    expect(await getContact(app, teamId, email)).toMatchObject({
      ...{ firstName: "Ada", lastName: "L", unsubscribed: true, properties: { plan: "pro" } },
    });
    await updateContact(app, teamId, email, {
      firstName: null,
      unsubscribed: false,
      properties: { plan: "x" },
    });
    const changed = await getContact(app, teamId, email);
    expect(changed).toMatchObject({ firstName: null, lastName: "L", unsubscribed: false });
    expect(changed.properties).toEqual({ plan: "x" });
  });

  test("a contact's events are told when something happened, with all that webhooks want", async () => {
    const { app, teamId } = await start();
    const segment = await createSegment(app, teamId, { name: "News" });
    const email = "ada@example.com";
    const id = await saveContact(app, teamId, { email, firstName: "Ada", segmentIds: [segment.id] });
    app.clock.advance(1_000);
    await saveContact(app, teamId, { email, firstName: "Ada" }); // changes nothing
    await updateContact(app, teamId, id, { unsubscribed: true });
    await deleteContact(app, teamId, id);
    const created = {
      ...{
        id,
        audience_id: segment.id,
        segment_ids: [segment.id],
        email,
        first_name: "Ada",
        last_name: null,
      },
      ...{
        created_at: "2026-03-01T12:00:00.000Z",
        updated_at: "2026-03-01T12:00:00.000Z",
        unsubscribed: false,
      },
    };
    const updated = { ...created, updated_at: "2026-03-01T12:00:01.000Z", unsubscribed: true };
    const told = await toldOf(app, teamId, "contact.%");
    expect(told).toEqual([
      ["contact.created", created],
      ["contact.updated", updated],
      ["contact.deleted", updated],
    ]);
  });

  test("a contact that goes takes memberships, choices and activity along", async () => {
    const { app, teamId } = await start();
    const segment = await createSegment(app, teamId, { name: "News" });
    const topic = await createTopic(app, teamId, { name: "Offers", defaultSubscription: "opt_in" });
    const topics = [{ id: topic.id, subscription: "opt_out" as const }];
    const id = await saveContact(app, teamId, { email: "ada@example.com", segmentIds: [segment.id], topics });
    expect(await getSegment(app, teamId, segment.id)).toMatchObject({ members: 1 });
    await deleteContact(app, teamId, id);
    expect(await getSegment(app, teamId, segment.id)).toMatchObject({ members: 0 });
    expect(await app.db.values(`select * from contact_topics`)).toEqual([]);
    expect(await findTotals(app.db, teamId)).toEqual({ total: 0, unsubscribed: 0 });
  });

  test("how many contacts there are is kept, and how many of them are unsubscribed", async () => {
    const { app, teamId } = await start();
    await saveContact(app, teamId, { email: "ada@example.com", unsubscribed: true });
    await saveContact(app, teamId, { email: "bob@example.com" });
    await saveContact(app, teamId, { email: "bob@example.com", unsubscribed: true });
    await updateContact(app, teamId, "ada@example.com", { unsubscribed: false });
    expect(await findTotals(app.db, teamId)).toEqual({ total: 2, unsubscribed: 1 });
  });

  test("members come and go, each change told once", async () => {
    const { app, teamId } = await start();
    const segment = await createSegment(app, teamId, { name: "News" });
    const id = await saveContact(app, teamId, { email: "ada@example.com" });
    for (const isMember of [true, true, false, false]) {
      app.clock.advance(1_000);
      await setMembership(app, teamId, id, segment.id, isMember);
      const [first] = await listSegmentsOf(app, teamId, id, all);
      expect(first?.id).toBe(isMember ? segment.id : undefined);
      const found = await getContacts(app, teamId, { segmentId: segment.id }, all);
      expect(found.map((each) => each.id)).toEqual(isMember ? [id] : []);
    }
    const told = await toldOf(app, teamId, "contact.updated");
    expect(told.map(([, { segment_ids }]) => segment_ids)).toEqual([[segment.id], []]);
  });

  test("nobody is put into another team's segment or a dynamic one", async () => {
    const { app, teamId } = await start();
    const { teamId: others } = await testTeam(app, "Others");
    const theirs = await createSegment(app, others, { name: "Theirs" });
    const rules = { all: [{ field: "email", operator: "contains", value: "a" }] };
    const dynamic = await createSegment(app, teamId, { name: "Dynamic", rules });
    const id = await saveContact(app, teamId, { email: "ada@example.com" });
    await expect(setMembership(app, teamId, id, theirs.id, true)).rejects.toThrow("Audience not found");
    await expect(setMembership(app, teamId, id, dynamic.id, true)).rejects.toThrow("dynamic");
    const wish = { email: "bob@example.com", segmentIds: [theirs.id] };
    await expect(saveContact(app, teamId, wish)).rejects.toThrow("Audience not found");
    await deleteSegment(app, teamId, theirs.id);
    expect(await getSegment(app, others, theirs.id)).toMatchObject({ name: "Theirs" });
  });

  test("topics hold by default, or by what a contact said; only changes are told", async () => {
    const { app, teamId } = await start();
    const joined = await createTopic(app, teamId, { name: "Joined", defaultSubscription: "opt_out" });
    const left = await createTopic(app, teamId, { name: "Left", defaultSubscription: "opt_in" });
    const id = await saveContact(app, teamId, { email: "ada@example.com" });
    const holds = async () => (await listTopicsOf(app, teamId, id, all)).map((each) => each.subscription);
    expect(await holds()).toEqual(["opt_in", "opt_out"]);
    const choices = [
      { id: left.id, subscription: "opt_out" as const },
      { id: joined.id, subscription: "opt_in" as const },
    ];
    await updateTopicsOf(app, teamId, id, choices);
    await updateTopicsOf(app, teamId, id, choices.slice(0, 1));
    expect(await holds()).toEqual(["opt_out", "opt_in"]);
    expect(await toldOf(app, teamId, "contact.topics.updated")).toEqual([
      ["contact.topics.updated", { email: "ada@example.com", topics: choices }],
    ]);
    await expect(updateTopicsOf(app, teamId, id, [{ id: newId(), subscription: "opt_in" }])).rejects.toThrow(
      "Topic not found",
    );
  });

  test("a property that is deleted is in no contact, and its key is free", async () => {
    const { app, teamId } = await start();
    const id = await createProperty(app, teamId, { key: "plan", type: "string" });
    await saveContact(app, teamId, { email: "ada@example.com", properties: { plan: "pro" } });
    await expect(createProperty(app, teamId, { key: "plan", type: "number" })).rejects.toThrow(
      "exists already",
    );
    await deleteProperty(app, teamId, id);
    expect((await getContact(app, teamId, "ada@example.com")).properties).toEqual({});
    await createProperty(app, teamId, { key: "plan", type: "number" });
  });

  test("two that save one address at once make one contact", async () => {
    const { app, teamId } = await start();
    const ids = await Promise.all(
      Array.from({ length: 5 }, (_, n) =>
        saveContact(app, teamId, { email: "ada@example.com", firstName: `${n}` }),
      ),
    );
    expect(new Set(ids).size).toBe(1);
    expect(await toldOf(app, teamId, "contact.created")).toHaveLength(1);
  });
});
