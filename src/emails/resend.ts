/** Sending an email once more: a new email that says the same to the same. */
import { type App, atomically } from "../app.ts";
import { ByteBudget } from "../byte-budget.ts";
import { hasTopic } from "../contacts/consent.ts";
import { Refusal } from "../errors.ts";
import { type Address, parseAddress } from "../mail/address.ts";
import { withoutMessageId } from "../mail/submitted-head.ts";
import { perApp } from "../per-app.ts";
import { type AdmittedEmail, type KeptMessage, permittedDomain, type Sender } from "./admit.ts";
import { type DraftAttachment, once } from "./draft.ts";
import { answerOnce, type OnceOnly } from "./idempotency.ts";
import { IncomingMessage } from "./incoming.ts";
import { isInvitation } from "./invitation-link.ts";
import { requireEmail, whyContentless } from "./read.ts";
import type { Attachment, EmailSource } from "./schema.ts";
import { accept } from "./send.ts";
import { type EmailWithContent, findEmail, findSource, listAttachments } from "./store.ts";

/** All of an email is in memory while it is written anew: the large ones take turns. */
const maxBytesAtOnce = 64_000_000;

/**
 * Sends an email again, at once, to everybody it went to. Its content, tags and files stay; id, Message-ID and time are
 * new, for hosts that see a Message-ID twice take the second message for a copy.
 */
export async function resendEmail(
  app: App,
  sender: Sender,
  emailId: string,
  onceOnly?: OnceOnly,
): Promise<{ id: string }> {
  const { teamId } = sender;
  const id = await requireEmail(app, teamId, emailId);
  return answerOnce<{ id: string }>(app, teamId, onceOnly, true, async (remember) => {
    const [source, files] = await Promise.all([findSource(app.db, id), listAttachments(app.db, id)]);
    // After them: whoever removes them meanwhile says so here.
    const email = (await findEmail(app.db, teamId, id))!;
    refuseUnsendable(email, source !== undefined);
    await refuseWithoutTopic(app, email);
    const bytes = files.reduce((sum, { size }) => sum + size, source?.size ?? 0);
    const giveBack = await budgetOf(app).take(Math.min(bytes, maxBytesAtOnce));
    try {
      const again = await admitAgain(app, sender, email, { source, files });
      return await accept(app, sender, again, remember, atomically);
    } finally {
      giveBack();
    }
  });
}

const budgetOf = perApp((): ByteBudget => new ByteBudget(maxBytesAtOnce));

function refuseUnsendable(email: EmailWithContent, hasSource: boolean): void {
  if (isInvitation(email)) {
    // It would be tracked like other mail, and its link told with each click.
    throw new Refusal(
      "validation_error",
      "This email is an invitation to the team: send the invitation again, with a new link, or take it back.",
    );
  }
  if (email.broadcastId !== null) {
    throw new Refusal(
      "validation_error",
      "This email is a broadcast, and can't be sent again as one email: send a new broadcast.",
    );
  }
  const contentless = whyContentless(email, email, hasSource);
  if (contentless !== undefined) throw new Refusal("validation_error", `${contentless} Send it anew.`);
}

/** Without its topic nobody could leave it, and who has left it would get the email all the same. */
async function refuseWithoutTopic(app: App, { teamId, topicId }: EmailWithContent): Promise<void> {
  if (topicId === null || (await hasTopic(app.db, teamId, topicId))) return;
  throw new Refusal("validation_error", "The topic of this email was removed: send it anew, with another.");
}

/** It was judged when it came. What may have changed since is whether this sender may send from its domain. */
async function admitAgain(
  app: App,
  sender: Sender,
  email: EmailWithContent,
  { source, files }: { source?: EmailSource; files: Attachment[] },
): Promise<AdmittedEmail> {
  const { sender: from, subject, html, text, merge } = email;
  const { recipients: to, cc, bcc, replyTo, headers, tags, topicId } = email;
  const address = addressOf(from);
  const domain = await permittedDomain(app, sender, address);
  return {
    draft: {
      ...{ from, to, cc, bcc, replyTo, subject, headers, tags },
      ...(html !== null && { html }),
      ...(text !== null && { text }),
      ...(topicId !== null && { topicId }),
      attachments: await Promise.all(files.map((file) => attachAgain(app, file))),
    },
    checked: {
      ...{ from: address, sender: from, subject },
      recipients: once([...to, ...cc, ...bcc].map(addressOf)),
    },
    domain,
    ...(merge && { merge }),
    ...(source && { source: await keepAgain(app, source) }),
  };
}

function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (!address) throw new Error("an address of an email that was accepted can't be read");
  return address;
}

const fileGone = () =>
  new Refusal("validation_error", "A file of this email is not kept any more: send it anew, with its files.");

async function attachAgain(
  app: App,
  { filename, contentType, contentId, blobHash }: Attachment,
): Promise<DraftAttachment> {
  const content = await app.blobs.get(blobHash);
  if (!content) throw fileGone();
  return {
    content,
    ...(filename !== null && { filename }),
    ...(contentType !== null && { contentType }),
    ...(contentId !== null && { contentId }),
  };
}

/** The message its client made, as it is but for its Message-ID. */
async function keepAgain(app: App, { raw, blobHash }: EmailSource): Promise<KeptMessage> {
  const bytes = raw ?? (blobHash === null ? undefined : await app.blobs.get(blobHash));
  if (!bytes) throw fileGone();
  const incoming = new IncomingMessage(app.blobs);
  await incoming.write(withoutMessageId(bytes));
  const read = await app.threads.readSubmitted(await incoming.bytes());
  if ("mistake" in read) throw new Refusal("validation_error", read.mistake);
  try {
    return { ...(await incoming.keep()), links: read.links };
  } finally {
    await incoming.discard();
  }
}
