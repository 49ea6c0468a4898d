import { Elysia, t } from "elysia";
import type { App } from "../app.ts";
import { keyHost } from "../domains/dkim-keys.ts";
import { recordsOf } from "../domains/records.ts";
import { listSigningKeys, type SigningKey } from "../domains/rotate.ts";
import type { Domain } from "../domains/schema.ts";
import { getDomain } from "../domains/service.ts";
import { toZoneFile } from "../domains/zone-file.ts";
import { authenticated } from "./auth.ts";
import { signingKeyList } from "./domain-schemas.ts";
import { answer, errorAnswers } from "./openapi.ts";

/** What the owner of a domain publishes, beside the records that the domain itself is shown with. */
export const domainDnsRoutes = (app: App) =>
  new Elysia({ prefix: "/domains" })
    .use(authenticated(app, "full_access"))
    .get(
      "/:id/dkim",
      async ({ caller, params }) => {
        const domain = await getDomain(app, caller.teamId, params.id);
        const keys = await listSigningKeys(app, caller.teamId, domain.id);
        return {
          object: "list" as const,
          has_more: false,
          data: keys.map((key) => toSigningKey(domain, key)),
        };
      },
      {
        detail: {
          summary: "List the DKIM keys of a domain",
          description:
            "Those that sign, those that wait to be published, and those kept for what they have signed.",
          tags: ["Domains"],
          responses: { 200: answer("All of them, oldest first", signingKeyList), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id/zone",
      async ({ caller, params }) => {
        const domain = await getDomain(app, caller.teamId, params.id);
        return new Response(toZoneFile(await recordsOf(app, domain)), {
          headers: { "content-type": "text/plain; charset=utf-8" },
        });
      },
      {
        detail: {
          summary: "Get the records of a domain as a zone file",
          description: "As name servers and most DNS providers take them in (RFC 1035 §5.1).",
          tags: ["Domains"],
          responses: {
            200: {
              description: "A record a line, with full names",
              content: {
                "text/plain": {
                  schema: t.String({ examples: ["send.example.com. IN MX 10 mail.example.com.\n"] }),
                },
              },
            },
            ...errorAnswers,
          },
        },
      },
    );

function toSigningKey(domain: Domain, key: SigningKey) {
  const { id, selector, algorithm, publicKey, state, createdAt, retireAt } = key;
  return {
    object: "dkim_key" as const,
    ...{ id, selector, host: keyHost(domain, key), algorithm, public_key: publicKey, state },
    signs: state === "active" && domain.firstVerifiedAt !== null,
    created_at: createdAt.toISOString(),
    keep_until: retireAt?.toISOString() ?? null,
  };
}
