import { Elysia } from "elysia";
import { h } from "preact";
import { DocsPage, languages } from "../../views/docs.tsx";
import type { App } from "../app.ts";
import { parseListenAddress } from "../config/listen-address.ts";
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
    const { server, smtpOutbound, smtpSubmission } = app.config;
    const domain =
      domains.find(({ name }) => name === query.domain) ??
      domains.find(({ verifiedAt }) => verifiedAt !== null) ??
      domains[0];
    const key = keys.find(({ id }) => id === query.key) ?? keys[0];
    return visit.page(
      { title: "Documentation", place: "docs" },
      h(DocsPage, {
        url: server.publicUrl,
        smtp: {
          host: app.sandbox ? new URL(server.publicUrl).hostname : smtpOutbound.hostname,
          startTls: portOf(smtpSubmission.addr),
          tls: portOf(smtpSubmission.tlsAddr),
        },
        domains: domains.map(({ name }) => name),
        keys: keys.map(({ id, name }) => [id, name] as const),
        domain: domain && { name: domain.name, isVerified: domain.verifiedAt !== null },
        apiKey: key && { id: key.id, name: key.name },
        language: languages.find((each) => each === query.language) ?? "curl",
        isSandbox: app.sandbox,
      }),
    );
  });

/** Undefined where the system chose it, as in tests: then only the greeting of the server knows it. */
function portOf(address: string): number | undefined {
  const { port } = parseListenAddress(address);
  return port === 0 ? undefined : port;
}
