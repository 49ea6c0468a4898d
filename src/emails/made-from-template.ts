/** Emails whose client names a template instead of giving bodies. */
import type { App } from "../app.ts";
import type { Merge } from "../mail/merge.ts";
import { fillTemplate } from "../templates/fill.ts";
import { sentVersion } from "../templates/published.ts";
import { showMerged } from "../templates/show.ts";
import type { EmailDraft, TemplateUse } from "./draft.ts";
import { isInvitation, withoutInvitationLink } from "./invitation-link.ts";
import type { EmailWithContent } from "./store.ts";

/** The draft with what its template says, and what the fields of its bodies are filled with. */
export async function fromTemplate(
  app: App,
  teamId: string,
  draft: EmailDraft,
  { id, variables, isTest = false }: TemplateUse,
): Promise<{ draft: EmailDraft; merge?: Merge }> {
  const { merge, ...filled } = fillTemplate(await sentVersion(app, teamId, id, isTest), variables);
  const replyTo = draft.replyTo.length > 0 ? draft.replyTo : filled.replyTo;
  const { from = filled.from, subject = filled.subject, template: _made, ...rest } = draft;
  return {
    draft: { ...rest, from, subject, replyTo, html: filled.html, text: filled.text },
    ...(merge && { merge }),
  };
}

/**
 * An email as its recipients see it: content is stored as its template. With `hasMadeText` it has the text that is made
 * from the HTML where it has none of its own.
 */
export async function asMerged(
  app: App,
  email: EmailWithContent,
  hasMadeText = false,
): Promise<EmailWithContent> {
  const { html, text, merge } = isInvitation(email) ? withoutInvitationLink(email) : email;
  if (merge === null && !hasMadeText) return { ...email, html, text };
  return { ...email, ...(await showMerged(app, { html, text }, merge, hasMadeText)) };
}
