import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { Elysia } from "elysia";
import { h } from "preact";
import { ContactPage, type ContactPageProps } from "../../views/contact.tsx";
import { type ContactValues, NewContactPage } from "../../views/contact-form.tsx";
import {
  ContactList,
  ContactRows,
  type ContactsFilter,
  type ContactsListProps,
  ContactsPage,
} from "../../views/contacts.tsx";
import type { App } from "../app.ts";
import { getBroadcastsTo } from "../broadcasts/person.ts";
import { exportContacts } from "../contacts/export.ts";
import { type ContactsWanted, filterContacts } from "../contacts/filter.ts";
import { listDynamicOf, setMembership } from "../contacts/members.ts";
import { getPerson } from "../contacts/person.ts";
import { propertiesOf } from "../contacts/properties.ts";
import { getContact, getTotals } from "../contacts/read.ts";
import { deleteContact, saveContact, updateContact } from "../contacts/save.ts";
import type { Contact, ContactProperty } from "../contacts/schema.ts";
import { listSegments, listStatic } from "../contacts/segments.ts";
import { updateTopicsOf } from "../contacts/subscriptions.ts";
import { listTopics } from "../contacts/topics.ts";
import { csvAnswer } from "../csv/download.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { besideField, type Mistakes, mistakesOf } from "./mistakes.ts";
import { readTyped, shownValue } from "./typed-value.ts";
import { keysetOf, signedIn, type Visit } from "./visit.ts";

const perPage = 50;
/** How many segments and topics one chooses from: the newest. */
const mostChoices = 200;

type Query = Record<string, string | undefined>;

export const contactPages = (app: App) =>
  new Elysia({ prefix: "/contacts" }).use(listPages(app)).use(onePages(app));

const listPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const filter = filterOf(query);
      const list = await listOf(app, visit, filter, query);
      if (query.after !== undefined && visit.wantsPiece) return visit.piece(h(ContactRows, list));
      if (visit.wantsPiece) return visit.piece(h(ContactList, list));
      const [segments, topics, totals] = await Promise.all([
        listSegments(app, visit.teamId, { limit: mostChoices - 1 }),
        listTopics(app, visit.teamId, { limit: mostChoices - 1 }),
        getTotals(app, visit.teamId),
      ]);
      return visit.page(
        { title: "Contacts", place: "contacts" },
        h(ContactsPage, { list, segments, topics, totals }),
      );
    })
    .get("/export", async ({ visit, query, request, server }) => {
      server?.timeout(request, 0); // as long as somebody reads
      return csvAnswer("contacts.csv", await exportContacts(app, visit.teamId, query.segment || undefined));
    })
    .get("/new", ({ visit, query }) =>
      newPage(app, visit, { ...noValues, email: query.email ?? "", segmentId: query.segment ?? "" }),
    )
    .post("", async ({ visit }) => {
      const definitions = await propertiesOf(app.db, visit.teamId);
      const values = valuesOf(visit, definitions);
      visit.act(`Added the contact ${values.email}`, "");
      try {
        const id = await saveContact(app, visit.teamId, {
          ...givenOf(inputOf(values, definitions)), // who is there already keeps what is left empty
          email: values.email,
          segmentIds: values.segmentId ? [values.segmentId] : [],
        });
        return visit.done(`/admin/contacts/${id}`, `${values.email} is one of your contacts.`);
      } catch (error) {
        return newPage(app, visit, values, contactMistakes(error));
      }
    });

const onePages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/:id", async ({ visit, params }) => {
      const contact = await getContact(app, visit.teamId, params.id);
      return contactPage(app, visit, contact);
    })
    .post("/:id", async ({ visit, params }) => {
      const contact = await getContact(app, visit.teamId, params.id);
      const definitions = await propertiesOf(app.db, visit.teamId);
      const values = valuesOf(visit, definitions);
      visit.act(`Changed the contact ${contact.email}`);
      try {
        const input = changedOf(inputOf(values, definitions), values, readShown(visit));
        await updateContact(app, visit.teamId, contact.id, input);
      } catch (error) {
        return contactPage(app, visit, contact, { ...values, email: contact.email }, contactMistakes(error));
      }
      return visit.done(`/admin/contacts/${contact.id}`, "Saved.");
    })
    .post("/:id/subscription", async ({ visit, params }) => {
      const { id, email } = await getContact(app, visit.teamId, params.id);
      const unsubscribed = visit.form.text("unsubscribed") === "true";
      visit.act(`${unsubscribed ? "Unsubscribed" : "Subscribed"} the contact ${email}`);
      await updateContact(app, visit.teamId, id, { unsubscribed });
      return visit.done(
        `/admin/contacts/${id}`,
        unsubscribed ? "No broadcast goes to them any more." : "Broadcasts go to them again.",
      );
    })
    .post("/:id/topics", async ({ visit, params }) => {
      const { id, email } = await getContact(app, visit.teamId, params.id);
      const wanted = new Set(visit.form.list("topic"));
      const choices = visit.form.list("shown").map((topicId) => ({
        ...{ id: topicId, subscription: wanted.has(topicId) ? ("opt_in" as const) : ("opt_out" as const) },
      }));
      visit.act(`Changed the topics of ${email}`);
      await updateTopicsOf(app, visit.teamId, id, await differing(app, visit, id, choices));
      return visit.done(`/admin/contacts/${id}`, "Their topics are saved.");
    })
    .post("/:id/segments", async ({ visit, params }) => {
      const { id, email } = await getContact(app, visit.teamId, params.id);
      visit.act(`Put ${email} into a segment`);
      await setMembership(app, visit.teamId, id, visit.form.text("segment"), true);
      return visit.done(`/admin/contacts/${id}`, "They are in the segment.");
    })
    .post("/:id/segments/:segmentId/remove", async ({ visit, params }) => {
      const { id, email } = await getContact(app, visit.teamId, params.id);
      visit.act(`Took ${email} out of a segment`);
      await setMembership(app, visit.teamId, id, params.segmentId, false);
      return visit.done(`/admin/contacts/${id}`, "They are not in the segment any more.");
    })
    .post("/:id/delete", async ({ visit, params }) => {
      const { id, email } = await getContact(app, visit.teamId, params.id);
      visit.act(`Deleted the contact ${email}`);
      await deleteContact(app, visit.teamId, id);
      return visit.done("/admin/contacts", `${email} is deleted.`);
    });

/** What was said before need not be said again: a topic's default stays one. */
async function differing<Choice extends { id: string; subscription: string }>(
  app: App,
  visit: Visit,
  contactId: string,
  choices: Choice[],
): Promise<Choice[]> {
  const { topics } = await getPerson(
    app,
    visit.teamId,
    (await getContact(app, visit.teamId, contactId)).email,
  );
  const now = new Map<string, string>(topics.map(({ id, subscription }) => [id, subscription]));
  return choices.filter(({ id, subscription }) => now.get(id) !== subscription);
}

function filterOf({ q = "", segment = "", topic = "", status = "" }: Query): ContactsFilter {
  return { q: q.trim().slice(0, 254), segment, topic, status };
}

function wantedOf({ q, segment, topic, status }: ContactsFilter): ContactsWanted {
  const [how, topicId = ""] = topic.split(":");
  return {
    ...(q && { search: q }),
    ...(isId(segment) && { segmentId: segment }),
    ...(isId(topicId) && { topic: { id: topicId, subscription: how === "out" ? "opt_out" : "opt_in" } }),
    ...(status === "subscribed" && { unsubscribed: false }),
    ...(status === "unsubscribed" && { unsubscribed: true }),
  };
}

async function listOf(
  app: App,
  visit: Visit,
  filter: ContactsFilter,
  query: Query,
): Promise<ContactsListProps> {
  const page = { ...keysetOf(query), limit: perPage };
  const { contacts, next } = await filterContacts(app, visit.teamId, wantedOf(filter), page);
  const isFiltered = Object.values(filter).some(Boolean);
  return { contacts, next, filter, isFiltered, now: app.now() };
}

const noValues: ContactValues = { email: "", firstName: "", lastName: "", properties: {}, segmentId: "" };
const named = "property.";

function valuesOf({ form }: Visit, definitions: Map<string, ContactProperty>): ContactValues {
  return {
    ...{ email: form.text("email"), firstName: form.text("first_name"), lastName: form.text("last_name") },
    segmentId: form.text("segment"),
    properties: Object.fromEntries([...definitions.keys()].map((key) => [key, form.text(named + key)])),
  };
}

const inputOf = (values: ContactValues, definitions: Map<string, ContactProperty>) => ({
  firstName: values.firstName || null,
  lastName: values.lastName || null,
  properties: Object.fromEntries(
    [...definitions.values()].map(({ key, type }) => [key, readTyped(type, values.properties[key] ?? "")]),
  ),
});

const givenOf = ({ firstName, lastName, properties }: ReturnType<typeof inputOf>) => ({
  ...(firstName !== null && { firstName }),
  ...(lastName !== null && { lastName }),
  properties: Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== null)),
});

/** What a contact's page showed when it was opened; nothing where that can't be read. */
function readShown({ form }: Visit): Partial<ContactValues> {
  try {
    return Value.Decode(shownValues, JSON.parse(form.raw("shown")));
  } catch {
    return {};
  }
}

const shownValues = Type.Partial(
  Type.Object({
    firstName: Type.String(),
    lastName: Type.String(),
    properties: Type.Record(Type.String(), Type.String()),
  }),
);

/** Of what a form holds only what was changed in it: the rest may say something else by now, and keeps that. */
const changedOf = (
  { firstName, lastName, properties }: ReturnType<typeof inputOf>,
  values: ContactValues,
  shown: Partial<ContactValues>,
) => ({
  ...(values.firstName !== shown.firstName && { firstName }),
  ...(values.lastName !== shown.lastName && { lastName }),
  properties: Object.fromEntries(
    Object.entries(properties).filter(
      ([key]) => !shown.properties || values.properties[key] !== (shown.properties[key] ?? ""),
    ),
  ),
});

/** A mistake in a property is said beside its field. */
function contactMistakes(error: unknown): Mistakes {
  const key = error instanceof Refusal ? /`properties\.(\w+)`/.exec(error.message)?.[1] : undefined;
  if (key === undefined) return mistakesOf(error, ["email", "first_name", "last_name"]);
  return { [named + key]: besideField((error as Refusal).message) } as Mistakes;
}

async function newPage(
  app: App,
  visit: Visit,
  values: ContactValues,
  mistakes: Mistakes = {},
): Promise<Response> {
  const [definitions, segments] = await Promise.all([
    propertiesOf(app.db, visit.teamId),
    listStatic(app, visit.teamId, mostChoices),
  ]);
  return visit.page(
    { title: "Add a contact", place: "contacts", status: Object.keys(mistakes).length > 0 ? 422 : 200 },
    h(NewContactPage, {
      ...{ csrf: visit.csrf, values, mistakes, segments },
      definitions: [...definitions.values()],
    }),
  );
}

async function contactPage(
  app: App,
  visit: Visit,
  contact: Contact,
  values: ContactValues = valuesOfContact(contact),
  mistakes: Mistakes = {},
): Promise<Response> {
  const { teamId } = visit;
  const [person, definitions, dynamic, choices, broadcasts] = await Promise.all([
    getPerson(app, teamId, contact.email),
    propertiesOf(app.db, teamId),
    listDynamicOf(app, contact),
    listStatic(app, teamId, mostChoices),
    getBroadcastsTo(app, contact),
  ]);
  const isIn = new Set(person.segments.map(({ id }) => id));
  const props: ContactPageProps = {
    ...{ csrf: visit.csrf, contact, values, mistakes, dynamic, broadcasts, now: app.now() },
    shown: visit.form.raw("shown") || JSON.stringify(valuesOfContact(contact)),
    ...{ segments: person.segments, topics: person.topics.slice(0, mostChoices) },
    ...{ activity: person.activity, suppression: person.suppression },
    definitions: [...definitions.values()],
    choices: choices.filter(({ id }) => !isIn.has(id)),
  };
  return visit.page(
    { title: contact.email, place: "contacts", status: Object.keys(mistakes).length > 0 ? 422 : 200 },
    h(ContactPage, props),
  );
}

const valuesOfContact = ({ email, firstName, lastName, properties }: Contact): ContactValues => ({
  ...{ email, firstName: firstName ?? "", lastName: lastName ?? "", segmentId: "" },
  properties: Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, shownValue(value)])),
});
