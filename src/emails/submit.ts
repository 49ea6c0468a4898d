/** Accepting an email that comes as a message, by SMTP: the road of `sendEmail`, and its message is sent as it is. */
import { type App, atomically } from "../app.ts";
import { ByteBudget } from "../byte-budget.ts";
import { Refusal } from "../errors.ts";
import type { Address } from "../mail/address.ts";
import type { SubmittedMessage } from "../mail/submitted.ts";
import { perApp } from "../per-app.ts";
import type { Sender } from "./admit.ts";
import { answerOnce, type OnceOnly, shortHash } from "./idempotency.ts";
import type { IncomingMessage } from "./incoming.ts";
import { accept } from "./send.ts";
import { admitSubmission } from "./submitted-draft.ts";

/** To how many one message may go; RFC 5321 §4.5.3.1.8 asks for 100 at least. */
export const maxEnvelopeRecipients = 1_000;

// Taking a message apart needs about ten times its size for a moment: the large ones take turns.
const maxReadBytes = 16 * 1024 * 1024;
const longestKey = 256;

/**
 * Takes a message for the recipients of its envelope, whatever its header says. When it returns, the email and the jobs
 * that will deliver it are on disk. Whoever took the message in discards it afterwards.
 */
export async function submitEmail(
  app: App,
  sender: Sender,
  recipients: Address[],
  incoming: IncomingMessage,
): Promise<{ id: string }> {
  const giveBack = await budgetOf(app).take(incoming.size);
  try {
    const submitted = await app.threads.readSubmitted(await incoming.bytes());
    if ("mistake" in submitted) throw new Refusal("validation_error", submitted.mistake);
    const once = onceOnly(submitted, recipients);
    return await answerOnce<{ id: string }>(app, sender.teamId, once, true, async (remember) => {
      const email = await admitSubmission(app, sender, recipients, submitted);
      const { messageId, links } = submitted;
      const source = { ...(await incoming.keep()), messageId, links };
      return accept(app, sender, { ...email, source }, remember, atomically);
    });
  } finally {
    giveBack();
  }
}

const budgetOf = perApp((): ByteBudget => new ByteBudget(maxReadBytes));

/** Reads the `Resend-Idempotency-Key` of a message; the same key may come again with what says the same to the same. */
function onceOnly(
  { idempotencyKeys, fingerprint }: SubmittedMessage,
  recipients: Address[],
): OnceOnly | undefined {
  const [key] = idempotencyKeys;
  if (key === undefined) return undefined;
  if (idempotencyKeys.length > 1) {
    throw new Refusal("invalid_idempotency_key", "The message has more than one Resend-Idempotency-Key.");
  }
  if (key.length < 1 || key.length > longestKey) {
    throw new Refusal("invalid_idempotency_key", `The key must be between 1-${longestKey} chars.`);
  }
  const to = recipients.map(({ address }) => address).sort();
  return { endpoint: "SMTP", key, bodyHash: shortHash(fingerprint, ...to) };
}
