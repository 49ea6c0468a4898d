/** Emails whose client names a template instead of giving bodies. */
import type { App } from "../app.ts";
import type { Merge } from "../mail/merge.ts";
import { fillTemplate } from "../templates/fill.ts";
import { sentVersion } from "../templates/published.ts";
import { showMerged } from "../templates/show.ts";
import type { EmailDraft, TemplateUse } from "./draft.ts";
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

/** An email as its recipients see it: content is stored as its template. */
export async function asMerged(app: App, email: EmailWithContent): Promise<EmailWithContent> {
  const { html, text, merge } = withoutInvitation(email);
  return { ...email, ...(merge === null ? { html, text } : await showMerged(app, { html, text }, merge)) };
}

/** The tag of an invitation to a team, which `invitations/` sends. */
export const invitationTag = "mailit_invitation";

export const isInvitation = ({ tags }: Pick<EmailWithContent, "tags">): boolean =>
  tags.some(({ name }) => name === invitationTag);

/**
 * An invitation's link is for its recipient alone: whoever may read a team's emails must not take a role by it that they
 * don't have.
 */
export function withoutInvitation<E extends Pick<EmailWithContent, "tags" | "html" | "text">>(email: E): E {
  if (!isInvitation(email)) return email;
  return { ...email, ...withoutInvitationLink(email) };
}

/** The bodies of an invitation without its link. */
export function withoutInvitationLink<B extends { html: string | null; text: string | null }>(bodies: B): B {
  const hide = (body: string | null) =>
    body?.replace(/(\/admin\/invitation\?token=)[\w-]+/g, "$1[hidden]") ?? null;
  return { ...bodies, html: hide(bodies.html), text: hide(bodies.text) };
}
