import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { createDomain } from "../domains/create.ts";
import { trackingLabelOf } from "../domains/name.ts";
import { type DomainRecord, isAskedFor, recordsOf } from "../domains/records.ts";
import { rotateKeys } from "../domains/rotate.ts";
import type { Domain } from "../domains/schema.ts";
import { deleteDomain, findDomainsPlace, getDomain, listDomains } from "../domains/service.ts";
import { updateDomain } from "../domains/update.ts";
import { startVerification } from "../domains/verify.ts";
import { authenticated } from "./auth.ts";
import { toChanges, toNewDomain } from "./domain-request.ts";
import {
  changes,
  createdAnswer,
  creation,
  deletedAnswer,
  domainAnswer,
  domainList,
  domainReference,
} from "./domain-schemas.ts";
import { shown } from "./example.ts";
import { listAnswer, readPage } from "./list.ts";
import { askedNumbers, numberedList, numberedNote, numberedPageQuery } from "./numbered.ts";
import { answer, bodyErrorAnswers, errorAnswers } from "./openapi.ts";

export const domainRoutes = (app: App) =>
  new Elysia({ prefix: "/domains" })
    .use(authenticated(app, "full_access"))
    .post(
      "",
      async ({ caller, body, set }) => {
        const domain = await createDomain(app, caller.teamId, toNewDomain(body));
        set.status = 201;
        return toAnswer(domain, await recordsOf(app, domain));
      },
      {
        parse: "json",
        body: shown(creation),
        detail: {
          summary: "Add a domain",
          tags: ["Domains"],
          responses: {
            201: answer("The domain and the records to publish", createdAnswer),
            ...bodyErrorAnswers,
          },
        },
      },
    )
    .get(
      "",
      async ({ caller, query }) => {
        const numbers = askedNumbers(query);
        if (numbers) {
          return numberedList(
            numbers,
            () => findDomainsPlace(app, caller.teamId, numbers),
            (page) => listDomains(app, caller.teamId, page),
            toItem,
          );
        }
        const page = readPage(query, "unpaged");
        return listAnswer(await listDomains(app, caller.teamId, page), page, toItem);
      },
      {
        query: numberedPageQuery,
        detail: {
          summary: "List domains",
          description: numberedNote,
          tags: ["Domains"],
          responses: { 200: answer("The domains, newest first", domainList), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id",
      async ({ caller, params }) => {
        return toWhole(app, await getDomain(app, caller.teamId, params.id));
      },
      {
        detail: {
          summary: "Get a domain",
          tags: ["Domains"],
          responses: { 200: answer("The domain, and what DNS says of it", domainAnswer), ...errorAnswers },
        },
      },
    )
    .patch(
      "/:id",
      async ({ caller, params, body }) => {
        const { id } = await updateDomain(app, caller.teamId, params.id, toChanges(body));
        return { object: "domain", id };
      },
      {
        parse: "json",
        body: shown(changes),
        detail: {
          summary: "Change a domain",
          tags: ["Domains"],
          responses: { 200: answer("Changed", domainReference), ...bodyErrorAnswers },
        },
      },
    )
    .delete(
      "/:id",
      async ({ caller, params }) => {
        await deleteDomain(app, caller.teamId, params.id);
        return { object: "domain", id: params.id, deleted: true };
      },
      {
        detail: {
          summary: "Delete a domain",
          tags: ["Domains"],
          responses: { 200: answer("Deleted, with its keys", deletedAnswer), ...errorAnswers },
        },
      },
    )
    .post(
      "/:id/verify",
      async ({ caller, params }) => {
        const { id } = await startVerification(app, caller.teamId, params.id);
        return { object: "domain", id };
      },
      {
        detail: {
          summary: "Verify a domain",
          tags: ["Domains"],
          responses: { 200: answer("Its records are being looked up", domainReference), ...errorAnswers },
        },
      },
    )
    .post(
      "/:id/dkim/rotate",
      async ({ caller, params }) => toWhole(app, await rotateKeys(app, caller.teamId, params.id)),
      {
        detail: {
          summary: "Give a domain new DKIM keys",
          description:
            "Publish the records of the new keys: they sign as soon as DNS shows them, and the old ones until then. The old records are to stay for a week. While new keys wait, no others are made.",
          tags: ["Domains"],
          responses: {
            200: answer("The domain with the records of old and new keys", domainAnswer),
            ...errorAnswers,
          },
        },
      },
    );

/** A domain with the records to publish and what DNS says of them. */
async function toWhole(app: App, domain: Domain) {
  return { object: "domain", ...toAnswer(domain, await recordsOf(app, domain)) };
}

function toItem(domain: Domain) {
  const { id, name, status, createdAt, region, openTracking, clickTracking, tls } = domain;
  const capability = (isOn: boolean) => (isOn ? "enabled" : "disabled");
  return {
    id,
    name,
    status,
    created_at: createdAt.toISOString(),
    region,
    open_tracking: openTracking,
    click_tracking: clickTracking,
    tracking_subdomain: trackingLabelOf(domain),
    tls,
    capabilities: { sending: capability(domain.sending), receiving: capability(domain.receiving) },
  };
}

/** Clients with closed lists know only the kinds of record in `records`, so what is merely recommended stands apart. */
function toAnswer(domain: Domain, records: DomainRecord[]) {
  return {
    ...toItem(domain),
    checked_at: domain.checkedAt?.toISOString() ?? null,
    checked_until: domain.checkUntil?.toISOString() ?? null,
    records: records.filter(isAskedFor).map(toRecord),
    recommended_records: records.filter((record) => !isAskedFor(record)).map(toRecord),
  };
}

// TXT values stand without the quotes Resend puts around SPF: those belong to zone files, and typed into a DNS
// provider's form they end up inside the record, which is then no SPF record.
function toRecord({ purpose, name, host, type, status, reason, value, found, priority }: DomainRecord) {
  const own = { record: purpose, name, host, type, ttl: "Auto", status, reason, value, found };
  return priority === undefined ? own : { ...own, priority };
}
