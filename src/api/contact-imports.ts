import { Elysia, t } from "elysia";
import type { App } from "../app.ts";
import { exportContacts } from "../contacts/export.ts";
import type { ImportFields } from "../contacts/import-options.ts";
import { beginImport, discardImport, previewImport, uploadImport } from "../contacts/import-steps.ts";
import {
  errorLines,
  getImport,
  IncomingFile,
  listErrors,
  listImports,
  startImport,
} from "../contacts/imports.ts";
import type { ContactImport } from "../contacts/schema.ts";
import { csvAnswer } from "../csv/download.ts";
import type { FormPart } from "../csv/multipart.ts";
import { readCsvForm } from "../csv/upload.ts";
import { Refusal } from "../errors.ts";
import { authenticated, authenticatedUnread } from "./auth.ts";
import { toImport } from "./contact-answers.ts";
import {
  exportQuery,
  importAnswer,
  importBegin,
  importDeleted,
  importForm,
  importList,
  importPreview,
  importReference,
  importsQuery,
} from "./contact-schemas.ts";
import { shown } from "./example.ts";
import { listAnswer, readPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers } from "./openapi.ts";

/** Contacts as files, in and out. */
export const contactFileRoutes = (app: App) =>
  new Elysia().use(importing(app)).use(reading(app)).use(steps(app)).use(exporting(app));

const tags = ["Contacts"];

const importing = (app: App) =>
  new Elysia().use(authenticatedUnread(app, "full_access")).post(
    "/imports",
    async ({ caller, request, server, set }) => {
      server?.timeout(request, 0); // a large file takes its time
      const { id } = await takeImport(app, caller.teamId, request);
      set.status = 201;
      return { object: "contact_import" as const, id };
    },
    {
      detail: {
        summary: "Import contacts from a CSV file",
        description: "The file is worked on afterwards: ask for the import to see how far it is.",
        tags,
        requestBody: { required: true, content: { "multipart/form-data": { schema: importForm } } },
        responses: { 201: answer("The file is on disk", importReference), ...bodyErrorAnswers },
      },
    },
  );

/** Takes the form of an import: the file as it comes, its other fields before or behind it. */
export async function takeImport(
  app: App,
  teamId: string,
  request: Request,
  more: { segmentId?: string } = {},
): Promise<ContactImport> {
  let file: IncomingFile | undefined;
  let charset: string | undefined;
  const fields: ImportFields = {};
  let begin = "true";
  try {
    for await (const part of readCsvForm(request, app.config.server.maxImportBytes)) {
      if (part.name === "file" && !file) {
        file = await IncomingFile.open(app);
        charset = part.charset;
        for await (const chunk of part.content) await file.write(chunk);
      } else if (isField(part.name)) {
        fields[part.name] = await readField(part);
      } else if (part.name === "begin") {
        begin = (await readField(part)).trim();
      }
    }
    if (!file) throw new Refusal("missing_required_field", "Missing `file` field.");
    if (more.segmentId !== undefined) fields.segments = JSON.stringify([more.segmentId]);
    if (begin === "false") return await uploadImport(app, teamId, file, charset);
    if (begin !== "true")
      throw new Refusal("validation_error", 'Invalid `begin` field. Allowed: "true", "false".');
    return await startImport(app, teamId, file, fields, charset);
  } finally {
    await file?.discard();
  }
}

const fieldNames = ["column_map", "on_conflict", "resubscribe", "segments", "topics"] as const;
const isField = (name: string): name is keyof ImportFields => fieldNames.some((each) => each === name);

const longestField = 64 * 1024;

async function readField({ name, content }: FormPart): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of content) {
    length += piece.length;
    if (length > longestField)
      throw new Refusal("validation_error", `Invalid \`${name}\` field. It is too long.`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

const reading = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/imports",
      async ({ caller, query }) => {
        const page = readPage(query, "paged");
        return listAnswer(await listImports(app, caller.teamId, query.status, page), page, toImport);
      },
      {
        query: importsQuery,
        detail: {
          summary: "List imports",
          description: "Those of the last 30 days.",
          tags,
          responses: { 200: answer("A page, newest first", importList), ...errorAnswers },
        },
      },
    )
    .get(
      "/imports/:id",
      async ({ caller, params }) => toImport(await getImport(app, caller.teamId, params.id)),
      {
        detail: {
          summary: "Get an import, and how far it is",
          tags,
          responses: { 200: answer("The import", importAnswer), ...errorAnswers },
        },
      },
    )
    .get(
      "/imports/:id/errors",
      async ({ caller, params }) => {
        const { id } = await getImport(app, caller.teamId, params.id);
        return csvAnswer("import-errors.csv", errorLines(await listErrors(app, id)));
      },
      {
        detail: {
          summary: "Get the rows of an import that could not be taken, as a CSV file",
          tags,
          responses: {
            200: {
              description: "The first 10,000, in the order of the file",
              content: { "text/csv": { schema: t.String({ examples: ['line,message\r\n3,"…"\r\n'] }) } },
            },
            ...errorAnswers,
          },
        },
      },
    );

/** The form has them as text. */
const asText = (value: unknown): string | undefined =>
  value === undefined ? undefined : JSON.stringify(value);

/** For a file that was sent with `begin=false`. */
const steps = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/imports/:id/preview",
      async ({ caller, params }) => {
        const row = await getImport(app, caller.teamId, params.id);
        const { columns, rows } = await previewImport(app, row);
        return {
          object: "contact_import_preview" as const,
          id: row.id,
          columns: columns.map(({ name, field }) => ({ name, field: field ?? null })),
          rows,
        };
      },
      {
        detail: {
          summary: "See the columns and the first rows of a file that is to be imported",
          description: "While the file is kept: up to the end of its import.",
          tags,
          responses: { 200: answer("What is in the file", importPreview), ...errorAnswers },
        },
      },
    )
    .post(
      "/imports/:id/begin",
      async ({ caller, params, body }) => {
        const { id } = await beginImport(app, caller.teamId, params.id, {
          column_map: asText(body.column_map),
          on_conflict: body.on_conflict,
          resubscribe: body.resubscribe === undefined ? undefined : String(body.resubscribe),
          segments: asText(body.segments),
          topics: asText(body.topics),
        });
        return { object: "contact_import" as const, id };
      },
      {
        parse: "json",
        body: shown(importBegin),
        detail: {
          summary: "Begin an import whose file was sent with `begin` as `false`",
          tags,
          responses: { 200: answer("It has begun", importReference), ...bodyErrorAnswers },
        },
      },
    )
    .delete(
      "/imports/:id",
      async ({ caller, params }) => {
        await discardImport(app, caller.teamId, params.id);
        return { object: "contact_import" as const, id: params.id, deleted: true as const };
      },
      {
        detail: {
          summary: "Take back a file whose import was never begun",
          tags,
          responses: { 200: answer("The file is gone", importDeleted), ...errorAnswers },
        },
      },
    );

const exporting = (app: App) =>
  new Elysia().use(authenticated(app, "full_access")).get(
    "/export",
    async ({ caller, query, request, server }) => {
      server?.timeout(request, 0); // as long as somebody reads
      return csvAnswer("contacts.csv", await exportContacts(app, caller.teamId, query.segment_id));
    },
    {
      query: exportQuery,
      detail: {
        summary: "Export contacts as a CSV file",
        tags,
        responses: {
          200: {
            description: "All of them, newest first, with a column for each property",
            content: {
              "text/csv": {
                schema: t.String({
                  examples: [
                    "email,first_name,last_name,unsubscribed,created_at\r\nada@example.com,Ada,,false,2026-03-01T12:00:00.000Z\r\n",
                  ],
                }),
              },
            },
          },
          ...errorAnswers,
        },
      },
    },
  );
