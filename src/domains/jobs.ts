import { Type } from "@sinclair/typebox";
import { type App, atomically } from "../app.ts";
import { expectChange, type Write } from "../db/write.ts";
import { checkRecord } from "../dns/check-records.ts";
import type { DnsRecord } from "../dns/domain-records.ts";
import { verified } from "../dns/record-check.ts";
import type { Resolver } from "../dns/resolver.ts";
import { WriteConflict } from "../errors.ts";
import { again, defineJob, done, handle } from "../jobs/job.ts";
import { changeKeys, type KeyChange, keyHost } from "./dkim-keys.ts";
import { recordDomainEvent } from "./events.ts";
import { forgetDomains } from "./memory.ts";
import { type DomainRecord, isLookedAt, wantedRecords, withCheck } from "./records.ts";
import type { Domain, DomainCheck } from "./schema.ts";
import { type Finding, judge, type Verdict } from "./status.ts";
import {
  activateKey,
  deleteChecksAt,
  deleteKey,
  findDomainById,
  listChecks,
  listKeys,
  updateVerdict,
  upsertCheck,
} from "./store.ts";

/** Looks up a domain's records and comes back for as long as there is something to wait for or to watch. */
export const verifyDomain = defineJob("verify_domain", Type.Object({ domainId: Type.String() }));

export const verifyingDomain = handle(verifyDomain, async (app, { domainId }, held) => {
  const domain = await findDomainById(app.db, domainId);
  // Deleted, or started anew by a job of its own.
  if (domain?.checkJobId !== held.id) return done();

  const [keys, previous] = await Promise.all([listKeys(app.db, domainId), listChecks(app.db, domainId)]);
  const found = await Promise.all(
    wantedRecords(app, domain, keys)
      .filter(isLookedAt)
      .map((record) => lookUp(app, record)),
  );
  const keyChange = changeKeys(keys, (key) => isSeen(found, keyHost(domain, key)), app.now());
  // With keys that have just been seen, other records are the required ones.
  const records = wantedRecords(app, domain, keyChange.keys);
  const findings = records.filter(isLookedAt).flatMap((record) => {
    const finding = found.find(
      (each) => each.record.host === record.host && each.record.type === record.type,
    );
    return finding ? [{ ...finding, record }] : [];
  });
  const verdict = judge({
    domain,
    previous,
    findings,
    now: app.now(),
    attempt: held.attempt,
    random: app.random(),
  });
  const looked: Looked = { domain, jobId: held.id, records, previous, verdict, keyChange };
  if (!(await writeVerdict(app, looked))) return done();
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

function isSeen(found: Finding[], host: string): boolean {
  return found.some(({ record, check }) => record.host === host && check.status === "verified");
}

/** A look at DNS and all that follows from it. */
interface Looked {
  domain: Domain;
  jobId: string;
  records: DnsRecord[];
  previous: DomainCheck[];
  verdict: Verdict;
  keyChange: KeyChange;
}

/** Whether it was written: not when the domain has been changed or deleted while DNS was asked. */
async function writeVerdict(app: App, looked: Looked): Promise<boolean> {
  const { domain: before, jobId, verdict } = looked;
  const checkJobId = verdict.nextCheckAt === undefined ? null : jobId;
  const domain = { ...before, ...verdict.domain, checkJobId };
  try {
    await atomically(app, [
      updateVerdict(app.db, before.id, jobId, { ...verdict.domain, checkJobId }),
      expectChange(),
      ...verdict.checks.map((check) => upsertCheck(app.db, check)),
      ...keyWrites(app, looked),
      ...(isNews(looked) ? recordDomainEvent(app, "domain.updated", domain, recordsNow(looked, domain)) : []),
    ]);
  } catch (error) {
    if (error instanceof WriteConflict && error.kind === "stale") return false;
    throw error;
  }
  // Written here and not with the job's ending, so that what is remembered can be cleared after the commit.
  forgetDomains(app);
  return true;
}

function keyWrites({ db }: App, { domain, keyChange: { activated, retireAt, ended } }: Looked): Write[] {
  return [
    ...activated.flatMap((key) => activateKey(db, key, retireAt)),
    ...ended.flatMap((key) => [deleteKey(db, key.id), deleteChecksAt(db, domain.id, keyHost(domain, key))]),
  ];
}

/** Whether there is anything to tell: another status, or other records. */
function isNews({ domain, verdict, keyChange: { activated, ended } }: Looked): boolean {
  const isTrackingTurned =
    (domain.trackingVerifiedAt === null) !== (verdict.domain.trackingVerifiedAt === null);
  return (
    verdict.domain.status !== domain.status || isTrackingTurned || activated.length > 0 || ended.length > 0
  );
}

function recordsNow({ records, previous, verdict }: Looked, domain: Domain): DomainRecord[] {
  return records.map((record) => withCheck(record, domain, [...verdict.checks, ...previous]));
}
