/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { Member } from "../src/accounts/members.ts";
import type { ListedInvitation } from "../src/invitations/service.ts";
import { ActForm } from "./parts/acting.tsx";
import { Badge } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Copyable } from "./parts/copy.tsx";
import { Form, FormMistake, SelectField, TextField } from "./parts/form.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Ago } from "./parts/time.tsx";
import { SettingsHead } from "./settings.tsx";

/** What each role may do, the least first. */
const roleWords = [
  ["viewer", "Viewer: looks, and changes nothing"],
  ["developer", "Developer: all that concerns mail"],
  ["admin", "Admin: also looks after people"],
  ["owner", "Owner: also looks after owners"],
] as const;

export interface MembersProps {
  members: Member[];
  /** The cursor of the next page. */
  next: string | undefined;
  csrf: string;
  now: Date;
  /** Who looks. */
  own: string;
  /** Whether they may change anything here. */
  mayManage: boolean;
  /** Whether owners are theirs to change too. */
  isOwner: boolean;
}

const memberColumns = ["Name", "Role", "Joined", ""];

export function MembersPage(props: MembersProps) {
  return (
    <>
      <SettingsHead place="members" lead="Who is in this team, and what they may do." />
      <Table label="Members" columns={memberColumns}>
        <MemberRows {...props} />
      </Table>
      <dl class="facts">
        {roleWords.map(([, words]) => {
          const [name, what] = words.split(": ");
          return (
            <>
              <dt>{name}</dt>
              <dd>{what}</dd>
            </>
          );
        })}
      </dl>
    </>
  );
}

export function MemberRows({ members, next, csrf, now, own, mayManage, isOwner }: MembersProps) {
  const mayTouch = ({ role }: Member) => mayManage && (role !== "owner" || isOwner);
  return (
    <>
      {members.map((member) => (
        <tr id={`member-${member.id}`}>
          <td>
            <strong>{member.name}</strong> {member.id === own && <Badge tone="quiet">you</Badge>}{" "}
            {member.disabledAt && <Badge tone="bad">locked out</Badge>}
            <br />
            <span class="quiet">{member.email}</span>
          </td>
          <td>
            {mayTouch(member) ? (
              <ActForm csrf={csrf} action={`/admin/settings/members/${member.id}/role`} class="inline">
                <select name="role" aria-label={`Role of ${member.name}`}>
                  {roleWords
                    .filter(([role]) => role !== "owner" || isOwner)
                    .map(([role]) => (
                      <option value={role} selected={role === member.role}>
                        {role}
                      </option>
                    ))}
                </select>
                <button type="submit" class="small" aria-label={`Change the role of ${member.name}`}>
                  Change
                </button>
              </ActForm>
            ) : (
              member.role
            )}
          </td>
          <td class="quiet">
            <Ago at={member.createdAt} now={now} />
          </td>
          <td class="act">
            {mayTouch(member) && (
              <Confirm
                id={`remove-${member.id}`}
                csrf={csrf}
                action={`/admin/settings/members/${member.id}/remove`}
                label={member.id === own ? "Leave" : "Remove"}
                title={member.id === own ? "Leave this team?" : `Remove ${member.name}?`}
                act={member.id === own ? "Leave the team" : "Remove from the team"}
              >
                <p>
                  {member.id === own ? "You see" : `${member.email} sees`} nothing of this team from then on.
                  What they made stays, API keys too: revoke those they know.
                </p>
              </Confirm>
            )}
          </td>
        </tr>
      ))}
      {next && <More href={`/admin/settings/members?after=${next}`} columns={memberColumns.length} />}
    </>
  );
}

export interface InvitationsProps {
  invitations: ListedInvitation[];
  mayManage: boolean;
  csrf: string;
  now: Date;
  values: { email: string; role: string };
  mistakes: Partial<Record<"email" | "role" | "form", string>>;
}

export function InvitationsPage(props: InvitationsProps) {
  const { invitations, mayManage, csrf, values, mistakes } = props;
  return (
    <>
      <SettingsHead place="invitations" lead="A link by mail, good for a week and for one person." />
      {invitations.length === 0 ? (
        <Empty icon="people" title="No open invitation">
          <p>
            {mayManage
              ? "Invite somebody below. Until they have joined, their invitation is listed here."
              : "An owner or admin of the team invites people."}
          </p>
        </Empty>
      ) : (
        <Table label="Open invitations" columns={["Email", "Role", "Invited by", "Expires", ""]}>
          {invitations.map((invitation) => (
            <InvitationRow {...props} invitation={invitation} />
          ))}
        </Table>
      )}
      {mayManage && (
        <section class="card">
          <h2>Invite somebody</h2>
          <Form csrf={csrf} action="/admin/settings/invitations">
            <FormMistake>{mistakes.form}</FormMistake>
            <TextField
              {...{ name: "email", label: "Email", type: "email", value: values.email }}
              {...{ mistake: mistakes.email, required: true }}
            />
            <SelectField
              {...{ name: "role", label: "Role", value: values.role, mistake: mistakes.role }}
              options={roleWords.filter(([role]) => role !== "owner")}
            />
            <button type="submit" class="primary">
              Send the invitation
            </button>
          </Form>
        </section>
      )}
    </>
  );
}

function InvitationRow({
  invitation,
  mayManage,
  csrf,
  now,
}: Pick<InvitationsProps, "mayManage" | "csrf" | "now"> & { invitation: ListedInvitation }) {
  const { id, email, role, invitedBy, expiresAt, hasComeBack } = invitation;
  const path = `/admin/settings/invitations/${id}`;
  return (
    <tr id={`invitation-${id}`}>
      <td>
        <strong>{email}</strong>
        {hasComeBack && (
          <>
            {" "}
            <Badge tone="bad">came back</Badge>
            <p class="quiet">It could not be delivered, and its link leads nowhere: send it again.</p>
          </>
        )}
      </td>
      <td>{role}</td>
      <td class="quiet">{invitedBy}</td>
      <td class="quiet">
        <Ago at={expiresAt} now={now} />
      </td>
      <td class="act">
        {mayManage && (
          <>
            <ActForm csrf={csrf} action={`${path}/resend`}>
              <button type="submit" aria-label={`Send again to ${email}`}>
                Send again
              </button>
            </ActForm>{" "}
            <Confirm
              id={`take-back-${id}`}
              csrf={csrf}
              action={`${path}/take-back`}
              label="Take back"
              title="Take this invitation back?"
              act="Take it back"
            >
              <p>The link that {email} was sent leads nowhere from then on.</p>
            </Confirm>
          </>
        )}
      </td>
    </tr>
  );
}

const whyWords = {
  no_domain:
    "It could not be mailed: no domain of this team is verified yet, and mail is sent from a team's own domain.",
  suppressed: "It could not be mailed: the address is suppressed in this team.",
  received_here:
    "It was not mailed: mail to that address is received here, where everybody in its team reads it.",
} as const;

/** The one time an invitation's link is shown, where it could not be mailed. */
export function InvitedPage({
  email,
  link,
  why,
}: {
  email: string;
  link: string;
  why: keyof typeof whyWords;
}) {
  return (
    <>
      <PageHead
        title={`Invitation for ${email}`}
        up={{ path: "/admin/settings/invitations", name: "Invitations" }}
      />
      <section class="card">
        <h2>Copy the link now</h2>
        <p>{whyWords[why]} Hand this link over yourself. It is shown this once, and lets one person in.</p>
        <p>
          <Copyable text={link} label="the invitation's link" />
        </p>
        <p>
          <a class="button primary" href="/admin/settings/invitations">
            Done
          </a>
        </p>
      </section>
    </>
  );
}
