// domains/ is a team's sending domains: their names and keys, the records their owners publish, and what DNS says of them.
import { sql } from "drizzle-orm";
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

export const domainStatuses = [
  "not_started",
  "pending",
  "verified",
  "failed",
  "partially_verified",
  "partially_failed",
] as const;
export type DomainStatus = (typeof domainStatuses)[number];

export const recordStatuses = ["not_started", "pending", "verified", "failed", "temporary_failure"] as const;
export type RecordStatus = (typeof recordStatuses)[number];

export const regions = ["us-east-1", "eu-west-1", "sa-east-1", "ap-northeast-1"] as const;
export type Region = (typeof regions)[number];
export const defaultRegion: Region = "us-east-1";
export const isRegion = (text: string): text is Region => regions.some((region) => region === text);

/** A sending domain of one team. */
export const domains = sqliteTable(
  "domains",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    /** ASCII (A-labels), lower-case. */
    name: text("name").notNull(),
    status: text("status", { enum: domainStatuses }).notNull(),
    region: text("region", { enum: regions }).notNull(),
    /** `send` in `send.example.com`, where bounces go. */
    returnPathLabel: text("return_path_label").notNull(),
    openTracking: integer("open_tracking", { mode: "boolean" }).notNull(),
    clickTracking: integer("click_tracking", { mode: "boolean" }).notNull(),
    /** `links` in `links.example.com`, or several labels; null: the one a domain has unasked. */
    trackingLabel: text("tracking_label"),
    tls: text("tls", { enum: ["opportunistic", "enforced"] }).notNull(),
    sending: integer("sending", { mode: "boolean" }).notNull(),
    receiving: integer("receiving", { mode: "boolean" }).notNull(),
    /** Until when a verification waits for records; null when none does. */
    checkUntil: integer("check_until", { mode: "timestamp_ms" }),
    /** The one job that looks at DNS for it; any other finds itself replaced and ends. Null: nothing is looked at. */
    checkJobId: text("check_job_id"),
    checkedAt: integer("checked_at", { mode: "timestamp_ms" }),
    /** Since when it may send. Stays while a record is missing for less than the grace period. */
    verifiedAt: integer("verified_at", { mode: "timestamp_ms" }),
    /** When it first might send; never cleared. Null: nothing has ever been signed for it. */
    firstVerifiedAt: integer("first_verified_at", { mode: "timestamp_ms" }),
    /** Since when it receives. */
    receivingVerifiedAt: integer("receiving_verified_at", { mode: "timestamp_ms" }),
    /** Since when its tracking host leads here; null: links stand under this server's own name. */
    trackingVerifiedAt: integer("tracking_verified_at", { mode: "timestamp_ms" }),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [
    uniqueIndex("domains_name").on(t.name),
    index("domains_team").on(t.teamId, t.id),
    check("domains_capability", sql`${t.sending} or ${t.receiving}`),
  ],
);
export type Domain = typeof domains.$inferSelect;

/** What a look at DNS decides about a domain. */
export type DomainVerdict = Pick<
  Domain,
  | "status"
  | "verifiedAt"
  | "firstVerifiedAt"
  | "receivingVerifiedAt"
  | "trackingVerifiedAt"
  | "checkUntil"
  | "checkedAt"
>;

/** A domain's signing keys, one row a selector; the private half is sealed. */
export const dkimKeys = sqliteTable(
  "dkim_keys",
  {
    id: text("id").primaryKey().notNull(),
    domainId: text("domain_id").notNull(),
    selector: text("selector").notNull(),
    algorithm: text("algorithm", { enum: ["rsa", "ed25519"] }).notNull(),
    /** Base64: SubjectPublicKeyInfo for RSA, the 32 raw bytes for Ed25519, as in the DNS record's p=. */
    publicKey: text("public_key").notNull(),
    sealedPrivateKey: text("sealed_private_key").notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    /** `pending` until DNS shows it, then `active` and signing; `retired` when another has taken its place. */
    state: text("state", { enum: ["pending", "active", "retired"] }).notNull(),
    /** Until when a retired key stays published, for messages under way that it has signed. */
    retireAt: integer("retire_at", { mode: "timestamp_ms" }),
  },
  (t) => [uniqueIndex("dkim_keys_selector").on(t.domainId, t.selector)],
);
export type DkimKeyRow = typeof dkimKeys.$inferSelect;

/** What the last look at DNS found for each record. */
export const domainChecks = sqliteTable(
  "domain_checks",
  {
    domainId: text("domain_id").notNull(),
    host: text("host").notNull(),
    type: text("type").notNull(),
    status: text("status", { enum: recordStatuses }).notNull(),
    found: text("found", { mode: "json" }).$type<string[]>().notNull(),
    reason: text("reason").notNull(),
    /** Since when a record that was verified has been missing or wrong. */
    failingSince: integer("failing_since", { mode: "timestamp_ms" }),
    checkedAt: integer("checked_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.domainId, t.host, t.type] })],
);
export type DomainCheck = typeof domainChecks.$inferSelect;

export interface Capabilities {
  sending?: boolean;
  receiving?: boolean;
}

/** How a team wants a domain to be. */
export interface DomainWishes {
  /** Means nothing here, where all mail leaves from one place; clients want theirs back. */
  region?: string;
  /** The label bounces go to: `send` when absent. */
  customReturnPath?: string;
  openTracking?: boolean;
  clickTracking?: boolean;
  /** A label under the domain or a host under it: `links` when absent. */
  trackingSubdomain?: string;
  tls?: Domain["tls"];
  /** What is not said is: sending enabled, receiving disabled. */
  capabilities?: Capabilities;
}

export const claimStatuses = [
  "pending",
  "verified",
  "completed",
  "blocked",
  "expired",
  "superseded",
  "canceled",
  "failed",
] as const;
export type ClaimStatus = (typeof claimStatuses)[number];

export const blockedReasons = ["grace_period", "recent_owner_activity", "pending_scheduled_emails"] as const;
export type BlockedReason = (typeof blockedReasons)[number];

/** One team's claim to a domain that another has added. */
export const domainClaims = sqliteTable(
  "domain_claims",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    name: text("name").notNull(),
    /** What the owner publishes to show that the domain is theirs. */
    token: text("token").notNull(),
    status: text("status", { enum: claimStatuses }).notNull(),
    /** How the domain is to be once it is theirs. */
    wanted: text("wanted", { mode: "json" }).$type<DomainWishes>().notNull(),
    /** The id the domain will have: clients ask for the claim by it from the first. */
    domainId: text("domain_id").notNull(),
    blockedReason: text("blocked_reason", { enum: blockedReasons }),
    /** What the last look at DNS found instead of the token, or why the claim has ended. */
    failureReason: text("failure_reason"),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    expiresAt: integer("expires_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [
    index("domain_claims_team").on(t.teamId, t.id),
    uniqueIndex("domain_claims_domain").on(t.domainId),
    uniqueIndex("domain_claims_open").on(t.name, t.teamId).where(sql`${t.status} in ('pending', 'blocked')`),
  ],
);
export type DomainClaim = typeof domainClaims.$inferSelect;
