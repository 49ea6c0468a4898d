/**
 * An invitation's link makes a member of whoever follows it, and so it is for its recipient alone: whoever may read a
 * team's mail must not take a role by it that they don't have.
 */
import type { EmailWithContent } from "./store.ts";

/** The tag of an invitation to a team, which `invitations/` sends. */
export const invitationTag = "mailit_invitation";

export const isInvitation = ({ tags }: Pick<EmailWithContent, "tags">): boolean =>
  tags.some(({ name }) => name === invitationTag);

interface Bodies {
  html: string | null;
  text: string | null;
}

const link = /(\/admin\/invitation\?token=)[\w-]+/g;

/** Whether bodies hold such a link, as what quotes an invitation does. */
export const hasInvitationLink = ({ html, text }: Bodies): boolean =>
  [html, text].some((body) => body !== null && body.search(link) !== -1);

/** The bodies without it. */
export function withoutInvitationLink<B extends Bodies>(bodies: B): B {
  const hide = (body: string | null) => body?.replace(link, "$1[hidden]") ?? null;
  return { ...bodies, html: hide(bodies.html), text: hide(bodies.text) };
}
