import { Elysia } from "elysia";
import type { App } from "../app.ts";
import type { Template, TemplateContent } from "../templates/schema.ts";
import type { VersionSummary } from "../templates/store.ts";
import { getVersion, getVersions, restoreVersion } from "../templates/versions.ts";
import { authenticated } from "./auth.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, errorAnswers } from "./openapi.ts";
import { restored, versionAnswer, versionList } from "./template-schemas.ts";

const tags = ["Templates"];

/** What a template said before. */
export const templateVersionRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/:id/versions",
      async ({ caller, params, query }) => {
        const page = readPage(query, "paged");
        const { template, versions } = await getVersions(app, caller.teamId, params.id, page);
        return listAnswer(versions, page, (version) => toItem(template, version));
      },
      {
        query: pageQuery,
        detail: {
          summary: "List a template's versions",
          description: "The last 100, and the one that is published.",
          tags,
          responses: { 200: answer("A page, newest first, without bodies", versionList), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id/versions/:versionId",
      async ({ caller, params }) => {
        const { template, version } = await getVersion(app, caller.teamId, params.id, params.versionId);
        return {
          object: "template_version" as const,
          template_id: template.id,
          ...toItem(template, version),
          ...toContent(version),
        };
      },
      {
        detail: {
          summary: "Get a version of a template",
          tags,
          responses: { 200: answer("What it said", versionAnswer), ...errorAnswers },
        },
      },
    )
    .post(
      "/:id/versions/:versionId/restore",
      async ({ caller, params }) => {
        const { id, versionId } = await restoreVersion(app, caller.teamId, params.id, params.versionId);
        return { object: "template" as const, id, current_version_id: versionId };
      },
      {
        detail: {
          summary: "Have a template say what it said then",
          description: "In a version of its own, to be published like any other.",
          tags,
          responses: { 200: answer("Restored", restored), ...errorAnswers },
        },
      },
    );

function toItem(template: Template, { id, number, subject, publishedAt, createdAt }: VersionSummary) {
  return {
    id,
    number,
    is_current: template.currentVersionId === id,
    is_published: template.publishedVersionId === id,
    subject,
    published_at: publishedAt?.toISOString() ?? null,
    created_at: createdAt.toISOString(),
  };
}

/** What a version says, in the contract's words. */
export function toContent({ sender, subject, replyTo, html, text, variables }: TemplateContent) {
  return { from: sender, subject, reply_to: replyTo.length > 0 ? replyTo : null, html, text, variables };
}
