/** The last page before a broadcast is sent: who gets it, and when. */
import { Elysia } from "elysia";
import { h } from "preact";
import { SendForms, type SendFormsProps, SendPage, WhenMeant } from "../../views/broadcast-draft.tsx";
import type { App } from "../app.ts";
import { hasLeavingLink } from "../broadcasts/preview.ts";
import { reachOf } from "../broadcasts/reach.ts";
import { getBroadcast } from "../broadcasts/read.ts";
import type { Broadcast } from "../broadcasts/schema.ts";
import { sendBroadcast } from "../broadcasts/send.ts";
import { readSchedule } from "../emails/schedule.ts";
import { Refusal } from "../errors.ts";
import { namesFor } from "./broadcast-course.ts";
import { findWhyNotSent } from "./broadcast-preview.ts";
import { type Mistakes, mistakesOf } from "./mistakes.ts";
import { momentOf, seenAt, signedIn, type Visit } from "./visit.ts";

export const sendPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/:id/send", async ({ visit, params, query }) => {
      const broadcast = await getBroadcast(app, visit.teamId, params.id);
      if (query.counted === undefined) return sendPage(app, visit, broadcast);
      // What is sent is what the page showed when it was opened.
      const shown = { ...broadcast, updatedAt: momentOf(query.seen) ?? broadcast.updatedAt };
      const send = await formsFor(app, visit, shown, "", {});
      return visit.wantsPiece ? visit.piece(h(SendForms, send)) : sendPage(app, visit, broadcast, send);
    })
    .get("/:id/send/when", async ({ visit, params, query }) => {
      await getBroadcast(app, visit.teamId, params.id);
      const { scheduled_at: text = "" } = query;
      return visit.piece(h(WhenMeant, { ...understand(app, text), now: app.now() }));
    })
    .post("/:id/send", async ({ visit, params }) => {
      const broadcast = await getBroadcast(app, visit.teamId, params.id);
      const path = `/admin/broadcasts/${broadcast.id}`;
      const when = visit.form.text("scheduled_at");
      const isLater = when !== "";
      visit.act(`${isLater ? "Scheduled" : "Sent"} the broadcast “${broadcast.name}”`);
      try {
        const at = isLater ? readSchedule(when, app.now()) : undefined;
        await sendBroadcast(app, { teamId: visit.teamId }, broadcast.id, at, seenAt(visit));
        return visit.done(path, isLater ? "It is scheduled." : "It is on its way.");
      } catch (error) {
        const mistakes = mistakesOf(error, ["scheduled_at"]);
        const send = await formsFor(app, visit, broadcast, when, mistakes);
        return sendPage(app, visit, broadcast, send, 422);
      }
    });

function understand(app: App, text: string): { at?: Date; problem?: string } {
  if (text.trim() === "") return {};
  try {
    return { at: readSchedule(text, app.now()) };
  } catch (error) {
    if (error instanceof Refusal) return { problem: "That is no time yet." };
    throw error;
  }
}

async function formsFor(
  app: App,
  { csrf }: Visit,
  broadcast: Broadcast,
  when: string,
  mistakes: Mistakes,
): Promise<SendFormsProps> {
  return { csrf, broadcast, when, mistakes, reach: await reachOf(app, broadcast) };
}

async function sendPage(app: App, visit: Visit, broadcast: Broadcast, send?: SendFormsProps, status = 200) {
  const content = h(SendPage, {
    ...{ broadcast, send, hasLeavingLink: hasLeavingLink(broadcast) },
    notSending: await findWhyNotSent(app, visit.teamId, broadcast.sender),
    ...(await namesFor(app, broadcast)),
  });
  return visit.page({ title: `Send ${broadcast.name}`, place: "broadcasts", status }, content);
}
