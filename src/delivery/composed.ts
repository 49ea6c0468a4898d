/** The message of a delivery as hosts get it, made for people to look at. */
import type { App } from "../app.ts";
import { isInvitation, withoutInvitationLink } from "../emails/invitation-link.ts";
import { requireEmail, whyContentless } from "../emails/read.ts";
import type { Delivery } from "../emails/schema.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { makeMessage } from "./message.ts";
import { findDueDelivery } from "./store.ts";

/**
 * Composed and signed anew: what differs from what was sent is the time in the signature, and keys changed since; and an
 * invitation is without its link, which is for its recipient alone.
 */
export async function getMessage(
  app: App,
  teamId: string,
  emailId: string,
  deliveryId: string,
): Promise<Uint8Array> {
  const id = await requireEmail(app, teamId, emailId);
  const due = isId(deliveryId) ? await findDueDelivery(app.db, deliveryId.toLowerCase()) : undefined;
  if (due?.delivery.emailId !== id) throw new Refusal("not_found", "Delivery not found");
  if (!hasMessage(due.delivery)) {
    throw new Refusal("not_found", "No message was sent to this recipient, and none will be.");
  }
  const { domain } = due;
  const contentless = whyContentless(due.email, due.content, due.hasSource);
  const content = isInvitation(due.email) ? withoutInvitationLink(due.content) : due.content;
  if (contentless !== undefined) throw new Refusal("not_found", contentless);
  if (!domain) {
    throw new Refusal(
      "not_found",
      "The sending domain of this email was removed, and with it the keys that sign its messages.",
    );
  }
  const making = await makeMessage(app, { ...due, content }, domain);
  try {
    return await making.bytes();
  } finally {
    making.release();
  }
}

/** Whether its recipient was sent a message, or will be. */
export function hasMessage({ state, attempts }: Pick<Delivery, "state" | "attempts">): boolean {
  return attempts > 0 || (state !== "suppressed" && state !== "canceled");
}
