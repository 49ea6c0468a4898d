import { Elysia } from "elysia";
import { h } from "preact";
import { DomainKeys, DomainPage, DomainRecords, DomainStanding } from "../../views/domain.tsx";
import {
  DomainRows,
  DomainsPage,
  NewDomainPage,
  type NewDomainProps,
  type NewDomainValues,
} from "../../views/domains.tsx";
import type { App } from "../app.ts";
import { isHeldByOthers, listClaims } from "../domains/claim.ts";
import { createDomain, type NewDomain, readDomain } from "../domains/create.ts";
import { recordsOf, withMissing } from "../domains/records.ts";
import { listSigningKeys, rotateKeys } from "../domains/rotate.ts";
import type { Domain } from "../domains/schema.ts";
import { deleteDomain, getDomain, listDomains } from "../domains/service.ts";
import { type DomainChanges, updateDomain } from "../domains/update.ts";
import { startVerification } from "../domains/verify.ts";
import { toZoneFile } from "../domains/zone-file.ts";
import { Refusal } from "../errors.ts";
import { listDomainKeys } from "../keys/service.ts";
import { allMistakesOf, mistakesOf } from "./mistakes.ts";
import type { Form } from "./request.ts";
import { keysetOf, signedIn, sliceOf, type Visit } from "./visit.ts";

const place = "domains";
/** Of the newest claims, beside the domains; all of them have a page. */
const claimsShown = 9;

export const domainPages = (app: App) =>
  new Elysia({ prefix: "/domains" })
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const page = keysetOf(query);
      const { rows, next } = sliceOf(await listDomains(app, visit.teamId, page), page);
      const list = { domains: await withMissing(app, rows), next, now: app.now() };
      if (visit.wantsPiece) return visit.piece(h(DomainRows, list));
      const newest = { limit: claimsShown };
      const claims = sliceOf(await listClaims(app, visit.teamId, newest), newest);
      return visit.page(
        { title: "Domains", place },
        h(DomainsPage, { ...list, claims: claims.rows, hasMoreClaims: claims.next !== undefined }),
      );
    })
    .get("/new", async ({ visit }) => {
      const values = newDomainOf(visit.form);
      return newDomainPage(visit, { values, mistakes: {}, canClaim: false });
    })
    .post("", async ({ visit }) => {
      const values = newDomainOf(visit.form);
      visit.act(`Added the domain ${values.name}`, "");
      try {
        const { id } = await createDomain(app, visit.teamId, toNewDomain(values));
        // Elsewhere its owner has to publish the records first.
        if (app.sandbox) await startVerification(app, visit.teamId, id);
        return visit.done(`/admin/domains/${id}`, "The domain is added.");
      } catch (error) {
        const isTaken = error instanceof Refusal && error.code === "already_exists";
        const canClaim = isTaken && (await isHeldByOthers(app, visit.teamId, values.name));
        const mistakes = canClaim ? {} : await mistakesOfNewDomain(app, visit, values, error);
        return newDomainPage(visit, { values, mistakes, canClaim }, 422);
      }
    })
    .get("/:id", async ({ visit, params }) => {
      const domain = await getDomain(app, visit.teamId, params.id);
      return domainPage(app, visit, domain);
    })
    .get("/:id/live", async ({ visit, params }) => {
      await getDomain(app, visit.teamId, params.id);
      return visit.live(async () => {
        const { domain, records, keys } = await factsOf(app, visit, params.id);
        return {
          "domain-standing": h(DomainStanding, { domain, isSandbox: app.sandbox }),
          "domain-records": h(DomainRecords, { records }),
          "domain-keys": h(DomainKeys, { domain, keys }),
        };
      });
    })
    .post("/:id/verify", async ({ visit, params }) => {
      const { name } = await getDomain(app, visit.teamId, params.id);
      visit.act(`Had the records of ${name} looked up`);
      await startVerification(app, visit.teamId, params.id);
      return visit.done(`/admin/domains/${params.id}`, "The records are being looked up.");
    })
    .post("/:id/rotate", async ({ visit, params }) => {
      const { name } = await getDomain(app, visit.teamId, params.id);
      visit.act(`Made new DKIM keys for ${name}`);
      const { firstVerifiedAt } = await rotateKeys(app, visit.teamId, params.id);
      const what = firstVerifiedAt ? "Publish the records of the new keys" : "Publish the new records";
      return visit.done(`/admin/domains/${params.id}`, `New keys are made. ${what}: they are shown below.`);
    })
    .post("/:id/settings", async ({ visit, params }) => {
      const domain = await getDomain(app, visit.teamId, params.id);
      const settings = settingsOf(visit.form);
      visit.act(`Changed the settings of ${domain.name}`);
      try {
        await updateDomain(app, visit.teamId, domain.id, changesTo(domain, settings));
        return visit.done(`/admin/domains/${domain.id}`, "The settings are saved.");
      } catch (error) {
        const mistakes = mistakesOf(error, ["tracking_subdomain", "capabilities"]);
        return domainPage(app, visit, domain, { settings, mistakes, status: 422 });
      }
    })
    .post("/:id/remove", async ({ visit, params }) => {
      const { name } = await getDomain(app, visit.teamId, params.id);
      visit.act(`Removed the domain ${name}`);
      await deleteDomain(app, visit.teamId, params.id);
      return visit.done("/admin/domains", `${name} is removed. Its DNS records can go, too.`);
    });

export const mistakesOfNewDomain = (app: App, { teamId }: Visit, values: NewDomainValues, error: unknown) =>
  allMistakesOf(error, {
    values,
    right: {
      name: { name: "example.com" },
      custom_return_path: { customReturnPath: "" },
      tracking_subdomain: { trackingSubdomain: "" },
    },
    judge: async (given) => readDomain(app, teamId, toNewDomain(given)),
  });

function newDomainPage(visit: Visit, props: Omit<NewDomainProps, "csrf">, status = 200) {
  return visit.page(
    { title: "Add a domain", place, status },
    h(NewDomainPage, { csrf: visit.csrf, ...props }),
  );
}

/** What its page shows and keeps live. */
async function factsOf(app: App, { teamId }: Visit, id: string) {
  const domain = await getDomain(app, teamId, id);
  const [records, keys] = await Promise.all([recordsOf(app, domain), listSigningKeys(app, teamId, id)]);
  return { domain, records, keys };
}

interface Given {
  settings: ReturnType<typeof settingsOf>;
  mistakes: Partial<Record<"tracking_subdomain" | "capabilities" | "form", string>>;
  status: number;
}

async function domainPage(app: App, visit: Visit, { id }: Domain, given?: Given): Promise<Response> {
  const { domain, records, keys } = await factsOf(app, visit, id);
  const { openTracking, clickTracking, trackingLabel, tls, sending, receiving } = domain;
  const kept = {
    ...{ openTracking, clickTracking, tls, sending, receiving },
    trackingSubdomain: trackingLabel ?? "",
  };
  return visit.page(
    { title: domain.name, place, live: `/admin/domains/${id}/live`, status: given?.status },
    h(DomainPage, {
      ...{ domain, records, keys },
      zoneFile: toZoneFile(records),
      boundKeys: await listDomainKeys(app, visit.teamId, id),
      isSandbox: app.sandbox,
      csrf: visit.csrf,
      settings: given?.settings ?? kept,
      mistakes: given?.mistakes ?? {},
    }),
  );
}

/** What somebody has typed about a domain to add, or to claim. */
export function newDomainOf(form: Form): NewDomainValues {
  return {
    name: form.text("name"),
    customReturnPath: form.text("custom_return_path"),
    trackingSubdomain: form.text("tracking_subdomain"),
    openTracking: form.isTicked("open_tracking"),
    clickTracking: form.isTicked("click_tracking"),
    receiving: form.isTicked("receiving"),
    tls: form.text("tls") || "opportunistic",
  };
}

export function toNewDomain(values: NewDomainValues): NewDomain {
  const { name, openTracking, clickTracking, receiving, tls } = values;
  return {
    ...{ name, openTracking, clickTracking },
    customReturnPath: values.customReturnPath || undefined,
    trackingSubdomain: values.trackingSubdomain || undefined,
    tls: readTls(tls),
    capabilities: { sending: true, receiving },
  };
}

function settingsOf(form: Form) {
  return {
    openTracking: form.isTicked("open_tracking"),
    clickTracking: form.isTicked("click_tracking"),
    trackingSubdomain: form.text("tracking_subdomain"),
    tls: form.text("tls"),
    sending: form.isTicked("sending"),
    receiving: form.isTicked("receiving"),
  };
}

/** Only what is other than it was, so that two people who change different things do not undo each other. */
function changesTo(domain: Domain, wanted: ReturnType<typeof settingsOf>): DomainChanges {
  const { openTracking, clickTracking, trackingSubdomain, sending, receiving } = wanted;
  const tls = readTls(wanted.tls);
  return {
    ...(openTracking !== domain.openTracking && { openTracking }),
    ...(clickTracking !== domain.clickTracking && { clickTracking }),
    ...(trackingSubdomain !== (domain.trackingLabel ?? "") && {
      trackingSubdomain: trackingSubdomain || null,
    }),
    ...(tls !== domain.tls && { tls }),
    capabilities: {
      ...(sending !== domain.sending && { sending }),
      ...(receiving !== domain.receiving && { receiving }),
    },
  };
}

function readTls(text: string): Domain["tls"] {
  return text === "enforced" ? "enforced" : "opportunistic";
}
