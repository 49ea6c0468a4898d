/** What the event of an email that was not sent tells of the suppression, in the contract's words. */
import type { SuppressionReason } from "./schema.ts";

// The contract has words for the first two alone; the others are said as what they are.
const words: Record<SuppressionReason, { reason: string; because: string }> = {
  bounce: { reason: "previous_bounce", because: "earlier mail to it bounced" },
  complaint: { reason: "previous_complaint", because: "its holder reported earlier mail as spam" },
  unsubscribe: { reason: "unsubscribed", because: "its holder unsubscribed" },
  manual: { reason: "manual", because: "it was added to the list by hand" },
};

export function tellSuppression(why: SuppressionReason) {
  const { reason, because } = words[why];
  return {
    message: `The address is on your suppression list, because ${because}. Remove it there to send to it again.`,
    type: "OnAccountSuppressionList",
    reason,
    diagnosticCode: [],
  };
}
