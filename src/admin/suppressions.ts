import { Elysia } from "elysia";
import { h } from "preact";
import {
  ImportedPage,
  ImportPage,
  NewSuppressionPage,
  type NewSuppressionProps,
  SuppressionRows,
  SuppressionsPage,
} from "../../views/suppressions.tsx";
import type { App } from "../app.ts";
import { csvAnswer } from "../csv/download.ts";
import { readCsvRows } from "../csv/rows.ts";
import { readCsvForm } from "../csv/upload.ts";
import { Refusal } from "../errors.ts";
import { addSuppression } from "../suppressions/add.ts";
import { type ExpiryWish, readExpiry } from "../suppressions/expiry.ts";
import { exportSuppressions } from "../suppressions/export.ts";
import { type ImportResult, importSuppressions } from "../suppressions/import.ts";
import { getSuppression, getSuppressions, searchSuppressions } from "../suppressions/read.ts";
import { removeSuppression } from "../suppressions/remove.ts";
import { type Suppression, type SuppressionReason, suppressionReasons } from "../suppressions/schema.ts";
import { mistakesOf } from "./mistakes.ts";
import { readMoment } from "./moment.ts";
import { keysetOf, signedIn, sliceOf, type Visit } from "./visit.ts";

const place = "suppressions";
const path = "/admin/suppressions";
const rowsPerPage = 50;

export const suppressionPages = (app: App) =>
  new Elysia({ prefix: "/suppressions" })
    .use(filePages(app))
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const search = { prefix: query.prefix?.trim() ?? "", reason: readReason(query.reason) };
      const { rows, next } = await findPage(app, visit, query, search);
      const asked = {
        ...(search.prefix && { prefix: search.prefix }),
        ...(search.reason && { reason: search.reason }),
      };
      const list = {
        suppressions: rows,
        nextHref:
          next === undefined ? undefined : `${path}?${new URLSearchParams({ ...asked, after: next })}`,
        ...{ now: app.now(), csrf: visit.csrf },
      };
      if (visit.wantsPiece && query.after !== undefined) return visit.piece(h(SuppressionRows, list));
      const shown = { prefix: search.prefix, reason: search.reason ?? "" };
      return visit.page({ title: "Suppressions", place }, h(SuppressionsPage, { ...list, search: shown }));
    })
    .get("/new", ({ visit }) =>
      newPage(visit, { values: { email: "", reason: "manual", expiresIn: "", expiresAt: "" }, mistakes: {} }),
    )
    .post("", async ({ visit }) => {
      const { form } = visit;
      const values = {
        email: form.text("email"),
        reason: form.text("reason"),
        expiresIn: form.text("expires_in"),
        expiresAt: form.text("expires_at"),
      };
      visit.act(`Suppressed ${values.email}`, "");
      try {
        const expiry = expiryOf(values.expiresIn, values.expiresAt);
        await addSuppression(app, visit.teamId, values.email, expiry, readReason(values.reason));
        return visit.done(path, "The address is suppressed. One that was already keeps its reason.");
      } catch (error) {
        return newPage(
          visit,
          { values, mistakes: mistakesOf(error, ["email", "expires_in", "expires_at"]) },
          422,
        );
      }
    })
    .post("/:id/remove", async ({ visit, params }) => {
      const { address } = await getSuppression(app, visit.teamId, params.id);
      visit.act(`Took ${address} off the suppressions`);
      await removeSuppression(app, visit.teamId, params.id);
      return visit.done(path, `${address} is sent to again.`);
    });

/** A time that was written counts instead of what is chosen beside it. */
function expiryOf(expiresIn: string | undefined, expiresAt: string | undefined): ExpiryWish {
  const at = readMoment("expires_at", expiresAt);
  return at ? { expiresAt: at.toISOString() } : { expiresIn: expiresIn || undefined };
}

/** Newest first; by address where somebody looks for one. */
async function findPage(
  app: App,
  { teamId }: Visit,
  query: Record<string, string | undefined>,
  { prefix, reason }: { prefix: string; reason: SuppressionReason | undefined },
): Promise<{ rows: Suppression[]; next: string | undefined }> {
  if (prefix !== "") {
    const reasons = reason && [reason];
    return searchSuppressions(app, teamId, { prefix, reasons, after: query.after, limit: rowsPerPage });
  }
  const page = keysetOf(query, rowsPerPage);
  return sliceOf(await getSuppressions(app, teamId, reason && [reason], page), page);
}

/** The whole list as a file, in and out. */
const filePages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/export", ({ visit, request, server }) => {
      server?.timeout(request, 0); // as long as somebody reads
      return csvAnswer("suppressions.csv", exportSuppressions(app, visit.teamId));
    })
    .get("/import", ({ visit }) => importPage(visit))
    .post("/import", async ({ visit, request, server }) => {
      server?.timeout(request, 0); // a million lines take a minute
      visit.act("Imported suppressions from a file");
      try {
        const result = await takeImport(app, visit);
        return visit.page({ title: "Imported", place }, h(ImportedPage, result));
      } catch (error) {
        return importPage(visit, mistakesOf(error, []).form);
      }
    });

/** Takes the form of an import as it comes; what counts for all lines stands before the file. */
async function takeImport(app: App, { request, teamId }: Visit): Promise<ImportResult> {
  const fields: Record<string, string> = {};
  for await (const { name, content, charset } of readCsvForm(request, app.config.server.maxBodyBytes)) {
    if (name !== "file") {
      fields[name] = await readField(content);
      continue;
    }
    const reason = readReason(fields.reason) ?? "manual";
    const expiresAt = readExpiry(app, expiryOf(fields.expires_in, fields.expires_at));
    return importSuppressions(app, teamId, readCsvRows(content, charset), { reason, expiresAt });
  }
  throw new Refusal("missing_required_field", "Choose a file.");
}

const longestField = 1_000;

async function readField(content: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const piece of content) {
    text += Buffer.from(piece).toString("latin1");
    if (text.length > longestField) throw new Refusal("validation_error", "A field of the form is too long.");
  }
  return text;
}

const importPage = (visit: Visit, mistake?: string) =>
  visit.page(
    { title: "Import suppressions", place, status: mistake === undefined ? 200 : 422 },
    h(ImportPage, { csrf: visit.csrf, mistake }),
  );

function newPage(visit: Visit, props: Omit<NewSuppressionProps, "csrf">, status = 200) {
  return visit.page(
    { title: "Add an address", place, status },
    h(NewSuppressionPage, { csrf: visit.csrf, ...props }),
  );
}

const readReason = (text: string | undefined): SuppressionReason | undefined =>
  suppressionReasons.find((each) => each === text);
