import { Elysia } from "elysia";
import { h } from "preact";
import {
  InvitationsPage,
  type InvitationsProps,
  InvitedPage,
  MemberRows,
  MembersPage,
  type MembersProps,
} from "../../views/people.tsx";
import { changeRole, getMember, listMembers, removeMember } from "../accounts/members.ts";
import type { App } from "../app.ts";
import { type Inviting, invite, inviteAgain, listInvitations, takeBack } from "../invitations/service.ts";
import { atLeast } from "../roles.ts";
import { mistakesOf } from "./mistakes.ts";
import { keysetOf, signedIn, sliceOf, type Visit } from "./visit.ts";

/** Who is in the team, and who is asked to come in. */
export const peoplePages = (app: App) => new Elysia().use(memberPages(app)).use(invitationPages(app));

const memberPages = (app: App) => {
  const members = "/admin/settings/members";
  return new Elysia({ prefix: "/settings/members" })
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const page = keysetOf(query);
      const { rows, next } = sliceOf(await listMembers(app, visit.teamId, page), page);
      const list: MembersProps = {
        ...{ members: rows, next, csrf: visit.csrf, now: app.now(), own: visit.user.id },
        mayManage: atLeast(visit.role, "admin"),
        isOwner: visit.role === "owner",
      };
      if (visit.wantsPiece) return visit.piece(h(MemberRows, list));
      return visit.page({ title: "Members", place: "settings" }, h(MembersPage, list));
    })
    .post("/:id/role", async ({ visit, params }) => {
      const { name } = await getMember(app, visit.teamId, params.id);
      const role = visit.form.text("role");
      visit.act(`Made ${name} ${role}`);
      await changeRole(app, visit.teamId, params.id, role);
      return visit.done(members, `${name} is ${role} from now on.`);
    })
    .post("/:id/remove", async ({ visit, params }) => {
      const { name, email } = await getMember(app, visit.teamId, params.id);
      visit.act(`Removed ${email} from the team`);
      await removeMember(app, visit.teamId, params.id);
      return visit.done(members, `${name} is no longer in this team.`);
    });
};

const invitationPages = (app: App) => {
  const path = "/admin/settings/invitations";
  const page = async (visit: Visit, given: Partial<Pick<InvitationsProps, "values" | "mistakes">> = {}) =>
    visit.page(
      { title: "Invitations", place: "settings", ...(given.mistakes && { status: 422 }) },
      h(InvitationsPage, {
        invitations: await listInvitations(app, visit.teamId),
        mayManage: atLeast(visit.role, "admin"),
        csrf: visit.csrf,
        now: app.now(),
        values: { email: "", role: "developer" },
        mistakes: {},
        ...given,
      }),
    );
  const told = (visit: Visit, { invitation, handing }: Inviting) =>
    handing.kind === "mailed"
      ? visit.done(path, `The invitation is on its way to ${invitation.email}.`)
      : visit.page(
          { title: "Invitations", place: "settings", status: 201 },
          h(InvitedPage, { email: invitation.email, link: handing.link, why: handing.why }),
        );
  return new Elysia({ prefix: "/settings/invitations" })
    .use(signedIn(app))
    .get("", ({ visit }) => page(visit))
    .post("", async ({ visit }) => {
      const values = { email: visit.form.text("email"), role: visit.form.text("role") };
      visit.act(`Invited ${values.email} as ${values.role}`, "");
      try {
        const made = await invite(app, visit.teamId, { ...values, invitedBy: visit.user.email });
        return await told(visit, made);
      } catch (error) {
        if (!atLeast(visit.role, "admin")) throw error; // their page has no such form
        return page(visit, { values, mistakes: mistakesOf(error, ["email", "role"]) });
      }
    })
    .post("/:id/resend", async ({ visit, params }) => {
      visit.act("Sent an invitation again");
      return told(visit, await inviteAgain(app, visit.teamId, params.id));
    })
    .post("/:id/take-back", async ({ visit, params }) => {
      visit.act("Took an invitation back");
      await takeBack(app, visit.teamId, params.id);
      return visit.done(path, "The invitation is taken back: its link leads nowhere now.");
    });
};
