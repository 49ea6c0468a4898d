import { type App, atomically } from "../app.ts";
import type { Keyset, Numbers, Place } from "../db/page.ts";
import { expectChange } from "../db/write.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { removeWaitingJob } from "../jobs/store.ts";
import { forgetKeys } from "../keys/authenticate.ts";
import type { DkimKey } from "../mail/dkim.ts";
import { cancelClaim } from "./claim-store.ts";
import { recordDomainEvent } from "./events.ts";
import { domainsByName, forgetDomains, keysByDomain } from "./memory.ts";
import { readDomainName } from "./name.ts";
import { recordsOf } from "./records.ts";
import type { DkimKeyRow, Domain } from "./schema.ts";
import {
  deleteDomainRow,
  findDomain,
  findDomainById,
  findDomainByName,
  findDomainPlace,
  listDomainsOf,
  listFirstVerified,
  listKeys,
} from "./store.ts";

/** What an email needs to know of the domain it is sent from. */
export type SendingDomain = Pick<
  Domain,
  | "id"
  | "teamId"
  | "name"
  | "returnPathLabel"
  | "openTracking"
  | "clickTracking"
  | "trackingLabel"
  | "trackingVerifiedAt"
  | "tls"
>;

/** Another team's domain is as absent as one that never was. */
export async function getDomain(app: App, teamId: string, id: string): Promise<Domain> {
  const domain = await findDomain(app.db, teamId, id);
  if (!domain) throw domainMissing();
  return domain;
}

/** The same by its name, as somebody writes it. */
export async function getDomainNamed(app: App, teamId: string, name: string): Promise<Domain> {
  const domain = await findDomainByName(app.db, readDomainName(name));
  if (domain?.teamId !== teamId) throw domainMissing();
  return domain;
}

/** One page and one row more, newest first. */
export async function listDomains(app: App, teamId: string, page: Keyset): Promise<Domain[]> {
  return listDomainsOf(app.db, teamId, page);
}

export const findDomainsPlace = (app: App, teamId: string, numbers: Numbers): Promise<Place> =>
  findDomainPlace(app.db, teamId, numbers);

/** The names of the oldest domains that a team may send from, for whoever writes a sender. */
export async function listSendingDomains(app: App, teamId: string, limit: number): Promise<string[]> {
  return (await listFirstVerified(app.db, teamId, limit)).map(({ name }) => name);
}

/**
 * Removes a domain with its keys; the API keys that may send from it alone go too. Where a claim has yet to bring the
 * domain, that takes the claim back.
 */
export async function deleteDomain(app: App, teamId: string, id: string): Promise<void> {
  const domain = await findDomain(app.db, teamId, id);
  if (!domain) {
    await atomically(app, [cancelClaim(app.db, teamId, id, app.now()), expectChange()]).catch(refuseMissing);
    return;
  }
  const event = recordDomainEvent(app, "domain.deleted", domain, await recordsOf(app, domain));
  await atomically(app, [
    deleteDomainRow(app.db, teamId, id),
    expectChange(),
    ...(domain.checkJobId === null ? [] : [removeWaitingJob(domain.checkJobId)]),
    ...event,
  ]).catch(refuseMissing);
  forgetDomains(app);
  forgetKeys(app);
}

/**
 * The domain of an address, when this team may send from it. Exactly that domain: nobody who verified `example.com` has
 * shown that `shop.example.com` is theirs, nor published a key there.
 */
export async function findSendingDomain(
  app: App,
  teamId: string,
  name: string,
): Promise<SendingDomain | undefined> {
  const domain = await domainsByName.recall(app, name, () => findDomainByName(app.db, name));
  return domain?.teamId === teamId && domain.sending && domain.verifiedAt !== null ? domain : undefined;
}

/** A domain that a team can't send from now. */
export interface NotSending {
  name: string;
  /** Where it is the team's. */
  id: string | undefined;
  isVerified: boolean;
}

/** What keeps a team from sending from a domain; undefined where nothing does. */
export async function findNotSending(
  app: App,
  teamId: string,
  name: string,
): Promise<NotSending | undefined> {
  if (await findSendingDomain(app, teamId, name)) return undefined;
  const domain = await findDomainByName(app.db, name);
  const own = domain?.teamId === teamId ? domain : undefined; // whether it is somebody else's is not said
  return { name, id: own?.id, isVerified: Boolean(own?.verifiedAt) };
}

/** A domain to send the team's own mail from; undefined while none is verified. */
export async function findOwnSendingDomain(app: App, teamId: string): Promise<SendingDomain | undefined> {
  const [first] = await listFirstVerified(app.db, teamId, 1);
  return first;
}

/** The keys that sign for a domain, opened, RSA first; none once the domain is gone. */
export async function signingKeysOf(app: App, domainId: string): Promise<DkimKey[]> {
  return keysByDomain.recall(app, domainId, async () => {
    const domain = await findDomainById(app.db, domainId);
    if (!domain) return [];
    const rows = (await listKeys(app.db, domainId)).filter(({ state }) => state === "active");
    rows.sort((a, b) => b.algorithm.localeCompare(a.algorithm)); // rotated each for itself, in any order
    return rows.map((row) => ({
      domain: domain.name,
      selector: row.selector,
      algorithm: row.algorithm,
      privateKey: app.secrets.open(row.sealedPrivateKey, sealingPurpose(row.id)),
    }));
  });
}

/** Ties a sealed key to its row, so that it can't be moved to another domain's. */
export const sealingPurpose = (id: DkimKeyRow["id"]): string => `dkim_keys/${id}`;

/** What a write that found its domain gone means to whoever asked for it. */
export function refuseMissing(error: unknown): never {
  throw error instanceof WriteConflict && error.kind === "stale" ? domainMissing() : error;
}

function domainMissing(): Refusal {
  return new Refusal("not_found", "Domain not found");
}
