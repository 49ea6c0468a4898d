import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import { changeRole, getMember, listMembers, type Member, removeMember } from "../accounts/members.ts";
import type { Invitation, Team } from "../accounts/schema.ts";
import { passOn } from "../accounts/sessions.ts";
import { createTeam, getTeam } from "../accounts/teams.ts";
import type { App } from "../app.ts";
import type { AuditEntry } from "../audit/schema.ts";
import { listAudit } from "../audit/service.ts";
import {
  type Inviting,
  inviteAgain,
  invitedRoles,
  type ListedInvitation,
  listInvitations,
  takeBack,
} from "../invitations/service.ts";
import { roles } from "../roles.ts";
import { actingAs } from "./acting.ts";
import { authenticated, authenticatedPerson } from "./auth.ts";
import { shown } from "./example.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers, listOf } from "./openapi.ts";
import { inviteAs, renameTeamAs } from "./team-acts.ts";

const tags = ["Team"];
const id = Type.String({ format: "uuid" });
const time = Type.String({ format: "date-time" });
const role = Type.String({ enum: [...roles] });

const renaming = t.Object(
  { name: t.String({ description: "1 to 100 characters.", examples: ["Acme"] }) },
  { additionalProperties: true },
);
const creation = t.Object(
  { name: t.String({ description: "1 to 100 characters.", examples: ["Acme Labs"] }) },
  { additionalProperties: true },
);
const roleChange = t.Object(
  { role: t.String({ description: `${roles.join(", ")}.`, examples: ["developer"] }) },
  { additionalProperties: true },
);
const invitationRequest = t.Object(
  {
    email: t.String(),
    role: t.String({ description: `${invitedRoles.join(", ")}.`, examples: ["developer"] }),
  },
  { additionalProperties: true },
);

const team = Type.Object({ object: Type.Literal("team"), id, name: Type.String(), created_at: time });
const madeTeam = Type.Object({
  ...team.properties,
  token: Type.String({ description: "Does in the new team what the one that asked does in its own." }),
});
const memberFields = {
  id,
  email: Type.String(),
  name: Type.String(),
  role,
  is_disabled: Type.Boolean({ description: "Whether the person is locked out of the whole server." }),
  created_at: Type.String({ format: "date-time", description: "When they joined." }),
};
const member = Type.Object({ object: Type.Literal("member"), ...memberFields });
const removed = Type.Object({ object: Type.Literal("member"), id, deleted: Type.Literal(true) });
const invitationFields = {
  id,
  email: Type.String(),
  role,
  invited_by: Type.String({ examples: ["ada@example.com"] }),
  expires_at: time,
  created_at: time,
};
const listedInvitation = {
  ...invitationFields,
  has_come_back: Type.Boolean({
    description:
      "Whether its mail could not be delivered: its link leads nowhere, and it is to be sent again.",
  }),
};
const invited = Type.Object({
  object: Type.Literal("invitation"),
  ...invitationFields,
  email_id: Type.Union([id, Type.Null()], { description: "The email that carries the link." }),
  url: Type.Union([Type.String(), Type.Null()], {
    description:
      "The link, shown this once, where it could not be mailed: no domain of the team is verified, the address is suppressed, or mail to it is received here.",
  }),
});
const takenBack = Type.Object({ object: Type.Literal("invitation"), id, deleted: Type.Literal(true) });
const auditItem = Type.Object({
  id,
  created_at: time,
  actor: Type.String({
    description: "The address of the person, or the key, that did it.",
    examples: ["ada@example.com"],
  }),
  action: Type.String({ examples: ["Created the API key “Production”"] }),
  subject_id: Type.Union([Type.String(), Type.Null()], {
    description: "What it was done to.",
    examples: ["019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b"],
  }),
  address: Type.String(),
});

export const teamRoutes = (app: App) =>
  new Elysia().use(ownTeamRoutes(app)).use(anotherTeamRoutes(app)).use(auditRoutes(app));

/** The team, its people and whom they have invited. A key with full access does what an admin may. */
const ownTeamRoutes = (app: App) =>
  new Elysia({ prefix: "/team" })
    .use(authenticated(app, "full_access"))
    .get("", async ({ caller }) => toTeam(await getTeam(app, caller.teamId)), {
      detail: {
        summary: "Get the team",
        tags,
        responses: { 200: answer("The team", team), ...errorAnswers },
      },
    })
    .patch("", async ({ caller, body, asked }) => toTeam(await renameTeamAs(app, caller, asked, body.name)), {
      parse: "json",
      body: shown(renaming),
      detail: {
        summary: "Rename the team",
        tags,
        responses: { 200: answer("Renamed", team), ...bodyErrorAnswers },
      },
    })
    .get(
      "/members",
      async ({ caller, query }) => {
        const page = readPage(query, "paged");
        return listAnswer(await listMembers(app, caller.teamId, page), page, toMember);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List the team's members",
          tags,
          responses: {
            200: answer("A page, the newest accounts first", listOf(Type.Object(memberFields))),
            ...errorAnswers,
          },
        },
      },
    )
    .patch(
      "/members/:id",
      async ({ caller, params, body, asked }) => {
        const { email } = await getMember(app, caller.teamId, params.id);
        const act = `Made ${email} ${body.role}`;
        return actingAs(app, caller, asked, act, params.id, async () => ({
          object: "member" as const,
          ...toMember(await changeRole(app, caller.teamId, params.id, body.role)),
        }));
      },
      {
        parse: "json",
        body: shown(roleChange),
        detail: {
          summary: "Give a member another role",
          tags,
          responses: { 200: answer("Changed from now on", member), ...bodyErrorAnswers },
        },
      },
    )
    .delete(
      "/members/:id",
      async ({ caller, params, asked }) => {
        const { id, email } = await getMember(app, caller.teamId, params.id);
        await actingAs(app, caller, asked, `Removed ${email} from the team`, id, () =>
          removeMember(app, caller.teamId, id),
        );
        return { object: "member" as const, id, deleted: true as const };
      },
      {
        detail: {
          summary: "Remove a member from the team",
          tags,
          responses: { 200: answer("Removed from now on", removed), ...errorAnswers },
        },
      },
    )
    .get(
      "/invitations",
      async ({ caller, query }) => {
        const page = readPage(query, "unpaged");
        return listAnswer(await listInvitations(app, caller.teamId, page), page, toListed);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List open invitations",
          tags,
          responses: {
            200: answer("The newest first", listOf(Type.Object(listedInvitation))),
            ...errorAnswers,
          },
        },
      },
    )
    .post(
      "/invitations",
      async ({ caller, body, asked, set }) => {
        const made = await inviteAs(app, caller, asked, body);
        set.status = 201;
        set.headers["cache-control"] = "no-store";
        return toInvited(made);
      },
      {
        parse: "json",
        body: shown(invitationRequest),
        detail: {
          summary: "Invite somebody to the team",
          tags,
          responses: {
            201: answer("Invited by mail, from a verified domain of the team", invited),
            ...bodyErrorAnswers,
          },
        },
      },
    )
    .post(
      "/invitations/:id/resend",
      async ({ caller, params, asked, set }) => {
        set.headers["cache-control"] = "no-store";
        return toInvited(
          await actingAs(app, caller, asked, "Sent an invitation again", params.id, () =>
            inviteAgain(app, caller.teamId, params.id),
          ),
        );
      },
      {
        detail: {
          summary: "Send an invitation again, with a new link",
          tags,
          responses: { 200: answer("Sent again; the old link leads nowhere now", invited), ...errorAnswers },
        },
      },
    )
    .delete(
      "/invitations/:id",
      async ({ caller, params, asked }) => {
        await actingAs(app, caller, asked, "Took an invitation back", params.id, () =>
          takeBack(app, caller.teamId, params.id),
        );
        return { object: "invitation" as const, id: params.id.toLowerCase(), deleted: true as const };
      },
      {
        detail: {
          summary: "Take an invitation back",
          tags,
          responses: { 200: answer("Its link leads nowhere now", takenBack), ...errorAnswers },
        },
      },
    );

const anotherTeamRoutes = (app: App) =>
  new Elysia({ prefix: "/team" }).use(authenticatedPerson(app)).post(
    "",
    async ({ caller, body, asked, set }) => {
      const { teamId, userId } = caller;
      const user = await getMember(app, teamId, userId);
      const made = await createTeam(app, user, body.name, asked?.address ?? "");
      set.status = 201;
      set.headers["cache-control"] = "no-store";
      return { ...toTeam(made), token: await passOn(app, caller, made.id) };
    },
    {
      parse: "json",
      body: shown(creation),
      detail: {
        summary: "Make another team",
        description: "For people alone, viewers too, with the token of a login: who makes it is its owner.",
        tags,
        responses: { 201: answer("Made, with a token for it", madeTeam), ...bodyErrorAnswers },
      },
    },
  );

const auditRoutes = (app: App) =>
  new Elysia({ prefix: "/audit-log" }).use(authenticated(app, "full_access")).get(
    "",
    async ({ caller, query }) => {
      const page = readPage(query, "paged");
      return listAnswer(await listAudit(app, caller.teamId, page), page, toAuditItem);
    },
    {
      query: pageQuery,
      detail: {
        summary: "List who did what in the admin, and to the team by API",
        tags,
        responses: { 200: answer("A page, newest first", listOf(auditItem)), ...errorAnswers },
      },
    },
  );

function toTeam({ id, name, createdAt }: Team) {
  return { object: "team" as const, id, name, created_at: createdAt.toISOString() };
}

function toMember({ id, email, name, role, disabledAt, createdAt }: Member) {
  return { id, email, name, role, is_disabled: disabledAt !== null, created_at: createdAt.toISOString() };
}

function toInvitation({ id, email, role, invitedBy, expiresAt, createdAt }: Invitation) {
  return {
    id,
    email,
    role,
    invited_by: invitedBy,
    expires_at: expiresAt.toISOString(),
    created_at: createdAt.toISOString(),
  };
}

function toListed(invitation: ListedInvitation) {
  return { ...toInvitation(invitation), has_come_back: invitation.hasComeBack };
}

function toInvited({ invitation, handing }: Inviting) {
  return {
    object: "invitation" as const,
    ...toInvitation(invitation),
    email_id: handing.kind === "mailed" ? handing.emailId : null,
    url: handing.kind === "link" ? handing.link : null,
  };
}

function toAuditItem({ id, createdAt, email, act, subject, address }: AuditEntry) {
  return {
    id,
    created_at: createdAt.toISOString(),
    actor: email,
    action: act,
    subject_id: subject || null,
    address,
  };
}
