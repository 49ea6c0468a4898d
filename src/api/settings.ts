import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import { listMembers, type Member } from "../accounts/members.ts";
import { getTeam } from "../accounts/teams.ts";
import type { App } from "../app.ts";
import { smtpAccess } from "../config/told.ts";
import type { Inviting } from "../invitations/service.ts";
import { getUsage } from "../metrics/usage.ts";
import type { Role } from "../roles.ts";
import { authenticated } from "./auth.ts";
import { shown } from "./example.ts";
import { answer, bodyErrorAnswers, errorAnswers } from "./openapi.ts";
import { inviteAs, renameTeamAs } from "./team-acts.ts";

const tags = ["Settings"];
const id = Type.String({ format: "uuid" });
const time = Type.String({ format: "date-time" });
const role = Type.String({
  description: "A developer is a `member`, as the original MailIt had it.",
  examples: ["member"],
});
const name = Type.String({ examples: ["Acme"] });

const renaming = t.Object(
  { name: t.String({ description: "1 to 100 characters.", examples: ["Acme"] }) },
  { additionalProperties: true },
);
const invitationRequest = t.Object(
  { email: t.String(), role: t.String({ description: "admin or member.", examples: ["member"] }) },
  { additionalProperties: true },
);

const team = Type.Object({
  ...{ id, name, slug: Type.String({ description: "Made of the name.", examples: ["acme"] }) },
  members: Type.Array(
    Type.Object({ id, name: Type.String({ examples: ["Ada"] }), email: Type.String(), role }),
    { description: "500 at most; `GET /team/members` has pages." },
  ),
});
const updated = Type.Object({ message: Type.Literal("team updated") });
const invited = Type.Object({
  ...{ id, team_id: id, email: Type.String(), role },
  ...{ expires_at: time, created_at: time },
  url: Type.Optional(Type.String({ description: "The link, this once, where it could not be mailed." })),
});
const count = Type.Integer();
const usage = Type.Object({
  emails_sent_today: Type.Integer({ description: "By recipient; days and months are of UTC." }),
  ...{ emails_sent_month: count, domains: count, api_keys: count, webhooks: count, contacts: count },
});
const smtp = Type.Object({
  host: Type.String(),
  port: Type.Integer({ description: "0 where the system chooses one at each start.", examples: [587] }),
  tls_port: Type.Integer({ description: "With TLS from the first byte.", examples: [465] }),
  username: Type.Literal("resend"),
  password: Type.Literal("Use any API key as the password"),
  encryption: Type.Literal("STARTTLS"),
});

/** What the original MailIt kept under its settings, in its shapes; `team.ts` has more of the team. */
export const settingsRoutes = (app: App) =>
  new Elysia({ prefix: "/settings" })
    .use(authenticated(app, "full_access"))
    .get(
      "/team",
      async ({ caller: { teamId } }) => {
        const { id, name } = await getTeam(app, teamId);
        const members = await listMembers(app, teamId, { limit: mostMembers });
        return { id, name, slug: slugOf(name), members: members.slice(0, mostMembers).map(toMember) };
      },
      {
        detail: {
          summary: "Get the team with its members in the original MailIt's form",
          tags,
          responses: { 200: answer("The team", team), ...errorAnswers },
        },
      },
    )
    .patch(
      "/team",
      async ({ caller, body, asked }) => {
        await renameTeamAs(app, caller, asked, body.name);
        return { message: "team updated" as const };
      },
      {
        parse: "json",
        body: shown(renaming),
        detail: {
          summary: "Rename the team in the original MailIt's form",
          tags,
          responses: { 200: answer("Renamed", updated), ...bodyErrorAnswers },
        },
      },
    )
    .post(
      "/team/invite",
      async ({ caller, body, asked, set }) => {
        const { email } = body;
        const role = body.role === "member" ? "developer" : body.role;
        const made = await inviteAs(app, caller, asked, { email, role });
        set.status = 201;
        set.headers["cache-control"] = "no-store";
        return toInvited(made);
      },
      {
        parse: "json",
        body: shown(invitationRequest),
        detail: {
          summary: "Invite somebody in the original MailIt's form",
          tags,
          responses: {
            201: answer("Invited by mail, from a verified domain of the team", invited),
            ...bodyErrorAnswers,
          },
        },
      },
    )
    .get(
      "/usage",
      async ({ caller }) => {
        const { sentToday, sentThisMonth, domains, keys, webhooks, contacts } = await getUsage(
          app,
          caller.teamId,
        );
        return {
          emails_sent_today: sentToday,
          emails_sent_month: sentThisMonth,
          ...{ domains, api_keys: keys, webhooks, contacts },
        };
      },
      {
        detail: {
          summary: "Get what the team has sent and has",
          tags,
          responses: { 200: answer("From counters", usage), ...errorAnswers },
        },
      },
    )
    .get(
      "/smtp",
      () => {
        const { host, startTls: port = 0, tls = 0 } = smtpAccess(app.config, app.sandbox);
        return {
          ...{ host, port, tls_port: tls, username: "resend" as const },
          password: "Use any API key as the password" as const,
          encryption: "STARTTLS" as const,
        };
      },
      {
        detail: {
          summary: "Get what a mail program needs to send through this server",
          tags,
          responses: { 200: answer("The same for all teams", smtp), ...errorAnswers },
        },
      },
    );

const mostMembers = 500;

const slugOf = (name: string): string =>
  name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\p{M}/gu, "")
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");

const toRole = (role: Role) => (role === "developer" ? "member" : role);

const toMember = ({ id, name, email, role }: Member) => ({ id, name, email, role: toRole(role) });

function toInvited({ invitation, handing }: Inviting) {
  const { id, teamId, email, role, expiresAt, createdAt } = invitation;
  return {
    ...{ id, team_id: teamId, email, role: toRole(role) },
    expires_at: expiresAt.toISOString(),
    created_at: createdAt.toISOString(),
    ...(handing.kind === "link" && { url: handing.link }),
  };
}
