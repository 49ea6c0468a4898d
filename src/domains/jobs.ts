import { Type } from "@sinclair/typebox";
import { type App, atomically } from "../app.ts";
import { expectChange } from "../db/write.ts";
import { checkRecord } from "../dns/check-records.ts";
import type { DnsRecord } from "../dns/domain-records.ts";
import { verified } from "../dns/record-check.ts";
import type { Resolver } from "../dns/resolver.ts";
import { WriteConflict } from "../errors.ts";
import { again, defineJob, done, handle } from "../jobs/job.ts";
import { recordDomainEvent } from "./events.ts";
import { forgetDomains } from "./memory.ts";
import { isLookedAt, wantedRecords, withCheck } from "./records.ts";
import type { Domain } from "./schema.ts";
import { type Finding, judge, type Verdict } from "./status.ts";
import { findDomainById, listChecks, listKeys, updateVerdict, upsertCheck } from "./store.ts";

/** Looks up a domain's records and comes back for as long as there is something to wait for or to watch. */
export const verifyDomain = defineJob("verify_domain", Type.Object({ domainId: Type.String() }));

export const verifyingDomain = handle(verifyDomain, async (app, { domainId }, held) => {
  const domain = await findDomainById(app.db, domainId);
  // Deleted, or started anew by a job of its own.
  if (domain?.checkJobId !== held.id) return done();

  const [keys, previous] = await Promise.all([listKeys(app.db, domainId), listChecks(app.db, domainId)]);
  const records = wantedRecords(app, domain, keys);
  const findings = await Promise.all(records.filter(isLookedAt).map((record) => lookUp(app, record)));
  const verdict = judge({
    domain,
    previous,
    findings,
    now: app.now(),
    attempt: held.attempt,
    random: app.random(),
  });
  if (!(await writeVerdict(app, domain, held.id, records, verdict))) return done();
  return verdict.nextCheckAt === undefined
    ? done()
    : again(verdict.nextCheckAt, `the domain is ${verdict.domain.status}`);
});

async function lookUp(app: App, record: DnsRecord): Promise<Finding> {
  if (app.sandbox) return { record, check: verified([record.value]), isAnswered: true };
  let isAnswered = true;
  const dns: Resolver = {
    async resolve(name, type, options) {
      const answer = await app.dns.resolve(name, type, options);
      // A tracking host is compared with what this server's own name leads to.
      const isAskedFor = name === record.host || (record.type === "CNAME" && name === record.value);
      if (isAskedFor && answer.kind === "failed") isAnswered = false;
      return answer;
    },
  };
  const check = await checkRecord(dns, record);
  return { record, check, isAnswered };
}

/** Whether it was written: not when the domain has been changed or deleted while DNS was asked. */
async function writeVerdict(
  app: App,
  before: Domain,
  jobId: string,
  records: DnsRecord[],
  verdict: Verdict,
): Promise<boolean> {
  const checkJobId = verdict.nextCheckAt === undefined ? null : jobId;
  const domain = { ...before, ...verdict.domain, checkJobId };
  const shown = records.map((record) => withCheck(record, domain, verdict.checks));
  const isNews =
    domain.status !== before.status ||
    (domain.trackingVerifiedAt === null) !== (before.trackingVerifiedAt === null);
  try {
    await atomically(app, [
      updateVerdict(app.db, before.id, jobId, { ...verdict.domain, checkJobId }),
      expectChange(),
      ...verdict.checks.map((check) => upsertCheck(app.db, check)),
      ...(isNews ? recordDomainEvent(app, "domain.updated", domain, shown) : []),
    ]);
  } catch (error) {
    if (error instanceof WriteConflict && error.kind === "stale") return false;
    throw error;
  }
  // Written here and not with the job's ending, so that what is remembered can be cleared after the commit.
  forgetDomains(app);
  return true;
}
