import type { App } from "../app.ts";
import type { Event } from "../events/schema.ts";
import { type DueCall, findInboundBody } from "./event-store.ts";
import { payloadOf } from "./payload.ts";

/** The JSON an endpoint gets; the same bytes whenever it is asked for. */
export async function bodyOf(
  app: App,
  { told, webhook, email }: Pick<DueCall, "told" | "webhook" | "email">,
  event: Event,
): Promise<string> {
  const { name } = told;
  const wantsBody = event.type === "email.received" && (webhook.includeBody || name === "email.inbound");
  const inboundId = event.data.email_id;
  const body =
    wantsBody && typeof inboundId === "string"
      ? await findInboundBody(app.db, webhook.teamId, inboundId)
      : undefined;
  return JSON.stringify(payloadOf({ name, event, email, body }));
}
