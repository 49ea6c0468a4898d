import { makeDeliveryToken, readDeliveryToken } from "./verp.ts";

/** The same for all that MailIt sends; Google wants 5 to 15 characters. */
const senderId = "mailit";

/**
 * The Feedback-ID of one delivery: `token:a:b:c:mailit`. Gmail counts complaints by the last four fields (its help,
 * answer 6254652) and wants none of them to be of a single message; so the token that names the delivery stands before
 * them. Providers that send complaints back quote the field even where they hide every address, and the token proves the
 * complaint: it is the return path's.
 *
 * `groups` are those by which complaints are counted, the narrowest first; an empty one is not counted.
 */
export function makeFeedbackId(options: {
  deliveryId: string;
  groups: readonly [string, string, string];
  secret: Uint8Array;
}): string {
  const groups = options.groups.map((group) => group.replace(/[^!-9;-~]/g, ""));
  return [makeDeliveryToken(options.deliveryId, options.secret), ...groups, senderId].join(":");
}

/** The delivery a Feedback-ID was made for; undefined when it is a client's own, or not one of ours. */
export function readFeedbackId(value: string, secret: Uint8Array): { deliveryId: string } | undefined {
  return readDeliveryToken(value.split(":", 1)[0]!.trim().toLowerCase(), secret);
}
