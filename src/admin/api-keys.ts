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
import { getDomainNamed, listDomains } from "../domains/service.ts";
import { listDomainNames } from "../domains/store.ts";
import { Refusal } from "../errors.ts";
import type { ApiKey } from "../keys/schema.ts";
import { changeKey, createKey, getKey, listTeamKeys, revokeKey } from "../keys/service.ts";
import { getLogs } from "../logs/read.ts";
import { atLeast } from "../roles.ts";
import { mistakesOf } from "./mistakes.ts";
import { keysetOf, signedIn, sliceOf, type Visit } from "./visit.ts";

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
        domains: await listDomainNames(app.db, visit.teamId, domainIdsOf(rows)),
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
        domain: visit.form.text("domain"),
        allowedIps: visit.form.text("allowed_ips"),
      };
      visit.act(`Created the API key “${values.name}”`, "");
      try {
        const { domain, ...rest } = values;
        const { token } = await createKey(app, visit.teamId, {
          ...rest,
          domainId: domain === "" ? null : await domainIdOf(app, visit, domain),
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
  const domains = await listDomainNames(app.db, visit.teamId, domainIdsOf([apiKey]));
  // A key that was never used has no requests to look for.
  const requests = apiKey.lastUsedAt
    ? (await getLogs(app, visit.teamId, { keyId: apiKey.id }, { limit: requestsShown })).rows
    : [];
  const kept = { name: apiKey.name, allowedIps: apiKey.allowedIps.join("\n") };
  return visit.page(
    { title: apiKey.name, place: "api-keys", status: given ? 422 : 200 },
    h(KeyPage, {
      ...{ apiKey, requests, isAdmin: isAdmin(visit), csrf: visit.csrf, now: app.now() },
      domain: apiKey.domainId === null ? undefined : domains.get(apiKey.domainId),
      ...(given ?? { values: kept, mistakes: {} }),
    }),
  );
}

const isAdmin = ({ role }: Visit): boolean => atLeast(role, "admin");

/** Of the domains, as many as the browser offers; any other is written by its name. */
const mostChoices = 200;

const domainIdsOf = (keys: ApiKey[]): string[] =>
  keys.flatMap(({ domainId }) => (domainId === null ? [] : [domainId]));

async function domainIdOf(app: App, { teamId }: Visit, name: string): Promise<string> {
  const domain = await getDomainNamed(app, teamId, name).catch((error) => {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal("validation_error", "Invalid `domain_id` field. Your team has no such domain.");
  });
  return domain.id;
}

async function formOf(
  app: App,
  visit: Visit,
  given: Partial<Pick<KeyFormProps, "values" | "mistakes">> = {},
): Promise<KeyFormProps> {
  return {
    csrf: visit.csrf,
    isAdmin: isAdmin(visit),
    domains: (await listDomains(app, visit.teamId, { limit: mostChoices })).map(({ name }) => name),
    values: { name: "", permission: "sending_access", domain: "", allowedIps: "" },
    mistakes: {},
    ...given,
  };
}
