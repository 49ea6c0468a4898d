import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";
import { type Address, parseAddress, recipientKey } from "../mail/address.ts";
import { headerMistake } from "../mail/headers.ts";
import type { SubmittedMessage } from "../mail/submitted.ts";
import { type AdmittedEmail, permittedDomain, type Sender } from "./admit.ts";
import { checkFileType } from "./attach.ts";
import { checkTags, type DraftAttachment, type EmailDraft, once } from "./draft.ts";
import type { Tag } from "./schema.ts";

const maxSubjectLength = 2_000;
const maxNamedHeaders = 50;

/** Judges a message by what it says and by who hands it in, and makes of it what is shown of an email. */
export async function admitSubmission(
  app: App,
  sender: Sender,
  envelope: Address[],
  { message, from: field, tags: tagFields }: SubmittedMessage,
): Promise<AdmittedEmail> {
  const from = parseAddress(field);
  if (!from) {
    throw new Refusal(
      "invalid_from_address",
      "The From header must have exactly one address, as in `email@example.com` or `Name <email@example.com>`.",
    );
  }
  const domain = await permittedDomain(app, sender, from);
  const tags = tagFields.map(readTag);
  checkTags(tags);
  const attachments = message.attachments.map(toAttachment);
  for (const [index, attachment] of attachments.entries()) checkFileType(attachment, index);

  const recipients = once(envelope);
  // The name may be in encoded words, which the parser has read; never believed where it read another address.
  const shown = parseAddress(message.from)?.address === from.address ? message.from : from.address;
  const draft = {
    from: shown,
    ...shareOut(recipients, message.to, message.cc),
    replyTo: message.replyTo,
    subject: message.subject.slice(0, maxSubjectLength),
    html: message.html ?? undefined,
    text: message.text ?? undefined,
    headers: shownHeaders(message.headers),
    tags,
    attachments,
  };
  return { draft, checked: { from, sender: shown, subject: draft.subject, recipients }, domain };
}

/** Who of the envelope stands where in the header; who stands nowhere is a Bcc. */
function shareOut(
  recipients: Address[],
  toField: string[],
  ccField: string[],
): Pick<EmailDraft, "to" | "cc" | "bcc"> {
  const left = new Map(recipients.map(({ address }) => [recipientKey(address), address]));
  const takeFrom = (field: string[]) =>
    field.filter((text) => {
      const address = parseAddress(text)?.address;
      return address !== undefined && left.delete(recipientKey(address));
    });
  const to = takeFrom(toField);
  const cc = takeFrom(ccField);
  return { to, cc, bcc: [...left.values()] };
}

/** `name=value`, or a name alone. */
function readTag(text: string): Tag {
  const [name = "", ...rest] = text.split("=");
  return { name: name.trim(), value: rest.join("=").trim() };
}

/** Those of the fields that a client of the API could have given as its own. */
function shownHeaders(headers: Record<string, string>): Record<string, string> {
  const own = Object.entries(headers).filter(
    ([name, value]) => headerMistake(name, value) === undefined && name !== "resend-idempotency-key",
  );
  return Object.fromEntries(own.slice(0, maxNamedHeaders));
}

function toAttachment({
  filename,
  contentType,
  contentId,
  content,
}: SubmittedMessage["message"]["attachments"][number]): DraftAttachment {
  return {
    filename: filename ?? undefined,
    contentType,
    contentId: contentId ?? undefined,
    content,
  };
}
