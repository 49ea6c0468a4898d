import { Elysia } from "elysia";
import { h } from "preact";
import {
  ImportPage,
  ImportProgress,
  ImportRows,
  ImportsPage,
  MapImportPage,
  type MapValues,
  NewImportPage,
} from "../../views/contact-imports.tsx";
import type { App } from "../app.ts";
import type { ImportFields } from "../contacts/import-options.ts";
import {
  beginImport,
  type Column,
  discardImport,
  type ImportPreview,
  keyFor,
  previewImport,
  uploadImport,
} from "../contacts/import-steps.ts";
import { errorLines, getImport, IncomingFile, listErrors, listImports } from "../contacts/imports.ts";
import { propertiesOf } from "../contacts/properties.ts";
import { propertyPrefix } from "../contacts/rules.ts";
import { type ContactImport, type PropertyType, propertyTypes } from "../contacts/schema.ts";
import { getSegment, listStatic } from "../contacts/segments.ts";
import { listTopics } from "../contacts/topics.ts";
import { csvAnswer } from "../csv/download.ts";
import { readCsvForm } from "../csv/upload.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { type Mistakes, mistakesOf } from "./mistakes.ts";
import { keysetOf, signedIn, sliceOf, type Visit } from "./visit.ts";

const mostChoices = 200;
/** Of the rows that could not be taken, as many as a page shows; all of them are in the file. */
const mostErrors = 20;
const title = "Imports";
const place = "contacts" as const;

export const contactImportPages = (app: App) =>
  new Elysia({ prefix: "/contacts/imports" }).use(takingPages(app)).use(onePages(app));

const takingPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const page = keysetOf(query);
      const { rows, next } = sliceOf(await listImports(app, visit.teamId, undefined, page), page);
      const list = { imports: rows, next, now: app.now() };
      if (visit.wantsPiece) return visit.piece(h(ImportRows, list));
      return visit.page({ title, place }, h(ImportsPage, list));
    })
    .get("/new", ({ visit, query }) => newPage(app, visit, query.segment))
    .post("", async ({ visit, query, request, server }) => {
      server?.timeout(request, 0); // a large file takes its time
      visit.act("Uploaded a file of contacts", "");
      try {
        const { id } = await upload(app, visit.teamId, request);
        const to = isId(query.segment ?? "") ? `?segment=${query.segment}` : "";
        return visit.done(`/admin/contacts/imports/${id}${to}`);
      } catch (error) {
        return newPage(app, visit, query.segment, mistakesOf(error, ["file"]));
      }
    });

/** The file of the form, as it comes. */
async function upload(app: App, teamId: string, request: Request): Promise<ContactImport> {
  let file: IncomingFile | undefined;
  let charset: string | undefined;
  let size = 0;
  try {
    for await (const part of readCsvForm(request, app.config.server.maxImportBytes)) {
      if (part.name !== "file" || file) continue;
      file = await IncomingFile.open(app);
      charset = part.charset;
      for await (const chunk of part.content) {
        size += chunk.length;
        await file.write(chunk);
      }
    }
    if (!file || size === 0)
      throw new Refusal("missing_required_field", "Choose a `file` that is not empty.");
    return await uploadImport(app, teamId, file, charset);
  } finally {
    await file?.discard();
  }
}

const onePages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/:id", async ({ visit, params, query }) => {
      const row = await getImport(app, visit.teamId, params.id);
      if (row.status === "uploaded") {
        const preview = await previewImport(app, row);
        return mapPage(app, visit, row, preview, suggestedValues(preview, query.segment ?? ""));
      }
      const errors = await listErrors(app, row.id);
      const props = { csrf: visit.csrf, row, now: app.now(), errors: errors.slice(0, mostErrors) };
      const isGoingOn = row.completedAt === null;
      return visit.page(
        { title, place, ...(isGoingOn && { live: `/admin/contacts/imports/${row.id}/live` }) },
        h(ImportPage, props),
      );
    })
    .get("/:id/live", async ({ visit, params }) => {
      const { id } = await getImport(app, visit.teamId, params.id);
      return visit.live(async () => {
        const row = await getImport(app, visit.teamId, id);
        return { progress: h(ImportProgress, { row, now: app.now() }) };
      });
    })
    .get("/:id/errors", async ({ visit, params }) => {
      const { id } = await getImport(app, visit.teamId, params.id);
      return csvAnswer("import-errors.csv", errorLines(await listErrors(app, id)));
    })
    .post("/:id/begin", async ({ visit, params }) => {
      const row = await getImport(app, visit.teamId, params.id);
      if (row.status !== "uploaded") return visit.done(`/admin/contacts/imports/${row.id}`);
      const preview = await previewImport(app, row);
      const values = valuesOf(visit, preview);
      visit.act("Began an import of contacts");
      try {
        await beginImport(app, visit.teamId, row.id, await fieldsOf(app, visit, preview, values));
      } catch (error) {
        return mapPage(app, visit, row, preview, values, mistakesOf(error, []));
      }
      return visit.done(
        `/admin/contacts/imports/${row.id}`,
        "The import has begun. You may leave this page.",
      );
    })
    .post("/:id/discard", async ({ visit, params }) => {
      visit.act("Took back a file of contacts");
      await discardImport(app, visit.teamId, params.id);
      return visit.done("/admin/contacts/imports", "The file is gone, and nothing of it was taken.");
    });

async function newPage(
  app: App,
  visit: Visit,
  segmentId: string | undefined,
  mistakes: Mistakes = {},
): Promise<Response> {
  const segment = isId(segmentId ?? "") ? await getSegment(app, visit.teamId, segmentId!) : undefined;
  const maxBytes = app.config.server.maxImportBytes;
  return visit.page(
    { title: "Import contacts", place, status: Object.keys(mistakes).length > 0 ? 422 : 200 },
    h(NewImportPage, { csrf: visit.csrf, segment, mistakes, maxBytes }),
  );
}

async function mapPage(
  app: App,
  visit: Visit,
  row: ContactImport,
  preview: ImportPreview,
  values: MapValues,
  mistakes: Mistakes = {},
): Promise<Response> {
  const [definitions, segments, topics] = await Promise.all([
    propertiesOf(app.db, visit.teamId),
    listStatic(app, visit.teamId, mostChoices),
    listTopics(app, visit.teamId, { limit: mostChoices - 1 }),
  ]);
  return visit.page(
    { title: "Import contacts", place, status: Object.keys(mistakes).length > 0 ? 422 : 200 },
    h(MapImportPage, {
      ...{ csrf: visit.csrf, row, preview, values, mistakes, segments, topics },
      definitions: [...definitions.values()],
    }),
  );
}

const suggestedValues = ({ columns }: ImportPreview, segmentId: string): MapValues => ({
  columns: columns.map(({ field = "" }) => field),
  ...{
    onConflict: "upsert",
    resubscribes: false,
    segmentIds: segmentId === "" ? [] : [segmentId],
    topicIds: [],
  },
});

const valuesOf = ({ form }: Visit, { columns }: ImportPreview): MapValues => ({
  columns: columns.map((_, at) => form.text(`column.${at}`)),
  onConflict: form.text("on_conflict"),
  resubscribes: form.isTicked("resubscribe"),
  segmentIds: form.list("segment"),
  topicIds: form.list("topic"),
});

/** What the form says, as the API takes it. A column of `new.` and a type becomes a property called after it. */
async function fieldsOf(
  app: App,
  visit: Visit,
  { columns }: ImportPreview,
  values: MapValues,
): Promise<ImportFields> {
  const definitions = await propertiesOf(app.db, visit.teamId);
  const map: Record<string, string> = {};
  const leftOut = { first_name: "", last_name: "", unsubscribed: "" };
  const properties: Record<string, { column: string; type: PropertyType }> = {};
  for (const [at, column] of columns.entries()) {
    const field = values.columns[at] ?? "";
    if (field === "") continue;
    if (field.startsWith(propertyPrefix) || field.startsWith("new.")) {
      const { key, type } = propertyOf(column, field, definitions);
      if (Object.hasOwn(properties, key)) throw twice(key);
      properties[key] = { column: column.name, type };
    } else {
      if (Object.hasOwn(map, field)) throw twice(field);
      map[field] = column.name;
    }
  }
  if (map.email === undefined) {
    throw new Refusal("validation_error", "Say which column has the email addresses.");
  }
  const topics = values.topicIds.map((id) => ({ id, subscription: "opt_in" }));
  return {
    column_map: JSON.stringify({ ...leftOut, ...map, properties }),
    on_conflict: values.onConflict,
    ...(values.resubscribes && { resubscribe: "true" }),
    segments: JSON.stringify(values.segmentIds),
    topics: JSON.stringify(topics),
  };
}

function propertyOf(column: Column, field: string, definitions: Map<string, { type: PropertyType }>) {
  if (field.startsWith(propertyPrefix)) {
    const key = field.slice(propertyPrefix.length);
    return { key, type: definitions.get(key)?.type ?? ("string" as const) };
  }
  const type = propertyTypes.find((each) => field === `new.${each}`) ?? "string";
  const key = keyFor(column.name);
  if (key !== "") return { key, type };
  throw new Refusal(
    "validation_error",
    `No key can be made of the column “${column.name.slice(0, 50)}”: create a property for it first.`,
  );
}

const twice = (field: string) =>
  new Refusal("validation_error", `Two columns are “${field.slice(0, 50)}”: choose one of them.`);
