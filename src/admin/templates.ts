import { Elysia } from "elysia";
import { h } from "preact";
import { mostNamed, type TemplateField, TemplatePage, TemplatePreview } from "../../views/template-edit.tsx";
import { VersionPage, VersionRows, VersionsPage } from "../../views/template-versions.tsx";
import {
  NewTemplatePage,
  type NewTemplateProps,
  TemplateRows,
  TemplatesPage,
} from "../../views/templates.tsx";
import type { App } from "../app.ts";
import { listSendingDomains } from "../domains/service.ts";
import { sendEmail } from "../emails/send.ts";
import { Refusal, SavedMeanwhile } from "../errors.ts";
import { isId } from "../ids.ts";
import type { TemplateInput } from "../templates/content.ts";
import { type PreviewWish, previewTemplate } from "../templates/preview.ts";
import {
  changeTemplate,
  checkTemplateChange,
  createTemplate,
  duplicateTemplate,
  findTemplatesBy,
  getTemplateNow,
  publishTemplate,
  removeTemplate,
} from "../templates/service.ts";
import { getVersion, getVersions, restoreVersion } from "../templates/versions.ts";
import { mailFrame, wordsFrame } from "./mail-frame.ts";
import { allMistakesOf, inWords, type Mistakes, mistakesOf } from "./mistakes.ts";
import { linesOf, readValues, toInput, toTrials, valuesOf } from "./template-form.ts";
import { keysetOf, seenAt, signedIn, sliceOf, type Visit } from "./visit.ts";

export const templatePages = (app: App) =>
  new Elysia({ prefix: "/templates" })
    .use(listPages(app))
    .use(editPages(app))
    .use(previewPages(app))
    .use(versionPages(app));

const place = "templates" as const;

const listPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const q = query.q?.trim() ?? "";
      const found = await findTemplatesBy(app, visit.teamId, q, keysetOf(query));
      const list = { templates: found.rows, next: found.next, q, now: app.now() };
      if (visit.wantsPiece && query.after !== undefined) return visit.piece(h(TemplateRows, list));
      return visit.page({ title: "Templates", place }, h(TemplatesPage, list));
    })
    .get("/new", ({ visit }) => newPage(visit, { values: { name: "", alias: "" }, mistakes: {} }))
    .post("", async ({ visit }) => {
      const values = { name: visit.form.text("name"), alias: visit.form.text("alias") };
      visit.act(`Created the template “${values.name}”`, "");
      try {
        const { id } = await createTemplate(app, visit.teamId, {
          ...{ name: values.name, alias: values.alias || null, html: starter },
        });
        return visit.done(`/admin/templates/${id}`);
      } catch (error) {
        return newPage(visit, { values, mistakes: mistakesOf(error, ["name", "alias"]) });
      }
    });

function newPage(visit: Visit, { values, mistakes }: Pick<NewTemplateProps, "values" | "mistakes">) {
  const status = Object.keys(mistakes).length > 0 ? 422 : 200;
  const content = h(NewTemplatePage, { csrf: visit.csrf, values, mistakes });
  return visit.page({ title: "New template", place, status }, content);
}

/** What a new one says: a message that every mail program shows well, to be written over. */
const starter = `<!doctype html>
<html lang="en">
  <body style="margin: 0; background: #ffffff">
    <div style="max-width: 560px; margin: 0 auto; padding: 32px 24px; font: 16px/1.5 sans-serif; color: #16191d">
      <h1 style="margin: 0 0 16px; font-size: 22px">Hello {{{NAME|there}}}</h1>
      <p style="margin: 0 0 16px">Write here what you have to say.</p>
    </div>
  </body>
</html>
`;

const editPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/:id", ({ visit, params, query }) => editPage(app, visit, params.id, { tested: query.tested }))
    .post("/:id", async ({ visit, params }) => {
      const values = readValues(visit.form);
      const path = `/admin/templates/${params.id}`;
      visit.act(`Changed the template “${values.name}”`);
      let seen = seenAt(visit);
      try {
        await changeTemplate(app, visit.teamId, params.id, toInput(values), seen);
        seen = undefined; // it is theirs by now
        switch (visit.form.text("then")) {
          case "publish":
            visit.act(`Published the template “${values.name}”`);
            await publishTemplate(app, visit.teamId, params.id);
            return visit.done(path, "Saved and published: this is what is sent from now on.");
          case "test": {
            visit.act(`Sent a test of the template “${values.name}” to ${values.testTo}`);
            const { id } = await sendTest(app, visit, params.id, values);
            return visit.done(`${path}?tested=${id}`);
          }
          default:
            return visit.done(path, "Saved.");
        }
      } catch (error) {
        if (error instanceof SavedMeanwhile) seen = undefined; // they are told
        const before = await getTemplateNow(app, visit.teamId, params.id);
        const mistakes = await allMistakesOf<TemplateField, TemplateInput>(error, {
          ...{ values: toInput(values), right: asItWas },
          judge: async (input) => checkTemplateChange(input, before, app.now()),
        });
        return editPage(app, visit, params.id, { values, mistakes, seen });
      }
    })
    .post("/:id/duplicate", async ({ visit, params }) => {
      visit.act("Duplicated a template");
      const { id } = await duplicateTemplate(app, visit.teamId, params.id);
      return visit.done(`/admin/templates/${id}`, "This is the copy: a draft without an alias.");
    })
    .post("/:id/delete", async ({ visit, params }) => {
      const { template } = await getTemplateNow(app, visit.teamId, params.id);
      visit.act(`Deleted the template “${template.name}”`);
      await removeTemplate(app, visit.teamId, params.id);
      return visit.done("/admin/templates", `The template ${template.name} is deleted.`);
    });

/** What is not given stays as it was saved, and is right. */
const asItWas: Record<TemplateField, Partial<TemplateInput>> = {
  name: { name: undefined },
  alias: { alias: undefined },
  description: { description: undefined },
  from: { from: undefined },
  subject: { subject: undefined },
  reply_to: { replyTo: undefined },
  html: { html: undefined },
  text: { text: undefined },
  variables: { variables: undefined },
  to: {}, // of the test
};

function sendTest(app: App, visit: Visit, id: string, values: ReturnType<typeof readValues>) {
  const to = linesOf(values.testTo.replaceAll(",", "\n"));
  return sendEmail(
    app,
    { teamId: visit.teamId },
    {
      ...{ to, cc: [], bcc: [], replyTo: [], headers: {}, tags: [], attachments: [] },
      template: { id, variables: toTrials(values), isTest: true },
    },
    visit.once,
  );
}

interface Given {
  values?: ReturnType<typeof readValues>;
  mistakes?: Mistakes;
  seen?: Date | undefined;
  tested?: string;
}

async function editPage(app: App, visit: Visit, id: string, { values, mistakes, seen, tested }: Given) {
  const now = await getTemplateNow(app, visit.teamId, id);
  const shown = values ?? valuesOf(now, visit.user.email);
  const wish = { variables: toTrials(shown), ...(values && { edit: toInput(values) }) };
  const content = h(TemplatePage, {
    seen: seen ?? now.template.updatedAt,
    ...{ csrf: visit.csrf, template: now.template, now: app.now(), values: shown, mistakes: mistakes ?? {} },
    tested: tested !== undefined && isId(tested) ? tested : undefined,
    domains: await listSendingDomains(app, visit.teamId, mostNamed),
    preview: await previewFor(app, visit, id, wish),
  });
  const status = mistakes ? 422 : 200;
  return visit.page({ title: now.template.name, place, status, scripts: ["editor.js"] }, content);
}

/** What is said above a preview; what is there and can't be shown says why. */
async function previewFor(app: App, visit: Visit, id: string, wish: PreviewWish) {
  try {
    return await previewTemplate(app, visit.teamId, id, wish);
  } catch (error) {
    if (error instanceof Refusal && error.code !== "not_found") return { problem: inWords(error.message) };
    throw error;
  }
}

/** A preview is no write, but what is shown is too long for an address. */
const previewPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/:id/frame", async ({ visit, params, query }) => {
      const wish = { variables: {}, versionId: query.version };
      return mailFrame((await previewTemplate(app, visit.teamId, params.id, wish)).html);
    })
    .post("/:id/preview", async ({ visit, params }) => {
      const preview = await previewFor(app, visit, params.id, wishOf(visit));
      return visit.piece(h(TemplatePreview, preview));
    })
    .post("/:id/preview/frame", async ({ visit, params }) => {
      const preview = await previewFor(app, visit, params.id, wishOf(visit));
      if ("problem" in preview) return wordsFrame(preview.problem);
      return mailFrame(preview.html, { hasPictures: visit.form.isTicked("pictures") });
    });

function wishOf(visit: Visit): PreviewWish {
  const values = readValues(visit.form);
  return { variables: toTrials(values), edit: toInput(values) };
}

const versionPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/:id/versions", async ({ visit, params, query }) => {
      const page = keysetOf(query);
      const { template, versions } = await getVersions(app, visit.teamId, params.id, page);
      const { rows, next } = sliceOf(versions, page);
      const list = { template, versions: rows, next, now: app.now() };
      if (visit.wantsPiece) return visit.piece(h(VersionRows, list));
      return visit.page({ title: `Versions of ${template.name}`, place }, h(VersionsPage, list));
    })
    .get("/:id/versions/:versionId", async ({ visit, params }) => {
      const { template, version } = await getVersion(app, visit.teamId, params.id, params.versionId);
      const preview = await previewFor(app, visit, params.id, { variables: {}, versionId: version.id });
      return visit.page(
        { title: `Version ${version.number} of ${template.name}`, place },
        h(VersionPage, { csrf: visit.csrf, template, version, preview }),
      );
    })
    .post("/:id/versions/:versionId/restore", async ({ visit, params }) => {
      const { template, version } = await getVersion(app, visit.teamId, params.id, params.versionId);
      visit.act(`Restored version ${version.number} of the template “${template.name}”`, template.id);
      await restoreVersion(app, visit.teamId, params.id, params.versionId);
      return visit.done(
        `/admin/templates/${template.id}`,
        `It says again what version ${version.number} said.`,
      );
    });
