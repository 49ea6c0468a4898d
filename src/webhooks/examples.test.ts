import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { createProperty } from "../contacts/properties.ts";
import { deleteContact, saveContact, updateContact } from "../contacts/save.ts";
import { createSegment } from "../contacts/segments.ts";
import { updateTopicsOf } from "../contacts/subscriptions.ts";
import { createTopic, deleteTopic, updateTopic } from "../contacts/topics.ts";
import { createDomain } from "../domains/create.ts";
import { deleteDomain } from "../domains/service.ts";
import { updateDomain } from "../domains/update.ts";
import { events } from "../events/schema.ts";
import { addSuppression } from "../suppressions/add.ts";
import { removeSuppression } from "../suppressions/remove.ts";
import { eventCatalogue } from "./catalogue.ts";
import { examplePayload } from "./examples.ts";
import { payloadOf } from "./payload.ts";

/** The names of all fields, with those of the first of each list. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== "object" || value === null) return "";
  const fields = Object.entries(value).filter(([name]) => name !== "priority"); // an MX record's alone
  return Object.fromEntries(fields.map(([name, each]) => [name, shapeOf(each)]));
}

test("what is about contacts, topics, domains and suppressions is told as its example is, field by field", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  await createProperty(app, teamId, { key: "city", type: "string" });
  const segment = await createSegment(app, teamId, { name: "All" });
  const topic = await createTopic(app, teamId, { name: "Offers", defaultSubscription: "opt_in" });
  await updateTopic(app, teamId, topic.id, { name: "News" });
  const contact = await saveContact(app, teamId, { email: "ada@example.net", segmentIds: [segment.id] });
  await updateContact(app, teamId, contact, { firstName: "Ada" });
  await updateTopicsOf(app, teamId, contact, [{ id: topic.id, subscription: "opt_out" }]);
  await deleteContact(app, teamId, contact);
  await deleteTopic(app, teamId, topic.id);
  const domain = await createDomain(app, teamId, { name: "example.com" });
  await updateDomain(app, teamId, domain.id, { openTracking: true });
  await deleteDomain(app, teamId, domain.id);
  const suppression = await addSuppression(app, teamId, "bob@example.net", {});
  await removeSuppression(app, teamId, suppression);

  const told = await app.db.select().from(events).where(eq(events.teamId, teamId));
  const names = eventCatalogue
    .flatMap((group) => group.events.map(({ name }) => name))
    .filter((name) => !name.startsWith("email.") && name !== "contact.unsubscribed");
  expect([...new Set(told.map(({ type }): string => type))].toSorted()).toEqual(names.toSorted());
  for (const event of told) {
    const payload = payloadOf({ name: event.type, event, email: null });
    expect([event.type, shapeOf(payload)]).toEqual([event.type, shapeOf(examplePayload(event.type))]);
  }
});

test("what is about an email names it, and has the object of its type", () => {
  expect(examplePayload("email.bounced")).toMatchObject({
    type: "email.bounced",
    data: {
      to: ["ada@example.net"],
      bounce: { type: "Permanent" },
      code: 550,
      tags: { category: "welcome" },
    },
  });
  expect(examplePayload("contact.unsubscribed").data).toMatchObject({ recipient: "ada@example.net" });
  expect(examplePayload("email.received").data).not.toHaveProperty("text");
  expect(examplePayload("email.inbound").data).toMatchObject({ text_body: "How much?" });
});
