import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { App } from "../app.ts";
import { pageOfSegment } from "../contacts/audience.ts";
import { getNumberedContacts, removeFromAudience } from "../contacts/audiences.ts";
import { exportContacts } from "../contacts/export.ts";
import { getImport } from "../contacts/imports.ts";
import { propertiesOf } from "../contacts/properties.ts";
import { getContact } from "../contacts/read.ts";
import { saveContact, updateContact } from "../contacts/save.ts";
import type { ContactImport } from "../contacts/schema.ts";
import { getSegment, getStatic } from "../contacts/segments.ts";
import { csvAnswer } from "../csv/download.ts";
import { authenticated, authenticatedUnread } from "./auth.ts";
import { toContact, toContactItem, toFields, toNewContact } from "./contact-answers.ts";
import { takeImport } from "./contact-imports.ts";
import {
  contactAnswer,
  contactChanges,
  contactCreation,
  contactDeleted,
  contactItem,
  contactList,
  importForm,
} from "./contact-schemas.ts";
import { shown } from "./example.ts";
import { listAnswer, readPage } from "./list.ts";
import { askedNumbers, numberedAnswer, numberedPageQuery } from "./numbered.ts";
import { answer, bodyErrorAnswers, errorAnswers } from "./openapi.ts";

const tags = ["Audiences"];
const written = Type.Object({ object: Type.Literal("contact"), ...contactItem });

const importStatuses = {
  uploaded: "pending",
  queued: "pending",
  in_progress: "processing",
  completed: "completed",
  failed: "failed",
} as const;
const status = Type.Union(Object.values(importStatuses).map((each) => Type.Literal(each)));
const jobId = Type.String({ format: "uuid" });
const rows = Type.Integer();
const job = Type.Object({
  id: jobId,
  status,
  total_rows: rows,
  processed_rows: rows,
  created_rows: rows,
  updated_rows: rows,
  skipped_rows: rows,
  failed_rows: rows,
  error: Type.Union([Type.String({ examples: ["CSV missing required email column"] }), Type.Null()]),
  created_at: Type.String({ format: "date-time" }),
});

/** The contacts of one audience. */
export const audienceContactRoutes = (app: App) =>
  new Elysia().use(importing(app)).use(fileRoutes(app)).use(contactRoutes(app));

const contactRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .post(
      "/:id/contacts",
      async ({ caller, params, body, set }) => {
        const audience = await getStatic(app, caller.teamId, params.id);
        const id = await saveContact(app, caller.teamId, toNewContact(body, audience.id));
        set.status = 201;
        return toWritten(app, caller.teamId, id);
      },
      {
        parse: "json",
        body: shown(contactCreation),
        detail: {
          summary: "Put a contact into an audience",
          tags,
          responses: {
            201: answer("The contact; who has the address already keeps the id", written),
            ...bodyErrorAnswers,
          },
        },
      },
    )
    .get(
      "/:id/contacts",
      async ({ caller, params, query }) => {
        const { teamId } = caller;
        const numbers = askedNumbers(query);
        if (numbers) {
          const { contacts, total } = await getNumberedContacts(app, teamId, params.id, numbers);
          return numberedAnswer(contacts, total, numbers, toContactItem);
        }
        const page = readPage(query, "long");
        const audience = await getSegment(app, teamId, params.id);
        return listAnswer(await pageOfSegment(app, audience, page), page, toContactItem);
      },
      {
        query: numberedPageQuery,
        detail: {
          summary: "List the contacts of an audience",
          description:
            "Up to 500 when `limit` is absent. With `page` or `per_page` as the original MailIt listed them.",
          tags,
          responses: { 200: answer("A page, newest first", contactList), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id/contacts/:idOrEmail",
      async ({ caller, params }) => {
        const contact = await getContact(app, caller.teamId, params.idOrEmail, params.id);
        return toContact(contact, await propertiesOf(app.db, caller.teamId));
      },
      {
        detail: {
          summary: "Get a contact of an audience",
          tags,
          responses: { 200: answer("The contact", contactAnswer), ...errorAnswers },
        },
      },
    )
    .patch(
      "/:id/contacts/:idOrEmail",
      async ({ caller, params, body }) => {
        const id = await updateContact(app, caller.teamId, params.idOrEmail, toFields(body), params.id);
        return toWritten(app, caller.teamId, id);
      },
      {
        parse: "json",
        body: shown(contactChanges),
        detail: {
          summary: "Change a contact of an audience",
          tags,
          responses: { 200: answer("The contact", written), ...bodyErrorAnswers },
        },
      },
    )
    .delete(
      "/:id/contacts/:idOrEmail",
      async ({ caller, params }) => {
        await removeFromAudience(app, caller.teamId, params.id, params.idOrEmail);
        return { object: "contact" as const, contact: params.idOrEmail, deleted: true as const };
      },
      {
        detail: {
          summary: "Take a contact out of an audience",
          description: "Who is in no other audience or segment is deleted.",
          tags,
          responses: { 200: answer("They are not in it any more", contactDeleted), ...errorAnswers },
        },
      },
    );

const toWritten = async (app: App, teamId: string, id: string) => ({
  object: "contact" as const,
  ...toContactItem(await getContact(app, teamId, id)),
});

const importing = (app: App) =>
  new Elysia().use(authenticatedUnread(app, "full_access")).post(
    "/:id/contacts/import",
    async ({ caller, params, request, server, set }) => {
      const { id: segmentId } = await getStatic(app, caller.teamId, params.id);
      server?.timeout(request, 0); // a large file takes its time
      const row = await takeImport(app, caller.teamId, request, { segmentId });
      set.status = 202;
      return { job_id: row.id, status: importStatuses[row.status], total_rows: row.total };
    },
    {
      detail: {
        summary: "Import contacts into an audience from a CSV file",
        tags,
        requestBody: { required: true, content: { "multipart/form-data": { schema: importForm } } },
        responses: {
          202: answer(
            "The file is on disk; its rows are counted as they are read",
            Type.Object({ job_id: jobId, status, total_rows: rows }),
          ),
          ...bodyErrorAnswers,
        },
      },
    },
  );

const fileRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/:id/contacts/import/:jobId",
      async ({ caller, params }) => {
        await getSegment(app, caller.teamId, params.id);
        return toJob(await getImport(app, caller.teamId, params.jobId));
      },
      {
        detail: {
          summary: "Get an import into an audience",
          tags,
          responses: { 200: answer("How far it is", job), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id/contacts/export",
      async ({ caller, params, request, server }) => {
        server?.timeout(request, 0); // as long as somebody reads
        return csvAnswer("contacts.csv", await exportContacts(app, caller.teamId, params.id));
      },
      {
        detail: {
          summary: "Export the contacts of an audience as a CSV file",
          tags,
          responses: {
            200: {
              description: "All of them, newest first",
              content: { "text/csv": { schema: t.String({ examples: ["email\r\nada@example.com\r\n"] }) } },
            },
            ...errorAnswers,
          },
        },
      },
    );

const toJob = ({
  id,
  status,
  total,
  created,
  updated,
  skipped,
  failed,
  problem,
  createdAt,
}: ContactImport) => ({
  id,
  status: importStatuses[status],
  total_rows: total,
  processed_rows: total,
  created_rows: created,
  updated_rows: updated,
  skipped_rows: skipped,
  failed_rows: failed,
  error: problem,
  created_at: createdAt.toISOString(),
});
