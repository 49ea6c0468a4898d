import { Value } from "@sinclair/typebox/value";
import { Elysia, type Static } from "elysia";
import type { App } from "../app.ts";
import type { TopicChoice } from "../contacts/changes.ts";
import { type ContactsWanted, filterContacts } from "../contacts/filter.ts";
import { propertiesOf } from "../contacts/properties.ts";
import { getContact, getContacts, getTotals } from "../contacts/read.ts";
import { deleteContact, saveContact, updateContact } from "../contacts/save.ts";
import { listTopicsOf, updateTopicsOf } from "../contacts/subscriptions.ts";
import { Refusal } from "../errors.ts";
import { authenticated } from "./auth.ts";
import { toContact, toContactItem, toFields, toNewContact } from "./contact-answers.ts";
import { contactDataRoutes } from "./contact-data.ts";
import { contactFileRoutes } from "./contact-imports.ts";
import {
  contactAnswer,
  contactChanges,
  contactCount,
  contactCreation,
  contactDeleted,
  contactReference,
  contactsQuery,
  foundContacts,
  topicChoices,
  topicsChanged,
  topicsOfContact,
} from "./contact-schemas.ts";
import { contactSegmentRoutes } from "./contact-segments.ts";
import { shown } from "./example.ts";
import { listAnswer, pageQuery, readPage, searchAnswer, searchNote, searchPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers, requestBody } from "./openapi.ts";

export const contactRoutes = (app: App) =>
  new Elysia({ prefix: "/contacts" })
    .use(contactFileRoutes(app))
    .use(contactDataRoutes(app))
    .use(singleRoutes(app))
    .use(contactSegmentRoutes(app))
    .use(topicsRoutes(app));

const tags = ["Contacts"];

const singleRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .post(
      "",
      async ({ caller, body, set }) => {
        const id = await saveContact(app, caller.teamId, toNewContact(body));
        set.status = 201;
        return { object: "contact" as const, id };
      },
      {
        parse: "json",
        body: shown(contactCreation),
        detail: {
          summary: "Create a contact, or change the one who has the address",
          tags,
          responses: {
            201: answer("The contact; who has the address already keeps the id", contactReference),
            ...bodyErrorAnswers,
          },
        },
      },
    )
    .get(
      "",
      async ({ caller, query }) => {
        const page = readPage(query, "long");
        const filter = { segmentId: query.segment_id, search: query.search };
        const narrower = readNarrower(query);
        if (narrower || (filter.segmentId !== undefined && filter.search !== undefined)) {
          const wanted = { ...filter, ...narrower };
          const found = await filterContacts(app, caller.teamId, wanted, searchPage(page));
          return searchAnswer(found.contacts, found.next, toContactItem);
        }
        return listAnswer(await getContacts(app, caller.teamId, filter, page), page, toContactItem);
      },
      {
        query: contactsQuery,
        detail: {
          summary: "List contacts",
          description: `Newest first, up to 500 when \`limit\` is absent. With \`topic_id\` or \`unsubscribed\`, or with both \`search\` and \`segment_id\`, it is ${searchNote}`,
          tags,
          responses: { 200: answer("A page", foundContacts), ...errorAnswers },
        },
      },
    )
    .get(
      "/count",
      async ({ caller }) => ({
        object: "contact_count" as const,
        ...(await getTotals(app, caller.teamId)),
      }),
      {
        detail: {
          summary: "Count the contacts",
          tags,
          responses: { 200: answer("How many there are now", contactCount), ...errorAnswers },
        },
      },
    )
    .get(
      "/:idOrEmail",
      async ({ caller, params }) => {
        const contact = await getContact(app, caller.teamId, params.idOrEmail);
        return toContact(contact, await propertiesOf(app.db, caller.teamId));
      },
      {
        detail: {
          summary: "Get a contact by their id or address",
          tags,
          responses: { 200: answer("The contact", contactAnswer), ...errorAnswers },
        },
      },
    )
    .patch(
      "/:idOrEmail",
      async ({ caller, params, body }) => {
        const id = await updateContact(app, caller.teamId, params.idOrEmail, toFields(body));
        return { object: "contact" as const, id };
      },
      {
        parse: "json",
        body: shown(contactChanges),
        detail: {
          summary: "Change a contact",
          tags,
          responses: { 200: answer("Changed", contactReference), ...bodyErrorAnswers },
        },
      },
    )
    .delete(
      "/:idOrEmail",
      async ({ caller, params }) => {
        const contact = await deleteContact(app, caller.teamId, params.idOrEmail);
        return { object: "contact" as const, contact, deleted: true as const };
      },
      {
        detail: {
          summary: "Delete a contact",
          description:
            "With all that hangs on them. What was sent to their address stays: `DELETE /contacts/{id or email}/data` erases that too.",
          tags,
          responses: { 200: answer("Deleted", contactDeleted), ...errorAnswers },
        },
      },
    );

/** What no index narrows a list by; undefined where nothing of it is asked. */
function readNarrower({
  topic_id: id,
  subscription,
  unsubscribed,
}: Static<typeof contactsQuery>): Pick<ContactsWanted, "topic" | "unsubscribed"> | undefined {
  if (id === undefined && subscription !== undefined) {
    throw new Refusal("missing_required_field", "Missing `topic_id` field: say to which topic.");
  }
  if (id === undefined && unsubscribed === undefined) return undefined;
  return {
    ...(id !== undefined && { topic: { id, subscription: subscription ?? "opt_in" } }),
    ...(unsubscribed !== undefined && { unsubscribed: unsubscribed === "true" }),
  };
}

const topicsRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/:idOrEmail/topics",
      async ({ caller, params, query }) => {
        const page = readPage(query, "paged");
        const rows = await listTopicsOf(app, caller.teamId, params.idOrEmail, page);
        return listAnswer(rows, page, ({ id, name, description, subscription }) => ({
          ...{ id, name, description, subscription },
        }));
      },
      {
        query: pageQuery,
        detail: {
          summary: "List all topics with what a contact wants to hear of",
          tags,
          responses: { 200: answer("A page, newest first", topicsOfContact), ...errorAnswers },
        },
      },
    )
    .patch(
      "/:idOrEmail/topics",
      async ({ caller, params, body }) => {
        const topics = readChoices(body);
        const id = await updateTopicsOf(app, caller.teamId, params.idOrEmail, topics);
        return { object: "contact_topics" as const, id, contact_id: id, topics };
      },
      {
        detail: {
          summary: "Change what a contact wants to hear of",
          tags,
          requestBody: requestBody(topicChoices),
          responses: {
            200: answer("Changed; topics that are not named stay", topicsChanged),
            ...bodyErrorAnswers,
          },
        },
      },
    );

/** A bare list, or an object with the list as its `topics`. */
function readChoices(body: unknown): TopicChoice[] {
  const list = Array.isArray(body) ? body : (body as { topics?: unknown } | null)?.topics;
  if (list === undefined) throw new Refusal("missing_required_field", "Missing `topics` field.");
  if (!Value.Check(topicChoices, list)) {
    throw new Refusal(
      "validation_error",
      "Invalid `topics` field. It must be a list of 100 at most, each with the `id` of a topic and a `subscription` of `opt_in` or `opt_out`.",
    );
  }
  return list.map(({ id, subscription }) => ({ id, subscription }));
}
