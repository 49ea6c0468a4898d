import { type App, atomically } from "../app.ts";
import { expectChange } from "../db/write.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { keyHost, makeKeys, nextSelector } from "./dkim-keys.ts";
import { recordDomainEvent } from "./events.ts";
import { forgetDomains } from "./memory.ts";
import { checkRecordHosts } from "./name.ts";
import { wantedRecords, withCheck } from "./records.ts";
import type { Domain } from "./schema.ts";
import { getDomain } from "./service.ts";
import { deleteChecksAt, deleteKeys, insertKeys, listChecks, listKeys, touchUnchanged } from "./store.ts";
import { beginChecks } from "./verify.ts";

/** How often a rotation begins anew because the domain was changed while its keys were made. */
const mostTries = 3;

/**
 * Gives a domain new signing keys. They are shown at once, sign as soon as DNS shows them too, and until then the old
 * ones do, so that nothing ever goes out with a signature that can't be verified. Asked for again while keys wait, it
 * makes no others. A domain that may not send has nothing under way that its keys have signed: there the new ones
 * simply take the place of the old.
 */
export async function rotateKeys(app: App, teamId: string, id: string): Promise<Domain> {
  for (let left = mostTries; left > 0; left--) {
    const domain = await getDomain(app, teamId, id);
    const rotated = await rotateOnce(app, domain).catch((error: unknown) => {
      // Verified, deleted or rotated meanwhile: what is to be done has to be decided anew.
      if (error instanceof WriteConflict && (error.kind === "stale" || error.kind === "unique"))
        return undefined;
      throw error;
    });
    if (rotated) return rotated;
  }
  throw new Refusal("service_unavailable", "The domain is being changed right now: try again in a moment.");
}

async function rotateOnce(app: App, domain: Domain): Promise<Domain> {
  const { id, name } = domain;
  const [keys, checks] = await Promise.all([listKeys(app.db, id), listChecks(app.db, id)]);
  if (keys.some(({ state }) => state === "pending")) return domain;

  const isInUse = domain.verifiedAt !== null;
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
    : [deleteKeys(app.db, id), ...keys.map((key) => deleteChecksAt(app.db, id, keyHost(domain, key)))];
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
