import { type App, atomically } from "../app.ts";
import { expectChange } from "../db/write.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { keyHost, makeKeys, nextSelector } from "./dkim-keys.ts";
import { recordDomainEvent } from "./events.ts";
import { forgetDomains } from "./memory.ts";
import { checkRecordHosts } from "./name.ts";
import { wantedRecords, withCheck } from "./records.ts";
import type { DkimKeyRow, Domain } from "./schema.ts";
import { getDomain } from "./service.ts";
import { deleteChecksAt, deleteKey, insertKeys, listChecks, listKeys, touchUnchanged } from "./store.ts";
import { beginChecks } from "./verify.ts";

/** How often a rotation begins anew because the domain was changed while its keys were made. */
const mostTries = 3;

/**
 * Gives a domain new signing keys. They are shown at once, sign as soon as DNS shows them too, and until then the old
 * ones do, so that nothing ever goes out with a signature that can't be verified. Asked for again while keys wait, it
 * makes no others. A domain that never might send has nothing under way that its keys sign: there the new ones simply
 * take the place of the old. One that may not just now (its SPF record is gone, sending is off for an hour) is another
 * matter: what it has accepted, scheduled mail too, still goes out with its old keys.
 */
export async function rotateKeys(app: App, teamId: string, id: string): Promise<Domain> {
  let known: Set<string> | undefined;
  for (let left = mostTries; left > 0; left--) {
    const domain = await getDomain(app, teamId, id);
    const keys = await listKeys(app.db, id);
    known ??= new Set(keys.map((key) => key.id));
    // Waiting ones, or those of another request at this moment: they are as new as what is asked for.
    if (keys.some((key) => key.state === "pending" || !known?.has(key.id))) return domain;
    const rotated = await rotateOnce(app, domain, keys).catch((error: unknown) => {
      // Verified, deleted or rotated meanwhile: what is to be done has to be decided anew.
      if (error instanceof WriteConflict && (error.kind === "stale" || error.kind === "unique"))
        return undefined;
      throw error;
    });
    if (rotated) return rotated;
  }
  throw new Refusal("service_unavailable", "The domain is being changed right now: try again in a moment.");
}

/** A signing key without its private half. */
export type SigningKey = Omit<DkimKeyRow, "sealedPrivateKey">;

/** A domain's keys: those that sign, those that wait to be published, and those kept for what they have signed. */
export async function listSigningKeys(app: App, teamId: string, id: string): Promise<SigningKey[]> {
  await getDomain(app, teamId, id);
  const now = app.now();
  return (await listKeys(app.db, id))
    .filter(({ retireAt }) => retireAt === null || retireAt > now)
    .map(({ sealedPrivateKey: _, ...key }) => key);
}

async function rotateOnce(app: App, domain: Domain, keys: DkimKeyRow[]): Promise<Domain> {
  const { id, name } = domain;
  const checks = await listChecks(app.db, id);
  const isInUse = domain.firstVerifiedAt !== null;
  const selector = nextSelector(
    app.config.dkim.selector,
    keys.map((key) => key.selector),
  );
  const made = await makeKeys(app, id, selector, isInUse ? "pending" : "active");
  const records = wantedRecords(app, domain, isInUse ? [...keys, ...made] : made);
  checkRecordHosts(
    name,
    records.map(({ host }) => host),
  );
  const { started, writes } =
    isInUse || domain.checkJobId !== null ? beginChecks(app, domain) : { started: domain, writes: [] };
  const shown = records.map((record) => withCheck(record, started, checks));
  const given = isInUse
    ? []
    : keys.flatMap((key) => [
        deleteKey(app.db, key.id),
        expectChange(), // nobody else has replaced it: of two rotations at once only one does
        deleteChecksAt(app.db, id, keyHost(domain, key)),
      ]);
  await atomically(app, [
    touchUnchanged(app.db, domain),
    expectChange(),
    ...given,
    insertKeys(app.db, made),
    ...writes,
    ...recordDomainEvent(app, "domain.updated", started, shown),
  ]);
  forgetDomains(app);
  return started;
}
