import { Elysia } from "elysia";
import type { App } from "../app.ts";
import type { Template } from "../templates/schema.ts";
import {
  changeTemplate,
  createTemplate,
  duplicateTemplate,
  findTemplatesBy,
  findTemplatesPlace,
  getTemplateNow,
  getTemplates,
  publishTemplate,
  removeTemplate,
  type TemplateNow,
} from "../templates/service.ts";
import { authenticated } from "./auth.ts";
import { shown } from "./example.ts";
import { listAnswer, readPage, searchAnswer, searchNote, searchPage } from "./list.ts";
import { askedNumbers, numberedList, numberedNote, numberedSearchNote } from "./numbered.ts";
import { answer, bodyErrorAnswers, errorAnswers } from "./openapi.ts";
import { toInput } from "./template-input.ts";
import {
  change,
  creation,
  listQuery,
  reference,
  removed,
  templateAnswer,
  templateList,
} from "./template-schemas.ts";
import { templateTrialRoutes } from "./template-trials.ts";
import { templateVersionRoutes, toContent } from "./template-versions.ts";

const tags = ["Templates"];

/** Templates, by id or alias. */
export const templateRoutes = (app: App) =>
  new Elysia({ prefix: "/templates" })
    .use(wholeRoutes(app))
    .use(singleRoutes(app))
    .use(templateVersionRoutes(app))
    .use(templateTrialRoutes(app));

const wholeRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .post(
      "",
      async ({ caller, body, set }) => {
        const { name, html } = body;
        const { id } = await createTemplate(app, caller.teamId, { ...toInput(body), name, html });
        set.status = 201;
        return toReference(id);
      },
      {
        parse: "json",
        body: shown(creation),
        detail: {
          summary: "Make a template",
          description: "It is a draft: it can be sent once it is published.",
          tags,
          responses: { 201: answer("The draft", reference), ...bodyErrorAnswers },
        },
      },
    )
    .get(
      "",
      async ({ caller, query }) => {
        const { search } = query;
        const numbers = askedNumbers(query);
        if (numbers) {
          return numberedList(
            numbers,
            () => findTemplatesPlace(app, caller.teamId, numbers, search),
            (page) => getTemplates(app, caller.teamId, page, search),
            toItem,
          );
        }
        const page = readPage(query, "paged");
        if (search !== undefined) {
          const { rows, next } = await findTemplatesBy(app, caller.teamId, search, searchPage(page));
          return searchAnswer(rows, next, toItem);
        }
        return listAnswer(await getTemplates(app, caller.teamId, page), page, toItem);
      },
      {
        query: listQuery,
        detail: {
          summary: "List and search templates",
          description: `With \`search\` it is ${searchNote} ${numberedNote} ${numberedSearchNote}`,
          tags,
          responses: { 200: answer("A page, newest first", templateList), ...errorAnswers },
        },
      },
    );

const singleRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/:id",
      async ({ caller, params }) => toAnswer(await getTemplateNow(app, caller.teamId, params.id)),
      {
        detail: {
          summary: "Get a template, as it is edited now",
          tags,
          responses: { 200: answer("The template", templateAnswer), ...errorAnswers },
        },
      },
    )
    .patch(
      "/:id",
      async ({ caller, params, body }) => {
        const { id } = await changeTemplate(app, caller.teamId, params.id, toInput(body));
        return toReference(id);
      },
      {
        parse: "json",
        body: shown(change),
        detail: {
          summary: "Change a template",
          description: "What is absent stays. What is sent does not change before it is published.",
          tags,
          responses: { 200: answer("Changed", reference), ...bodyErrorAnswers },
        },
      },
    )
    .delete(
      "/:id",
      async ({ caller, params }) => {
        const id = await removeTemplate(app, caller.teamId, params.id);
        return { ...toReference(id), deleted: true };
      },
      {
        detail: {
          summary: "Delete a template with its versions",
          description: "Emails that were accepted, scheduled ones among them, keep what they say.",
          tags,
          responses: { 200: answer("Deleted", removed), ...errorAnswers },
        },
      },
    )
    .post(
      "/:id/publish",
      async ({ caller, params }) => {
        const { id } = await publishTemplate(app, caller.teamId, params.id);
        return toReference(id);
      },
      {
        detail: {
          summary: "Publish a template: what it says now is sent from now on",
          tags,
          responses: { 200: answer("Published", reference), ...errorAnswers },
        },
      },
    )
    .post(
      "/:id/duplicate",
      async ({ caller, params }) => {
        const { id } = await duplicateTemplate(app, caller.teamId, params.id);
        return toReference(id);
      },
      {
        detail: {
          summary: "Make a draft that says the same",
          tags,
          responses: { 200: answer("The new draft", reference), ...errorAnswers },
        },
      },
    );

const toReference = (id: string) => ({ object: "template" as const, id });

function toItem({ id, name, alias, publishedVersionId, publishedAt, createdAt, updatedAt }: Template) {
  return {
    id,
    name,
    status: publishedVersionId === null ? ("draft" as const) : ("published" as const),
    published_at: publishedAt?.toISOString() ?? null,
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
    alias,
  };
}

function toAnswer({ template, version }: TemplateNow) {
  const isPublished = template.publishedVersionId === version.id;
  return {
    object: "template" as const,
    ...toItem(template),
    description: template.description,
    current_version_id: version.id,
    has_unpublished_versions: !isPublished,
    published: isPublished,
    ...toContent(version),
  };
}
