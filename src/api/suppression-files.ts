import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { csvAnswer } from "../csv/download.ts";
import { readCsvRows } from "../csv/rows.ts";
import { readCsvBody } from "../csv/upload.ts";
import type { RowDefaults } from "../suppressions/csv-columns.ts";
import { readExpiry } from "../suppressions/expiry.ts";
import { exportSuppressions } from "../suppressions/export.ts";
import { importSuppressions } from "../suppressions/import.ts";
import { authenticated, authenticatedUnread } from "./auth.ts";
import { answer, bodyErrorAnswers, errorAnswers } from "./openapi.ts";
import { importQuery } from "./suppression-schemas.ts";

const imported = t.Object({
  object: t.Literal("suppression_import"),
  counts: t.Object({
    total: t.Integer({ description: "Lines with anything in them." }),
    created: t.Integer(),
    existing: t.Integer({ description: "Suppressed already; these stay as they are." }),
    failed: t.Integer(),
  }),
  errors: t.Array(t.Object({ line: t.Integer(), message: t.String() }), {
    description: "The first 100 lines that could not be taken.",
  }),
});

const example =
  "email,origin,expires_at\nada@example.com,bounce,\nbob@example.com,manual,2030-08-05T11:52:01Z\n";
const csv = t.String({
  description:
    "A header with `email`, and as one likes `origin`, `source_id`, `created_at` and `expires_at`; or one address a line without a header.",
  examples: [example],
});

/** The whole list as a file, in and out. */
export const suppressionFileRoutes = (app: App) => new Elysia().use(importing(app)).use(exporting(app));

const importing = (app: App) =>
  new Elysia().use(authenticatedUnread(app, "full_access")).post(
    "/import",
    async ({ caller, query, request, server }) => {
      const { origin: reason = "manual", expires_at: expiresAt, expires_in: expiresIn } = query;
      const defaults: RowDefaults = { reason, expiresAt: readExpiry(app, { expiresAt, expiresIn }) };
      const { bytes, charset } = readCsvBody(request, app.config.server.maxBodyBytes);
      server?.timeout(request, 0); // a million lines take a minute
      const result = await importSuppressions(app, caller.teamId, readCsvRows(bytes, charset), defaults);
      return { object: "suppression_import" as const, ...result };
    },
    {
      query: importQuery,
      detail: {
        summary: "Import suppressions from a CSV file",
        tags: ["Suppressions"],
        requestBody: {
          required: true,
          content: {
            "text/csv": { schema: csv },
            "multipart/form-data": { schema: t.Object({ file: csv }) },
          },
        },
        responses: { 200: answer("What became of the lines", imported), ...bodyErrorAnswers },
      },
    },
  );

const exporting = (app: App) =>
  new Elysia().use(authenticated(app, "full_access")).get(
    "/export",
    ({ caller, request, server }) => {
      server?.timeout(request, 0); // as long as somebody reads
      return csvAnswer("suppressions.csv", exportSuppressions(app, caller.teamId));
    },
    {
      detail: {
        summary: "Export all suppressions as a CSV file",
        tags: ["Suppressions"],
        responses: {
          200: { description: "All of them, newest first", content: { "text/csv": { schema: csv } } },
          ...errorAnswers,
        },
      },
    },
  );
