import { Elysia } from "elysia";
import { h } from "preact";
import {
  type BroadcastField,
  BroadcastPreview,
  DraftPage,
  type DraftPageProps,
  ReachSummary,
} from "../../views/broadcast-draft.tsx";
import {
  BroadcastRows,
  BroadcastsPage,
  type BroadcastTab,
  broadcastTabs,
  NewBroadcastPage,
  type NewBroadcastProps,
} from "../../views/broadcasts.tsx";
import { mostNamed } from "../../views/template-edit.tsx";
import type { App } from "../app.ts";
import {
  createBroadcast,
  deleteBroadcast,
  duplicateBroadcast,
  updateBroadcast,
} from "../broadcasts/change.ts";
import { type BroadcastFields, checkChanged, checkNew } from "../broadcasts/draft.ts";
import { testBroadcast } from "../broadcasts/preview.ts";
import { reachOf } from "../broadcasts/reach.ts";
import { findBroadcastsBy, getBroadcast } from "../broadcasts/read.ts";
import type { Broadcast } from "../broadcasts/schema.ts";
import { listSegments } from "../contacts/segments.ts";
import { listTopics } from "../contacts/topics.ts";
import { listSendingDomains } from "../domains/service.ts";
import { SavedMeanwhile } from "../errors.ts";
import { isId } from "../ids.ts";
import { getPublishedTemplates } from "../templates/service.ts";
import { coursePage, coursePages } from "./broadcast-course.ts";
import { readValues, toFields, valuesOf } from "./broadcast-form.ts";
import { previewFor, readWhose } from "./broadcast-preview.ts";
import { sendPages } from "./broadcast-send.ts";
import { mailFrame, wordsFrame } from "./mail-frame.ts";
import { allMistakesOf, type Mistakes } from "./mistakes.ts";
import { linesOf } from "./template-form.ts";
import { keysetOf, seenAt, signedIn, type Visit } from "./visit.ts";

export const broadcastPages = (app: App) =>
  new Elysia({ prefix: "/broadcasts" })
    .use(listPages(app))
    .use(draftPages(app))
    .use(previewPages(app))
    .use(sendPages(app))
    .use(coursePages(app));

const place = "broadcasts" as const;
/** A choice that is longer can't be looked through. */
const mostChoices = 500;

const listPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const tab: BroadcastTab = isTab(query.state) ? query.state : "all";
      const q = query.q?.trim() ?? "";
      const filter = { statuses: broadcastTabs[tab].statuses, search: q };
      const { rows: broadcasts, next } = await findBroadcastsBy(app, visit.teamId, filter, keysetOf(query));
      const list = { tab, q, broadcasts, next, now: app.now() };
      if (visit.wantsPiece && query.after !== undefined) return visit.piece(h(BroadcastRows, list));
      return visit.page({ title: "Broadcasts", place }, h(BroadcastsPage, list));
    })
    .get("/new", ({ visit }) => {
      const values = { name: "", segmentId: "", from: "", subject: "", templateId: "" };
      return newPage(app, visit, { values, mistakes: {} });
    })
    .get("/audience", async ({ visit, query }) => {
      const { segment_id: segmentId = "", topic_id: topicId = "" } = query;
      const reach = await reachOf(app, { teamId: visit.teamId, segmentId, topicId: topicId || null });
      return visit.piece(h(ReachSummary, { reach }));
    })
    .post("", async ({ visit }) => {
      const { form } = visit;
      const values = {
        ...{ name: form.text("name"), segmentId: form.text("segment_id"), from: form.text("from") },
        ...{ subject: form.text("subject"), templateId: form.text("template_id") },
      };
      visit.act(`Created the broadcast “${values.name}”`, "");
      try {
        const made = await createBroadcast(app, visit.teamId, newFieldsOf(values));
        return visit.done(`/admin/broadcasts/${made.id}`);
      } catch (error) {
        const [segment] = await listSegments(app, visit.teamId, { limit: 1 });
        const mistakes = await allMistakesOf(error, {
          values,
          right: {
            ...{ name: { name: "" }, segment_id: { segmentId: segment?.id }, from: { from: rightFrom } },
            ...{ subject: { subject: "Subject" }, template_id: { templateId: "" } },
          },
          judge: (given) => checkNew(app, visit.teamId, newFieldsOf(given)),
        });
        return newPage(app, visit, { values, mistakes });
      }
    });

const rightFrom = "news@example.com";

const newFieldsOf = ({ templateId, segmentId, from, subject, name }: NewBroadcastProps["values"]) => ({
  name,
  ...(segmentId && { segmentId }),
  ...(from && { from }),
  ...(subject && { subject }),
  ...(templateId ? { templateId } : { html: starter }),
});

const isTab = (text: string | undefined): text is BroadcastTab =>
  text !== undefined && Object.hasOwn(broadcastTabs, text);

/** What an empty one says: something to be written over, with the way out already in it. */
const starter = `<!doctype html>
<html lang="en">
  <body style="margin: 0; background: #ffffff">
    <div style="max-width: 560px; margin: 0 auto; padding: 32px 24px; font: 16px/1.5 sans-serif; color: #16191d">
      <p style="margin: 0 0 16px">Hi {{{contact.first_name|there}}},</p>
      <p style="margin: 0 0 32px">Write here what you have to say.</p>
      <p style="margin: 0; font-size: 13px; color: #59616b">
        <a href="{{{RESEND_UNSUBSCRIBE_URL}}}" style="color: #59616b">Unsubscribe</a>
      </p>
    </div>
  </body>
</html>
`;

async function newPage(
  app: App,
  visit: Visit,
  given: Pick<NewBroadcastProps, "values" | "mistakes">,
): Promise<Response> {
  const { teamId, csrf } = visit;
  const templates = await getPublishedTemplates(app, teamId, mostChoices);
  const content = h(NewBroadcastPage, {
    ...given,
    csrf,
    segments: (await listSegments(app, teamId, { limit: mostChoices })).map(toChoice),
    templates: templates.map(toChoice),
    domains: await listSendingDomains(app, teamId, mostNamed),
  });
  const status = Object.keys(given.mistakes).length > 0 ? 422 : 200;
  return visit.page({ title: "New broadcast", place, status }, content);
}

const toChoice = ({ id, name }: { id: string; name: string }) => [id, name] as const;

const draftPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/:id", async ({ visit, params, query }) => {
      const broadcast = await getBroadcast(app, visit.teamId, params.id);
      if (broadcast.status !== "draft") return coursePage(app, visit, broadcast);
      return draftPage(app, visit, broadcast, { tested: query.tested });
    })
    .post("/:id", async ({ visit, params }) => {
      const values = readValues(visit.form);
      const path = `/admin/broadcasts/${params.id}`;
      visit.act(`Changed the broadcast “${values.name}”`);
      let seen = seenAt(visit);
      try {
        await updateBroadcast(app, visit.teamId, params.id, toFields(values), seen);
        seen = undefined; // it is theirs by now
        switch (visit.form.text("then")) {
          case "send":
            return visit.done(`${path}/send`);
          case "test": {
            visit.act(`Sent a test of the broadcast “${values.name}” to ${values.testTo}`);
            const to = linesOf(values.testTo.replaceAll(",", "\n"));
            const wish = { to, contact: values.contact || undefined };
            const { id } = await testBroadcast(app, { teamId: visit.teamId }, params.id, wish, visit.once);
            return visit.done(`${path}?tested=${id}`);
          }
          default:
            return visit.done(path, "Saved.");
        }
      } catch (error) {
        if (error instanceof SavedMeanwhile) seen = undefined; // they are told
        const broadcast = await getBroadcast(app, visit.teamId, params.id);
        const mistakes = await allMistakesOf<BroadcastField, BroadcastFields>(error, {
          ...{ values: toFields(values), right: asItWas },
          judge: (given) => checkChanged(app, visit.teamId, broadcast, given),
        });
        return draftPage(app, visit, broadcast, { values, mistakes, seen });
      }
    })
    .post("/:id/duplicate", async ({ visit, params }) => {
      visit.act("Duplicated a broadcast");
      const { id } = await duplicateBroadcast(app, visit.teamId, params.id);
      return visit.done(`/admin/broadcasts/${id}`, "This is the copy: a draft, for the same segment.");
    })
    .post("/:id/delete", async ({ visit, params }) => {
      const { name } = await getBroadcast(app, visit.teamId, params.id);
      visit.act(`Deleted the broadcast “${name}”`);
      await deleteBroadcast(app, visit.teamId, params.id);
      return visit.done("/admin/broadcasts", `The broadcast ${name} is deleted.`);
    });

/** What is not given stays as it was saved, and is right. */
const asItWas = {
  name: { name: undefined },
  segment_id: { segmentId: undefined },
  topic_id: { topicId: undefined },
  from: { from: undefined },
  reply_to: { replyTo: undefined },
  subject: { subject: undefined },
  preview_text: { previewText: undefined },
  html: { html: undefined },
  text: { text: undefined },
  messages_per_minute: { ratePerMinute: undefined },
  to: {}, // of the test
} satisfies Record<BroadcastField, Partial<BroadcastFields>>;

interface Given {
  values?: DraftPageProps["values"];
  mistakes?: Mistakes;
  seen?: Date | undefined;
  tested?: string;
}

async function draftPage(app: App, visit: Visit, broadcast: Broadcast, given: Given): Promise<Response> {
  const { teamId, csrf, user } = visit;
  const values = given.values ?? valuesOf(broadcast, user.email);
  const all = { limit: mostChoices };
  const content = h(DraftPage, {
    seen: given.seen ?? broadcast.updatedAt,
    ...{ csrf, broadcast, now: app.now(), values, mistakes: given.mistakes ?? {} },
    tested: given.tested !== undefined && isId(given.tested) ? given.tested : undefined,
    segments: withChosen((await listSegments(app, teamId, all)).map(toChoice), values.segmentId),
    topics: withChosen((await listTopics(app, teamId, all)).map(toChoice), values.topicId),
    domains: await listSendingDomains(app, teamId, mostNamed),
    preview: await previewFor(app, visit, broadcast, given.values ? toFields(values) : {}, {
      contact: values.contact || undefined,
    }),
  });
  const status = given.mistakes ? 422 : 200;
  return visit.page({ title: broadcast.name, place, status, scripts: ["editor.js"] }, content);
}

/** What was chosen stays chosen, also where it was deleted since: then that is said when it is saved. */
function withChosen(choices: (readonly [string, string])[], chosen: string) {
  if (chosen === "" || choices.some(([id]) => id === chosen)) return choices;
  return [[chosen, "What was chosen before"] as const, ...choices];
}

/** A preview is no write, but what is shown is too long for an address. */
const previewPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/:id/frame", async ({ visit, params, query }) => {
      const broadcast = await getBroadcast(app, visit.teamId, params.id);
      const preview = await previewFor(app, visit, broadcast, {}, readWhose(query));
      return frameOf(preview, false);
    })
    .post("/:id/preview", async ({ visit, params, query }) => {
      const values = readValues(visit.form);
      const broadcast = await getBroadcast(app, visit.teamId, params.id);
      const whose = readWhose({ contact: values.contact, step: query.step });
      return visit.piece(
        h(BroadcastPreview, await previewFor(app, visit, broadcast, toFields(values), whose)),
      );
    })
    .post("/:id/preview/frame", async ({ visit, params }) => {
      const values = readValues(visit.form);
      const broadcast = await getBroadcast(app, visit.teamId, params.id);
      const whose = readWhose({ contact: values.contact });
      const preview = await previewFor(app, visit, broadcast, toFields(values), whose);
      return frameOf(preview, visit.form.isTicked("pictures"));
    });

function frameOf(preview: Awaited<ReturnType<typeof previewFor>>, hasPictures: boolean): Response {
  if ("problem" in preview) return wordsFrame(preview.problem);
  if (preview.html === null) return wordsFrame("It has no HTML part: see its text.");
  return mailFrame(preview.html, { hasPictures });
}
