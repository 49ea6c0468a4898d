import type { App } from "../app.ts";
import { findOwnSendingDomain } from "../domains/service.ts";
import { type AdmittedEmail, admitEmail } from "../emails/admit.ts";
import { invitationTag } from "../emails/invitation-link.ts";
import { formatAddress, parseAddress } from "../mail/address.ts";

export interface Invited {
  id: string;
  /** The team's name. */
  team: string;
  email: string;
  role: string;
  /** The address of whoever invites; other words where that is no person. */
  invitedBy: string;
  link: string;
  expiresAt: Date;
}

/** The email that invites, sent from a domain of the team's own; undefined while it has none that may send. */
export async function invitationEmail(
  app: App,
  teamId: string,
  invited: Invited,
): Promise<AdmittedEmail | undefined> {
  const domain = await findOwnSendingDomain(app, teamId);
  if (!domain) return undefined;
  const { id, team, email, invitedBy } = invited;
  const admitted = await admitEmail(
    app,
    { teamId },
    {
      from: formatAddress({ name: team, address: `invitations@${domain.name}` }),
      to: [email],
      ...{ cc: [], bcc: [], headers: {}, attachments: [] },
      replyTo: parseAddress(invitedBy) ? [invitedBy] : [],
      subject: `You are invited to ${team} on MailIt`,
      ...bodies(invited),
      tags: [{ name: invitationTag, value: id }],
    },
  );
  // Its link is a secret, and would be told with each click.
  return { ...admitted, domain: { ...admitted.domain, openTracking: false, clickTracking: false } };
}

const dayFormat = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });

function bodies({ team, role, invitedBy, link, expiresAt }: Invited): { html: string; text: string } {
  const asWhat = `${/^[aeiou]/.test(role) ? "an" : "a"} ${role}`;
  const until = `The link is for you alone and works until ${dayFormat.format(expiresAt)}.`;
  const ignore = "If you did not expect this, ignore it: nothing happens then.";
  const who = parseAddress(invitedBy) ? `${invitedBy} invites you` : "You are invited";
  const text = `${who} to the team ${team} on MailIt, as ${asWhat}.\n\nJoin here:\n${link}\n\n${until} ${ignore}\n`;
  const shown = Bun.escapeHTML;
  const html = [
    "<!doctype html><html><body>",
    `<p>${shown(who)} to the team <strong>${shown(team)}</strong> on MailIt, as ${asWhat}.</p>`,
    `<p><a href="${shown(link)}">Join the team</a></p>`,
    `<p>${until} ${ignore}</p>`,
    "</body></html>",
  ].join("\n");
  return { html, text };
}
