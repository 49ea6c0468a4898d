/** What a broadcast becomes for one of its contacts, before anybody gets it. */
import type { App } from "../app.ts";
import { pageOfSegment } from "../contacts/audience.ts";
import { getContact } from "../contacts/read.ts";
import type { Contact } from "../contacts/schema.ts";
import { getSegment } from "../contacts/segments.ts";
import type { Sender } from "../emails/admit.ts";
import type { OnceOnly } from "../emails/idempotency.ts";
import { sendEmail } from "../emails/send.ts";
import { Refusal } from "../errors.ts";
import { type Merge, mergeLine, readFields } from "../mail/merge.ts";
import { withPreview } from "../mail/preview-text.ts";
import { showMerged } from "../templates/show.ts";
import { fallbacksFor } from "./begin.ts";
import type { BroadcastFields } from "./draft.ts";
import { fieldsIn, valuesOf } from "./fields.ts";
import { getBroadcast } from "./read.ts";
import type { Broadcast } from "./schema.ts";

/** What a preview is made of: as it is written now, saved or not. */
export type Previewed = Pick<
  Broadcast,
  "teamId" | "segmentId" | "sender" | "subject" | "replyTo" | "previewText" | "html" | "text" | "fallbacks"
>;

/** Whose copy: by id or address, or the next or previous one of the segment; the newest where nobody is named. */
export interface PreviewFor {
  contact?: string;
  step?: "next" | "previous";
}

export interface BroadcastPreview {
  /** Undefined while nobody is in the segment: fields are then empty. */
  contact: Contact | undefined;
  from: string;
  subject: string;
  replyTo: string[];
  html: string | null;
  /** As it is sent, also where it is made from the HTML. */
  text: string | null;
  /** Whether its reader finds a way out in it; mail programs show their own button besides. */
  hasLeavingLink: boolean;
}

/** A preview of a saved broadcast, or of an edit of it that nobody has saved. */
export async function previewBroadcast(
  app: App,
  teamId: string,
  id: string,
  edit: BroadcastFields,
  whose: PreviewFor,
): Promise<BroadcastPreview> {
  const saved = await getBroadcast(app, teamId, id);
  return previewOf(app, edited(saved, edit), whose);
}

function edited(saved: Broadcast, edit: BroadcastFields): Previewed {
  const { segmentId, from, subject, replyTo, previewText, html, text } = edit;
  return {
    teamId: saved.teamId,
    segmentId: segmentId ?? saved.segmentId,
    sender: from ?? saved.sender,
    subject: subject ?? saved.subject,
    replyTo: replyTo ?? saved.replyTo,
    previewText: previewText === undefined ? saved.previewText : previewText,
    html: html === undefined ? saved.html : html,
    text: text === undefined ? saved.text : text,
    fallbacks: saved.fallbacks,
  };
}

async function previewOf(app: App, shown: Previewed, whose: PreviewFor): Promise<BroadcastPreview> {
  const { subject, sender, replyTo, html, text, previewText } = shown;
  const contact = await findContactFor(app, shown, whose);
  const merge = await mergeFor(app, shown, contact);
  const whole = html && previewText ? withPreview(html, previewText) : html;
  const bodies = await showMerged(app, { html: whole, text }, merge, true);
  return {
    ...bodies,
    ...{ contact, from: sender, replyTo, subject: mergeLine(subject, merge) },
    hasLeavingLink: hasLeavingLink(shown),
  };
}

/** Both bodies are whole messages to whoever reads that one. */
export function hasLeavingLink({ html, text }: Pick<Broadcast, "html" | "text">): boolean {
  const bodies = [html, text].filter((body): body is string => Boolean(body));
  const leads = (body: string) => readFields(body).some(({ name }) => name === "RESEND_UNSUBSCRIBE_URL");
  return bodies.length > 0 && bodies.every(leads);
}

async function findContactFor(
  app: App,
  { teamId, segmentId }: Previewed,
  { contact: idOrEmail, step }: PreviewFor,
): Promise<Contact | undefined> {
  const named = idOrEmail === undefined ? undefined : await getContact(app, teamId, idOrEmail);
  if (named && step === undefined) return named;
  const segment = await findSegmentOf(app, teamId, segmentId);
  if (!segment) return named;
  const page =
    named === undefined
      ? { limit: 1 }
      : { limit: 1, ...(step === "next" ? { after: named.id } : { before: named.id }) };
  const found = await pageOfSegment(app, segment, page);
  return (step === "previous" ? found.at(-1) : found[0]) ?? named; // at either end one stays
}

/** One that was deleted since has nobody in it. */
async function findSegmentOf(app: App, teamId: string, id: string) {
  try {
    return await getSegment(app, teamId, id);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

/** What is filled in as when it is sent; the address for leaving is one at which nobody leaves anything. */
async function mergeFor(app: App, shown: Previewed, contact: Contact | undefined): Promise<Merge> {
  const own = contact ? valuesOf(contact, fieldsIn(shown)) : {};
  const values = Object.fromEntries(
    Object.entries(own).map(([name, value]) => [`contact.${name}`, String(value)]),
  );
  return {
    values: { ...values, RESEND_UNSUBSCRIBE_URL: `${app.config.server.publicUrl}/unsubscribe` },
    fallbacks: { ...shown.fallbacks, ...(await fallbacksFor(app, shown)) },
  };
}

/** Sends one copy, as a contact would get it, to somebody who is to look at it: an email like any other. */
export async function testBroadcast(
  app: App,
  sender: Sender,
  id: string,
  { to, contact }: { to: string[]; contact?: string },
  onceOnly?: OnceOnly,
): Promise<{ id: string }> {
  const made = await previewBroadcast(app, sender.teamId, id, {}, { contact });
  const draft = {
    ...{ from: made.from, to, cc: [], bcc: [], replyTo: made.replyTo, subject: made.subject },
    ...{ html: made.html ?? undefined, text: made.text ?? undefined },
    ...{ headers: {}, tags: [], attachments: [] },
  };
  return sendEmail(app, sender, draft, onceOnly);
}
