import { Elysia } from "elysia";
import { h } from "preact";
import {
  AuditPage,
  AuditRows,
  SendingPage,
  type SendingProps,
  TeamPage,
  type TeamPageProps,
} from "../../views/settings.tsx";
import { switchTeam } from "../accounts/sign-ins.ts";
import { createTeam, renameTeam } from "../accounts/teams.ts";
import type { App } from "../app.ts";
import { listAudit } from "../audit/service.ts";
import { clientAddressReader } from "../client-address.ts";
import { parseListenAddress } from "../config/listen-address.ts";
import { namedKeys } from "../config/schema.ts";
import { atLeast } from "../roles.ts";
import { keysetOf, mistakesOf, signedIn, sliceOf, type Visit } from "./visit.ts";

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
      visit.page({ title: "Sending and SMTP", place: "settings" }, h(SendingPage, sendingOf(app))),
    )
    .get("/audit-log", async ({ visit, query }) => {
      const page = keysetOf(query);
      const { rows, next } = sliceOf(await listAudit(app, visit.teamId, page), page);
      const list = { entries: rows, next, now: app.now() };
      if (visit.wantsPiece) return visit.piece(h(AuditRows, list));
      return visit.page({ title: "Audit log", place: "settings" }, h(AuditPage, list));
    });
};

function sendingOf(app: App): SendingProps {
  const { smtpSubmission, smtpOutbound, server } = app.config;
  return {
    // The sandbox's own name is one that nobody can look up.
    host: app.sandbox ? new URL(server.publicUrl).hostname : smtpOutbound.hostname,
    ports: {
      starttls: parseListenAddress(smtpSubmission.addr).port,
      tls: parseListenAddress(smtpSubmission.tlsAddr).port,
    },
    publicUrl: server.publicUrl,
    keys: shownKeys.map(([path, show]) => {
      const { key, env } = namedKeys.find((each) => each.path === path)!;
      const value = path.split(".").reduce<unknown>((at, name) => (at as never)[name], app.config);
      return { path, env, doc: key.doc, value: show(value) };
    }),
  };
}

const asIs = (value: unknown) => (value === undefined ? "none" : String(value));

/** As the configuration is written: the largest unit that leaves no fraction. */
const inUnits = (units: readonly (readonly [string, number])[]) => (value: unknown) => {
  const one = (amount: unknown) => {
    if (typeof amount !== "number") return String(amount);
    const [unit, size] = units.find(([, size]) => amount % size === 0 && amount >= size) ?? units.at(-1)!;
    return `${amount / size}${unit}`;
  };
  return Array.isArray(value) ? value.map(one).join(", ") : one(value);
};
const duration = inUnits([
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
]);
const size = inUnits([
  ["GB", 1e9],
  ["MB", 1e6],
  ["KB", 1000],
  [" bytes", 1],
]);

/** What people ask about, and no secret among it. */
const shownKeys = [
  ["smtpOutbound.hostname", asIs],
  ["server.publicUrl", asIs],
  ["smtpOutbound.tls", asIs],
  ["smtpOutbound.retryDelays", duration],
  ["smtpOutbound.giveUpAfter", duration],
  ["smtpInbound.maxMessageBytes", size],
  ["server.maxBodyBytes", size],
  ["rateLimit.enabled", asIs],
  ["rateLimit.requestsPerSecond", asIs],
  ["rateLimit.loginsPerMinute", asIs],
  ["retention.content", duration],
  ["retention.inbound", duration],
  ["retention.events", duration],
  ["retention.webhooks", duration],
  ["retention.links", duration],
  ["retention.logs", duration],
  ["auth.registration", asIs],
] as const;
