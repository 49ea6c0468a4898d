/** One recipient of a broadcast: what became of the copy for them, and what one can do about it. */
import { Elysia } from "elysia";
import { h, type JSX } from "preact";
import { RecipientPage, RecipientTimeline, recipientPath } from "../../views/broadcast-recipient.tsx";
import { HeadersTab, RawTab } from "../../views/email-content.tsx";
import type { App } from "../app.ts";
import { type BroadcastRecipient, getRecipient } from "../delivery/recipient.ts";
import { commandOf } from "../delivery/schema.ts";
import { listDeeds } from "../events/read.ts";
import { composedFor } from "./composed.ts";
import { headerFields, rawText } from "./message-text.ts";
import { signedIn, type Visit } from "./visit.ts";

export const recipientPages = (app: App) =>
  new Elysia({ prefix: "/:id/recipients/:deliveryId" })
    .use(signedIn(app))
    .get("", async ({ visit, params }) => {
      const recipient = await getRecipient(app, visit.teamId, params.id, params.deliveryId);
      const timeline = await timelineOf(app, visit, recipient);
      return recipientPage(visit, recipient, "", timeline, `${pathOf(recipient)}/live`);
    })
    .get("/live", async ({ visit, params }) => {
      const find = () => getRecipient(app, visit.teamId, params.id, params.deliveryId);
      await find();
      return visit.live(async () => ({ timeline: await timelineOf(app, visit, await find()) }));
    })
    .get("/headers", async ({ visit, params }) => {
      const recipient = await getRecipient(app, visit.teamId, params.id, params.deliveryId);
      const { message, ...composed } = await copyOf(app, visit, recipient, "/headers");
      const fields = message ? headerFields(message) : [];
      return recipientPage(visit, recipient, "/headers", h(HeadersTab, { ...composed, fields }));
    })
    .get("/raw", async ({ visit, params }) => {
      const recipient = await getRecipient(app, visit.teamId, params.id, params.deliveryId);
      const { message, ...composed } = await copyOf(app, visit, recipient, "/raw");
      const { emailId, id } = recipient.explained.delivery;
      const download = `/admin/emails/${emailId}/message.eml?delivery=${id}`;
      const raw = { ...rawText(message ?? new Uint8Array()), download };
      return recipientPage(visit, recipient, "/raw", h(RawTab, { ...composed, raw }));
    });

const pathOf = ({ broadcast, explained }: BroadcastRecipient) =>
  recipientPath(broadcast.id, explained.delivery.id);

async function timelineOf(
  app: App,
  { csrf }: Visit,
  { explained, happened }: BroadcastRecipient,
): Promise<JSX.Element> {
  const { emailId, id } = explained.delivery;
  const deeds = (await listDeeds(app.db, emailId, [id])).get(id) ?? [];
  return h(RecipientTimeline, { csrf, explained, deeds, events: happened, commandOf });
}

const copyOf = async (app: App, { teamId }: Visit, recipient: BroadcastRecipient, tab: string) => ({
  ...{ path: `${pathOf(recipient)}${tab}`, recipient: recipient.explained.delivery, others: [] },
  ...(await composedFor(app, teamId, recipient.explained.delivery)),
});

function recipientPage(
  visit: Visit,
  recipient: BroadcastRecipient,
  tab: string,
  content: JSX.Element,
  live?: string,
): Promise<Response> {
  const { broadcast, contactId, messageId, explained } = recipient;
  const { delivery } = explained;
  const current = `${pathOf(recipient)}${tab}`;
  return visit.page(
    { title: `${delivery.recipient} · ${broadcast.name}`, place: "broadcasts", live },
    h(RecipientPage, { broadcast, contactId, messageId, delivery, current }, content),
  );
}
