import type { DnsRecord } from "../dns/domain-records.ts";
import type { RecordCheck } from "../dns/record-check.ts";
import { findCheck, isMissed } from "./records.ts";
import type { Domain, DomainCheck, DomainStatus, DomainVerdict } from "./schema.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** How long a verification waits for records, and how long a verified domain may miss one. */
export const patienceMs = 72 * hourMs;

/** The pauses of a verification; the last one repeats. People who have just published a record are watching. */
const pausesMs = [0.5, 1, 2, 5, 10, 20, 30, 60].map((minutes) => minutes * minuteMs);

/** How long to wait after a look that has not found everything. */
export const pauseAfter = (attempt: number): number => pausesMs[attempt - 1] ?? pausesMs.at(-1)!;

/** What one look at DNS found for one record. */
export interface Finding {
  record: DnsRecord;
  check: RecordCheck;
  /** False when DNS failed (SERVFAIL, no reply): that says nothing about the record. */
  isAnswered: boolean;
}

export interface Verdict {
  checks: DomainCheck[];
  domain: DomainVerdict;
  /** Absent when nothing is left to wait for or to watch. */
  nextCheckAt?: Date;
}

export interface Look {
  domain: Domain;
  previous: DomainCheck[];
  findings: Finding[];
  now: Date;
  /** Which look of this verification it is, from 1. */
  attempt: number;
  random: number;
}

/** Sending, receiving and the tracking host are verified each for itself. */
type Side = "off" | "verified" | "pending" | "failed";

/** What a look at DNS means for a domain and its records; decides everything and touches nothing. */
export function judge(look: Look): Verdict {
  const { domain, previous, findings, now } = look;
  const isOver = domain.checkUntil === null || now >= domain.checkUntil;
  const judged = findings.map((finding) => {
    const check = judgeRecord(domain, findCheck(previous, finding.record), finding, now);
    const isGivenUp = isOver && isMissed(finding.record) && check.status === "pending";
    return { ...finding, check: isGivenUp ? { ...check, status: "failed" as const } : check };
  });

  const sideOf = (isOn: boolean, since: Date | null, purposes: DnsRecord["purpose"][]): Side => {
    if (!isOn) return "off";
    const own = judged.filter(({ record }) => isMissed(record) && purposes.includes(record.purpose));
    if (own.every(({ check }) => isStanding(check))) return "verified";
    // What stood and stands no longer has been missing for all the time there is for it.
    return isOver || since !== null ? "failed" : "pending";
  };
  const sending = sideOf(domain.sending, domain.verifiedAt, ["SPF", "DKIM"]);
  const receiving = sideOf(domain.receiving, domain.receivingVerifiedAt, ["Receiving"]);
  const isTracking = findings.some(({ record }) => record.purpose === "Tracking");
  const tracking = sideOf(isTracking, domain.trackingVerifiedAt, ["Tracking"]);
  // Neither its tracking host nor a key to come makes a domain less of one that sends.
  const status = statusOf(sending, receiving);
  const hasKeyToCome = findings.some(({ record }) => record.purpose === "DKIM" && !record.required);
  const isWaiting = [sending, receiving, tracking].includes("pending") || (hasKeyToCome && !isOver);
  const checks = judged.map(({ check }) => check);

  return {
    checks,
    domain: {
      status,
      verifiedAt: sending === "verified" ? (domain.verifiedAt ?? now) : null,
      firstVerifiedAt: domain.firstVerifiedAt ?? (sending === "verified" ? now : null),
      receivingVerifiedAt: receiving === "verified" ? (domain.receivingVerifiedAt ?? now) : null,
      trackingVerifiedAt: tracking === "verified" ? (domain.trackingVerifiedAt ?? now) : null,
      checkUntil: isWaiting ? domain.checkUntil : null,
      checkedAt: now,
    },
    nextCheckAt: status === "failed" ? undefined : nextCheck(look, isWaiting, checks),
  };
}

/** The status while a verification runs: what stands keeps standing, so that looking again never stops mail. */
export function statusWhileChecking({
  sending,
  receiving,
  verifiedAt,
  receivingVerifiedAt,
}: Pick<Domain, "sending" | "receiving" | "verifiedAt" | "receivingVerifiedAt">): DomainStatus {
  const side = (isOn: boolean, since: Date | null): Side => (!isOn ? "off" : since ? "verified" : "pending");
  return statusOf(side(sending, verifiedAt), side(receiving, receivingVerifiedAt));
}

function statusOf(sending: Side, receiving: Side): DomainStatus {
  const sides = [sending, receiving].filter((side) => side !== "off");
  if (sides.every((side) => side === "verified")) return "verified";
  if (sides.includes("pending")) return sending === "verified" ? "partially_verified" : "pending";
  return sides.includes("verified") ? "partially_failed" : "failed";
}

function judgeRecord(
  domain: Domain,
  previous: DomainCheck | undefined,
  { record, check, isAnswered }: Finding,
  now: Date,
): DomainCheck {
  const isWatched = isMissed(record) && sinceWhen(domain, record) !== null;
  if (isWatched && !isAnswered && previous) return previous;

  const row = { domainId: domain.id, host: record.host, type: record.type, checkedAt: now };
  if (check.status === "verified" || !isWatched) return { ...row, ...check, failingSince: null };
  const failingSince = previous?.failingSince ?? now;
  const isLost = isAnswered && now.getTime() - failingSince.getTime() >= patienceMs;
  return { ...row, ...check, status: isLost ? "failed" : "temporary_failure", failingSince };
}

function sinceWhen(domain: Domain, { purpose }: DnsRecord): Date | null {
  if (purpose === "Tracking") return domain.trackingVerifiedAt;
  return purpose === "Receiving" ? domain.receivingVerifiedAt : domain.verifiedAt;
}

function isStanding({ status }: DomainCheck): boolean {
  return status === "verified" || status === "temporary_failure";
}

function nextCheck({ domain, now, attempt, random }: Look, isWaiting: boolean, checks: DomainCheck[]): Date {
  const after = (ms: number) => new Date(now.getTime() + ms);
  if (isWaiting) {
    const next = after(pauseAfter(attempt));
    return domain.checkUntil && next > domain.checkUntil ? domain.checkUntil : next;
  }
  if (checks.some(({ status }) => status === "temporary_failure")) return after(hourMs);
  return after(dayMs * (0.9 + 0.2 * random)); // not all domains at the hour the server was set up
}
