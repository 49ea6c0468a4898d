import { Elysia } from "elysia";
import { h } from "preact";
import { AuditPage, AuditRows, SendingPage, TeamPage, type TeamPageProps } from "../../views/settings.tsx";
import { switchTeam } from "../accounts/sign-ins.ts";
import { createTeam, renameTeam } from "../accounts/teams.ts";
import type { App } from "../app.ts";
import { listAudit } from "../audit/service.ts";
import { clientAddressReader } from "../client-address.ts";
import { smtpAccess, toldSettings } from "../config/told.ts";
import { atLeast } from "../roles.ts";
import { mistakesOf } from "./mistakes.ts";
import { keysetOf, signedIn, sliceOf, type Visit } from "./visit.ts";

/** What a team is and how the server is set; its people are in `people.ts`, a person's own account in `account.ts`. */
export const settingsPages = (app: App) => {
  const clientAddress = clientAddressReader(app.config.server.trustedProxies);
  const team = (visit: Visit, given: Partial<Pick<TeamPageProps, "values" | "mistakes">> = {}) =>
    visit.page(
      { title: "Team", place: "settings", ...(given.mistakes && { status: 422 }) },
      h(TeamPage, {
        ...{ csrf: visit.csrf, team: visit.team, role: visit.role },
        mayManage: atLeast(visit.role, "admin"),
        values: { name: visit.team.name, newName: "" },
        mistakes: {},
        ...given,
      }),
    );
  return new Elysia({ prefix: "/settings" })
    .use(signedIn(app))
    .get("", ({ visit }) => team(visit))
    .post("", async ({ visit }) => {
      const name = visit.form.text("name");
      visit.act(`Renamed the team to “${name}”`, visit.teamId);
      try {
        await renameTeam(app, visit.teamId, name);
      } catch (error) {
        if (!atLeast(visit.role, "admin")) throw error; // their page has no such form
        return team(visit, { values: { name, newName: "" }, mistakes: mistakesOf(error, ["name"]) });
      }
      return visit.done("/admin/settings", "The team is renamed.");
    })
    .post("/teams", async ({ visit, request, server }) => {
      const newName = visit.form.text("new_name");
      visit.act("Made another team", visit.user.id); // its name is not this team's to know
      try {
        const made = await createTeam(app, visit.user, newName, clientAddress(request, server));
        await switchTeam(app, visit, made.id);
        return visit.done("/admin/settings", `This is ${made.name}, of which you are the owner.`);
      } catch (error) {
        const { name, form } = mistakesOf(error, ["name"]);
        const mistakes = { new_name: name ?? form };
        return team(visit, { values: { name: visit.team.name, newName }, mistakes });
      }
    })
    .get("/sending", ({ visit }) =>
      visit.page(
        { title: "Sending and SMTP", place: "settings" },
        h(SendingPage, {
          smtp: smtpAccess(app.config, app.sandbox),
          publicUrl: app.config.server.publicUrl,
          keys: toldSettings(app.config),
        }),
      ),
    )
    .get("/audit-log", async ({ visit, query }) => {
      const page = keysetOf(query);
      const { rows, next } = sliceOf(await listAudit(app, visit.teamId, page), page);
      const list = { entries: rows, next, now: app.now() };
      if (visit.wantsPiece) return visit.piece(h(AuditRows, list));
      return visit.page({ title: "Audit log", place: "settings" }, h(AuditPage, list));
    });
};
