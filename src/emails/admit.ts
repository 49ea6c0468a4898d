import type { App } from "../app.ts";
import { hasTopic } from "../contacts/consent.ts";
import { findSendingDomain, type SendingDomain } from "../domains/service.ts";
import { Refusal } from "../errors.ts";
import type { Address } from "../mail/address.ts";
import type { Merge } from "../mail/merge.ts";
import { type CheckedDraft, checkDraft, type EmailDraft } from "./draft.ts";
import { fromTemplate } from "./made-from-template.ts";
import type { EmailSource } from "./schema.ts";
import type { FoundLink } from "./tracking.ts";

/** On whose behalf an email is sent. */
export interface Sender {
  teamId: string;
  keyId?: string;
  /** The one domain the sender may send from. */
  domainId?: string | null;
}

/** A draft that may be sent as it is, once its attachments are there. */
export interface AdmittedEmail {
  draft: EmailDraft;
  checked: CheckedDraft;
  domain: SendingDomain;
  /** What the fields of its bodies are filled with, where it is made from a template. */
  merge?: Merge;
  /** The message itself, where its client made it. */
  source?: KeptMessage;
}

export interface KeptMessage extends Omit<EmailSource, "emailId"> {
  /** Its own Message-ID, where it has one. */
  messageId?: string;
  /** Those of its links that may be tracked; undefined where none of it may. */
  links?: FoundLink[];
}

/** Judges a draft by what it says and by who sends it. Nothing is fetched for a draft that would be refused anyway. */
export async function admitEmail(app: App, sender: Sender, given: EmailDraft): Promise<AdmittedEmail> {
  const judged = checkDraft(given, app.now());
  const { template, topicId } = given;
  if (topicId !== undefined && !(await hasTopic(app.db, sender.teamId, topicId))) {
    throw new Refusal("not_found", "Topic not found");
  }
  const made = template ? await fromTemplate(app, sender.teamId, given, template) : { draft: given };
  const checked = template ? checkDraft(made.draft, app.now()) : judged;
  return { ...made, checked, domain: await permittedDomain(app, sender, checked.from) };
}

/** The domain an email is sent from, which must be the team's, verified, and the key's where that has one. */
export async function permittedDomain(app: App, sender: Sender, from: Address): Promise<SendingDomain> {
  const domain = await findSendingDomain(app, sender.teamId, from.domain);
  if (!domain) {
    throw new Refusal(
      "domain_not_verified",
      `The ${from.domain} domain is not verified. Please, add and verify your domain on ${app.config.server.publicUrl}/admin/domains`,
    );
  }
  if (sender.domainId && sender.domainId !== domain.id) {
    throw new Refusal(
      "domain_not_allowed",
      `This API key is not authorized to send emails from ${from.domain}`,
    );
  }
  return domain;
}
