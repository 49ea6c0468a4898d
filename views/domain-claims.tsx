/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { DomainRecord } from "../src/domains/records.ts";
import type { BlockedReason, ClaimStatus, DomainClaim } from "../src/domains/schema.ts";
import { ActForm } from "./parts/acting.tsx";
import { Badge, type Tone } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Copyable } from "./parts/copy.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Ago, Time } from "./parts/time.tsx";

export const aboutClaims = "Domains that another team on this server has added, and that you say are yours.";

export interface ClaimRowsProps {
  claims: DomainClaim[];
  /** The cursor of the next page. */
  next: string | undefined;
  now: Date;
}

const columns = ["Domain", "State", "Begun"];

/** All of them, those that have ended among them. */
export function ClaimsPage(list: ClaimRowsProps) {
  return (
    <>
      <PageHead title="Claims" lead={aboutClaims} up={{ path: "/admin/domains", name: "Domains" }} />
      {list.claims.length === 0 ? (
        <Empty icon="domain" title="No claim">
          <p>Whoever adds a domain that another team has is asked whether it is theirs.</p>
        </Empty>
      ) : (
        <ClaimTable {...list} />
      )}
    </>
  );
}

export function ClaimTable(list: ClaimRowsProps) {
  return (
    <Table label="Claims" columns={columns}>
      <ClaimRows {...list} />
    </Table>
  );
}

export function ClaimRows({ claims, next, now }: ClaimRowsProps) {
  return (
    <>
      {claims.map((claim) => (
        <tr>
          <td>
            <a href={`/admin/domains/claims/${claim.id}`}>{claim.name}</a>
          </td>
          <td>
            <ClaimState status={claim.status} />
          </td>
          <td class="quiet">
            <Ago at={claim.createdAt} now={now} />
          </td>
        </tr>
      ))}
      {next && <More href={`/admin/domains/claims?after=${next}`} columns={columns.length} />}
    </>
  );
}

const tones: Record<ClaimStatus, Tone> = {
  pending: "info",
  blocked: "warn",
  verified: "good",
  completed: "good",
  expired: "quiet",
  superseded: "quiet",
  canceled: "quiet",
  failed: "bad",
};

function ClaimState({ status }: { status: ClaimStatus }) {
  return <Badge tone={tones[status]}>{status}</Badge>;
}

export interface ClaimPageProps {
  claim: DomainClaim;
  record: Pick<DomainRecord, "type" | "name" | "host" | "value">;
  csrf: string;
}

export function ClaimPage({ claim, record, csrf }: ClaimPageProps) {
  const isOpen = claim.status === "pending" || claim.status === "blocked";
  return (
    <>
      <PageHead title={`Claim to ${claim.name}`} up={{ path: "/admin/domains", name: "Domains" }}>
        {isOpen && (
          <>
            <Confirm
              id="cancel"
              csrf={csrf}
              action={`/admin/domains/claims/${claim.id}/cancel`}
              label="Take back"
              title={`Take the claim to ${claim.name} back?`}
              act="Take the claim back"
            >
              <p>The domain stays with the team that has it. You can claim it again, with another record.</p>
            </Confirm>
            <ActForm csrf={csrf} action={`/admin/domains/claims/${claim.id}/verify`}>
              <button type="submit" class="primary">
                Look for the record
              </button>
            </ActForm>
          </>
        )}
      </PageHead>
      <ClaimStanding claim={claim} />
      {isOpen && (
        <section class="card">
          <h2>The record that shows that it is yours</h2>
          <dl class="facts">
            <dt>Type</dt>
            <dd>{record.type}</dd>
            <dt>Name</dt>
            <dd>
              <Copyable text={record.name} label="the name" /> <span class="quiet">{record.host}</span>
            </dd>
            <dt>Value</dt>
            <dd>
              <Copyable text={record.value} label="the value" />
            </dd>
          </dl>
        </section>
      )}
    </>
  );
}

const blocked: Record<BlockedReason, string> = {
  grace_period: "The team that has the domain has only just been verified with it (three days have to pass).",
  recent_owner_activity: "The team that has the domain has sent from it within the last seven days.",
  pending_scheduled_emails: "The team that has the domain still has emails to be sent from it.",
};

/** Live. */
export function ClaimStanding({ claim }: { claim: DomainClaim }) {
  const { status, blockedReason, failureReason, expiresAt, domainId } = claim;
  return (
    <section id="claim-standing" class="standing" aria-live="polite">
      <p>
        <ClaimState status={status} />{" "}
        {status === "completed" && (
          <>
            The domain is yours. <a href={`/admin/domains/${domainId}`}>See its records</a>
          </>
        )}
        {status === "pending" && "Publish the record below, then have it looked for."}
        {status === "blocked" && `The record was found. ${blocked[blockedReason ?? "recent_owner_activity"]}`}
        {status === "blocked" && " It is tried again every hour."}
        {status === "canceled" && "It was taken back."}
        {status === "expired" && "Its time was over before the record was found. Claim the domain again."}
        {status === "superseded" && "The domain has gone to another claim."}
      </p>
      {failureReason && <p>{failureReason}</p>}
      {(status === "pending" || status === "blocked") && (
        <p class="quiet">
          It ends <Time at={expiresAt} isShort />.
        </p>
      )}
    </section>
  );
}
