import { Elysia } from "elysia";
import { h } from "preact";
import { DocsPage, languages } from "../../views/docs.tsx";
import type { App } from "../app.ts";
import { smtpAccess } from "../config/told.ts";
import { listDomains } from "../domains/service.ts";
import { listTeamKeys } from "../keys/service.ts";
import { signedIn } from "./visit.ts";

/** How to use this server, with the team's own names in what there is to copy. */
export const docPages = (app: App) =>
  new Elysia({ prefix: "/docs" }).use(signedIn(app)).get("", async ({ visit, query }) => {
    const [domains, keys] = await Promise.all([
      listDomains(app, visit.teamId, { limit: 50 }),
      listTeamKeys(app, visit.teamId, { limit: 50 }),
    ]);
    const domain =
      domains.find(({ name }) => name === query.domain) ??
      domains.find(({ verifiedAt }) => verifiedAt !== null) ??
      domains[0];
    const key = keys.find(({ id }) => id === query.key) ?? keys[0];
    return visit.page(
      { title: "Documentation", place: "docs" },
      h(DocsPage, {
        url: app.config.server.publicUrl,
        smtp: smtpAccess(app.config, app.sandbox),
        domains: domains.map(({ name }) => name),
        keys: keys.map(({ id, name }) => [id, name] as const),
        domain: domain && { name: domain.name, isVerified: domain.verifiedAt !== null },
        apiKey: key && { id: key.id, name: key.name },
        language: languages.find((each) => each === query.language) ?? "curl",
        isSandbox: app.sandbox,
      }),
    );
  });
