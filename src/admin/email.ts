/** One email: all that is known of it, and what one can do about it. */
import { Elysia } from "elysia";
import { h, type JSX } from "preact";
import { recipientPath } from "../../views/broadcast-recipient.tsx";
import { EmailPage, EmailState } from "../../views/email.tsx";
import { ReschedulePage, SharePage } from "../../views/email-acts.tsx";
import { type ComposedProps, HeadersTab, HtmlTab, RawTab, RemovedTab } from "../../views/email-content.tsx";
import { Timeline } from "../../views/email-timeline.tsx";
import { Files, MailText } from "../../views/parts/message.tsx";
import type { App } from "../app.ts";
import { getMessage, hasMessage } from "../delivery/composed.ts";
import { bounceQueue, type QueueResult, resumeQueue, retryQueue } from "../delivery/queue.ts";
import { explainDeliveries } from "../delivery/read.ts";
import { commandOf } from "../delivery/schema.ts";
import { findDomain } from "../domains/store.ts";
import { getAttachments } from "../emails/attachments.ts";
import { getEmail, getEmailWithText } from "../emails/read.ts";
import { resendEmail } from "../emails/resend.ts";
import { readSchedule } from "../emails/schedule.ts";
import { cancelEmail, rescheduleEmail } from "../emails/scheduled.ts";
import { shareEmail } from "../emails/share.ts";
import type { EmailWithContent } from "../emails/store.ts";
import { listAttachments, listDeliveries } from "../emails/store.ts";
import { Refusal } from "../errors.ts";
import { listDeeds, listEventsOf } from "../events/read.ts";
import { isId } from "../ids.ts";
import { withPictures } from "../inbound/pictures.ts";
import { findKey } from "../keys/store.ts";
import { hasRemotePictures } from "../mail/remote-pictures.ts";
import { leadTo } from "./answer.ts";
import { composedFor } from "./composed.ts";
import { fileAnswer, pathOf } from "./file.ts";
import { mailDocument } from "./mail-document.ts";
import { headerFields, rawText } from "./message-text.ts";
import { mistakesOf } from "./mistakes.ts";
import { keysetOf, signedIn, sliceOf, type Visit } from "./visit.ts";

type Query = Record<string, string | undefined>;

export const oneEmailPages = (app: App) =>
  new Elysia({ prefix: "/emails" }).use(tabs(app)).use(files(app)).use(acts(app)).use(queueActs(app));

const tabs = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/:id", async ({ visit, params, query }) => {
      const email = await getEmail(app, visit.teamId, params.id);
      if (email.broadcastId !== null) return leadTo(`/admin/broadcasts/${email.broadcastId}`);
      const timeline = await timelineOf(app, visit, email, query);
      const isNewest = query.after === undefined && query.events === undefined;
      const live = isNewest ? `/admin/emails/${email.id}/live` : undefined;
      return emailPage(app, visit, email, "", timeline, live);
    })
    .get("/:id/live", async ({ visit, params }) => {
      const { id } = await getEmail(app, visit.teamId, params.id);
      return visit.live(async () => {
        const email = await getEmail(app, visit.teamId, id);
        return {
          "email-state": h(EmailState, { email }),
          timeline: await timelineOf(app, visit, email, {}),
        };
      });
    })
    .get("/:id/html", async ({ visit, params, query }) => {
      const email = await getEmail(app, visit.teamId, params.id);
      const { id, html } = email;
      const path = `/admin/emails/${id}/html`;
      const showsPictures = query.pictures === "1";
      const frame = html
        ? { src: `${path}/document`, path, hasRemotePictures: hasRemotePictures(html), showsPictures }
        : undefined;
      return emailPage(app, visit, email, "/html", h(HtmlTab, { frame }));
    })
    .get("/:id/html/document", async ({ visit, params, query }) => {
      const { id, html } = await getEmail(app, visit.teamId, params.id);
      if (!html) throw new Refusal("not_found", "This email has no HTML.");
      const attached = (await listAttachments(app.db, id)).map((row) => ({
        ...row,
        contentType: row.contentType ?? "application/octet-stream",
      }));
      const shown = (await withPictures(app, html, attached)) ?? html;
      return mailDocument(shown, { hasPictures: query.pictures === "1" });
    })
    .get("/:id/text", async ({ visit, params }) => {
      const { isTextMade, ...email } = await getEmailWithText(app, visit.teamId, params.id);
      return emailPage(app, visit, email, "/text", h(MailText, { text: email.text, isMade: isTextMade }));
    })
    .get("/:id/headers", async ({ visit, params, query }) => {
      const email = await getEmail(app, visit.teamId, params.id);
      const { message, ...composed } = await composedOf(app, visit, email, "/headers", query);
      const fields = message ? headerFields(message) : [];
      return emailPage(app, visit, email, "/headers", h(HeadersTab, { ...composed, fields }));
    })
    .get("/:id/raw", async ({ visit, params, query }) => {
      const email = await getEmail(app, visit.teamId, params.id);
      const { message, ...composed } = await composedOf(app, visit, email, "/raw", query);
      const download = `/admin/emails/${email.id}/message.eml?delivery=${composed.recipient?.id ?? ""}`;
      const raw = { ...rawText(message ?? new Uint8Array()), download };
      return emailPage(app, visit, email, "/raw", h(RawTab, { ...composed, raw }));
    })
    .get("/:id/attachments", async ({ visit, params }) => {
      const email = await getEmail(app, visit.teamId, params.id);
      const rows = await getAttachments(app, visit.teamId, email.id, { limit: undefined });
      const shown = rows.map(({ filename, contentType, size, downloadUrl, contentId }) => ({
        ...{ name: filename, type: contentType, size, href: pathOf(downloadUrl) },
        isInline: contentId !== null,
      }));
      return emailPage(app, visit, email, "/attachments", h(Files, { files: shown }));
    });

const files = (app: App) =>
  new Elysia().use(signedIn(app)).get("/:id/message.eml", async ({ visit, params, query }) => {
    const bytes = await getMessage(app, visit.teamId, params.id, query.delivery ?? "");
    return fileAnswer(bytes, `${params.id}.eml`, "message/rfc822");
  });

const acts = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .post("/:id/resend", async ({ visit, params }) => {
      visit.act("Sent an email again", params.id);
      const { id } = await resendEmail(app, { teamId: visit.teamId }, params.id, visit.once);
      return visit.done(`/admin/emails/${id}`, "It is sent again: this is the new email.");
    })
    .post("/:id/cancel", async ({ visit, params }) => {
      visit.act("Canceled a scheduled email", params.id);
      const { id } = await cancelEmail(app, visit.teamId, params.id);
      return visit.done(`/admin/emails/${id}`, "The email is canceled: it will not be sent.");
    })
    .get("/:id/reschedule", async ({ visit, params }) => {
      const email = await getEmail(app, visit.teamId, params.id);
      const value = email.scheduledAt?.toISOString() ?? "";
      return reschedulePage(visit, email, value, {});
    })
    .post("/:id/reschedule", async ({ visit, params }) => {
      const value = visit.form.text("scheduled_at");
      visit.act(`Gave a scheduled email another time: ${value.slice(0, 100)}`, params.id);
      try {
        const at = readSchedule(value, app.now());
        const { id } = await rescheduleEmail(app, visit.teamId, params.id, at);
        return visit.done(`/admin/emails/${id}`, "The email has its new time.");
      } catch (error) {
        const mistakes = mistakesOf(error, ["scheduled_at"]);
        return reschedulePage(visit, await getEmail(app, visit.teamId, params.id), value, mistakes);
      }
    })
    .get("/:id/share", async ({ visit, params }) => sharePage(app, visit, params.id, undefined, "24 hours"))
    .post("/:id/share", async ({ visit, params }) => {
      const expiresIn = visit.form.text("expires_in");
      visit.act("Made a link that shows an email to whoever has it", params.id);
      const { url } = await shareEmail(app, visit.teamId, params.id, expiresIn);
      return sharePage(app, visit, params.id, url, expiresIn);
    });

const queueActs = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .post("/:id/deliveries/:deliveryId/retry", async ({ visit, params }) => {
      visit.act("Had a delivery tried at once", params.deliveryId);
      const { filter, path } = await oneDelivery(app, visit, params);
      return queueDone(visit, path, await retryQueue(app, filter), "It is tried now.");
    })
    .post("/:id/deliveries/:deliveryId/resume", async ({ visit, params }) => {
      visit.act("Resumed a held delivery", params.deliveryId);
      const { filter, path } = await oneDelivery(app, visit, params);
      return queueDone(visit, path, await resumeQueue(app, filter), "It goes on.");
    })
    .post("/:id/deliveries/:deliveryId/bounce", async ({ visit, params }) => {
      visit.act("Gave up a delivery", params.deliveryId);
      const { filter, path } = await oneDelivery(app, visit, params);
      const result = await bounceQueue(app, filter, `${visit.user.email} gave it up`);
      return queueDone(visit, path, result, "It is given up and counts as bounced.");
    });

/** Which delivery it is, and the page that shows it. What is no id must not pick everything. */
async function oneDelivery(app: App, { teamId }: Visit, params: { id: string; deliveryId: string }) {
  const { id, broadcastId } = await getEmail(app, teamId, params.id);
  if (!isId(params.deliveryId)) throw new Refusal("not_found", "Delivery not found");
  const deliveryId = params.deliveryId.toLowerCase();
  return {
    filter: { teamId, deliveryId },
    path: broadcastId === null ? `/admin/emails/${id}` : recipientPath(broadcastId, deliveryId),
  };
}

function queueDone(visit: Visit, path: string, { changed }: QueueResult, notice: string): Response {
  const asItIs = "Nothing was changed: it is being tried at this moment, or has ended meanwhile.";
  return visit.done(path, changed > 0 ? notice : asItIs);
}

async function emailPage(
  app: App,
  visit: Visit,
  email: EmailWithContent,
  tab: string,
  content: JSX.Element,
  live?: string,
): Promise<Response> {
  const { domainId, apiKeyId, merge, ...shown } = email;
  const [domain, key] = await Promise.all([
    domainId === null ? undefined : findDomain(app.db, visit.teamId, domainId),
    apiKeyId === null ? undefined : findKey(app.db, visit.teamId, apiKeyId),
  ]);
  const props = {
    ...{ email: { ...shown, domainId, apiKeyId }, domain, apiKey: key, csrf: visit.csrf },
    isFromTemplate: merge !== null,
    current: `/admin/emails/${email.id}${tab}`,
  };
  const title = email.subject.trim() || "(no subject)";
  const { contentRemovedAt: removedAt } = email;
  const shownContent = tab === "" || removedAt === null ? content : h(RemovedTab, { at: removedAt });
  return visit.page({ title, place: "emails", live }, h(EmailPage, props, shownContent));
}

const deliveriesAtOnce = 50;
const eventsAtOnce = 200;

async function timelineOf(
  app: App,
  visit: Visit,
  email: EmailWithContent,
  { after, events: eventsAfter }: Query,
): Promise<JSX.Element> {
  const slice = keysetOf({ after }, deliveriesAtOnce);
  const eventSlice = keysetOf({ after: eventsAfter }, eventsAtOnce);
  const [deliveries, found] = await Promise.all([
    explainDeliveries(app, email, { limit: deliveriesAtOnce, after: slice.after }),
    listEventsOf(app.db, visit.teamId, email.id, eventSlice),
  ]);
  const { rows: events, next: older } = sliceOf(found, eventSlice);
  const shown = deliveries.slice(0, deliveriesAtOnce);
  const ids = shown.map(({ delivery }) => delivery.id);
  return h(Timeline, {
    ...{ emailId: email.id, csrf: visit.csrf, deliveries: shown, commandOf },
    deeds: await listDeeds(app.db, email.id, ids),
    next: deliveries.length > deliveriesAtOnce ? shown.at(-1)?.delivery.id : undefined,
    events,
    isNewest: eventsAfter === undefined,
    olderEvents:
      older && `/admin/emails/${email.id}?${new URLSearchParams({ ...(after && { after }), events: older })}`,
  });
}

/** The message of one recipient, the first where none is asked for; of those who were or will be sent one. */
async function composedOf(
  app: App,
  visit: Visit,
  email: EmailWithContent,
  tab: string,
  { delivery }: Query,
): Promise<ComposedProps & { message?: Uint8Array }> {
  const path = `/admin/emails/${email.id}${tab}`;
  if (email.broadcastId !== null) {
    const problem = "This email is a broadcast: each of its recipients has a page with the copy for them.";
    return { path, recipient: undefined, others: [], problem };
  }
  const sent = (await listDeliveries(app.db, visit.teamId, email.id)).filter(hasMessage);
  const chosen = sent.find(({ id }) => id === delivery) ?? sent[0];
  const about = { path, recipient: chosen, others: sent.filter((each) => each !== chosen) };
  if (!chosen) return { ...about, problem: "Nobody was sent a message of this email, or will be." };
  return { ...about, ...(await composedFor(app, visit.teamId, chosen)) };
}

function reschedulePage(
  visit: Visit,
  email: EmailWithContent,
  value: string,
  mistakes: Partial<Record<"scheduled_at" | "form", string>>,
): Promise<Response> {
  const status = Object.keys(mistakes).length > 0 ? 422 : 200;
  return visit.page(
    { title: "Reschedule", place: "emails", status },
    h(ReschedulePage, { email, csrf: visit.csrf, value, mistakes }),
  );
}

async function sharePage(
  app: App,
  visit: Visit,
  id: string,
  url: string | undefined,
  expiresIn: string,
): Promise<Response> {
  const email = await getEmail(app, visit.teamId, id);
  return visit.page(
    { title: "Share", place: "emails" },
    h(SharePage, { email, csrf: visit.csrf, url, expiresIn }),
  );
}
