import { Elysia } from "elysia";
import { h } from "preact";
import {
  type KeyFormProps,
  KeyPage,
  type KeyPageProps,
  KeyRows,
  KeysPage,
  MadeKeyPage,
  NewKeyPage,
} from "../../views/api-keys.tsx";
import type { App } from "../app.ts";
import { listDomains } from "../domains/service.ts";
import type { ApiKey } from "../keys/schema.ts";
import { changeKey, createKey, getKey, listTeamKeys, revokeKey } from "../keys/service.ts";
import { getLogs } from "../logs/read.ts";
import { atLeast } from "../roles.ts";
import { keysetOf, mistakesOf, signedIn, sliceOf, type Visit } from "./visit.ts";

export const keyPages = (app: App) =>
  new Elysia({ prefix: "/api-keys" })
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const page = keysetOf(query);
      const { rows, next } = sliceOf(await listTeamKeys(app, visit.teamId, page), page);
      const list = {
        keys: rows,
        next,
        isAdmin: isAdmin(visit),
        domains: await domainNames(app, visit),
        now: app.now(),
        csrf: visit.csrf,
      };
      if (visit.wantsPiece) return visit.piece(h(KeyRows, list));
      return visit.page(
        { title: "API keys", place: "api-keys" },
        h(KeysPage, { ...list, form: await formOf(app, visit) }),
      );
    })
    .post("", async ({ visit }) => {
      const values = {
        name: visit.form.text("name"),
        permission: visit.form.text("permission"),
        domainId: visit.form.text("domain_id"),
        allowedIps: visit.form.text("allowed_ips"),
      };
      visit.act(`Created the API key “${values.name}”`, "");
      try {
        const { token } = await createKey(app, visit.teamId, {
          ...values,
          domainId: values.domainId || null,
          allowedIps: values.allowedIps.split(/[\s,]+/).filter(Boolean),
        });
        return visit.page(
          { title: "API keys", place: "api-keys", status: 201 },
          h(MadeKeyPage, { name: values.name, token }),
        );
      } catch (error) {
        const mistakes = mistakesOf(error, ["name", "permission", "domain_id", "allowed_ips"]);
        const form = await formOf(app, visit, { values, mistakes });
        return visit.page({ title: "API keys", place: "api-keys", status: 422 }, h(NewKeyPage, form));
      }
    })
    .get("/:id", async ({ visit, params }) => keyPage(app, visit, await getKey(app, visit.teamId, params.id)))
    .post("/:id", async ({ visit, params }) => {
      const key = await getKey(app, visit.teamId, params.id);
      const values = { name: visit.form.text("name"), allowedIps: visit.form.text("allowed_ips") };
      const allowedIps = values.allowedIps.split(/[\s,]+/).filter(Boolean);
      visit.act(`Changed the API key “${key.name}”`);
      try {
        await changeKey(app, visit.teamId, key.id, { name: values.name, allowedIps });
        return visit.done(`/admin/api-keys/${key.id}`, "The key is changed.");
      } catch (error) {
        return keyPage(app, visit, key, { values, mistakes: mistakesOf(error, ["name", "allowed_ips"]) });
      }
    })
    .post("/:id/revoke", async ({ visit, params }) => {
      visit.act("Revoked an API key");
      await revokeKey(app, visit.teamId, params.id);
      return visit.done("/admin/api-keys", "The key is revoked: what used it is refused from now on.");
    });

/** Of a key's requests; the log is looked through from its end, and no further than it looks in one go. */
const requestsShown = 10;

async function keyPage(
  app: App,
  visit: Visit,
  apiKey: ApiKey,
  given?: Pick<KeyPageProps, "values" | "mistakes">,
): Promise<Response> {
  const domains = await domainNames(app, visit);
  // A key that was never used has no requests to look for.
  const requests = apiKey.lastUsedAt
    ? (await getLogs(app, visit.teamId, { keyId: apiKey.id }, { limit: requestsShown })).rows
    : [];
  const kept = { name: apiKey.name, allowedIps: apiKey.allowedIps.join("\n") };
  return visit.page(
    { title: apiKey.name, place: "api-keys", status: given ? 422 : 200 },
    h(KeyPage, {
      ...{ apiKey, requests, isAdmin: isAdmin(visit), csrf: visit.csrf, now: app.now() },
      domain: apiKey.domainId === null ? undefined : domains[apiKey.domainId],
      ...(given ?? { values: kept, mistakes: {} }),
    }),
  );
}

const isAdmin = ({ role }: Visit): boolean => atLeast(role, "admin");

async function domainNames(app: App, { teamId }: Visit): Promise<Record<string, string>> {
  const domains = await listDomains(app, teamId, { limit: undefined });
  return Object.fromEntries(domains.map(({ id, name }) => [id, name]));
}

async function formOf(
  app: App,
  visit: Visit,
  given: Partial<Pick<KeyFormProps, "values" | "mistakes">> = {},
): Promise<KeyFormProps> {
  return {
    csrf: visit.csrf,
    isAdmin: isAdmin(visit),
    domains: await domainNames(app, visit),
    values: { name: "", permission: "sending_access", domainId: "", allowedIps: "" },
    mistakes: {},
    ...given,
  };
}
