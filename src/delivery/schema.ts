import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** What a refusal is about. Only `recipient` says anything about the person; the others are about us or the moment. */
export const bounceClasses = [
  "recipient",
  "mailbox_full",
  "content",
  "policy",
  "infrastructure",
  "protocol",
] as const;
export type BounceClass = (typeof bounceClasses)[number];

/** One step of a conversation: how many milliseconds after its start it was over, what we said and what the host did. */
export interface AttemptStep {
  step: string;
  ms: number;
  /** Absent where the step's name says it all (`commandOf`), and in attempts of before it was kept. */
  command?: string;
  reply?: string;
}

const plainCommands: Record<string, string> = { starttls: "STARTTLS", rset: "RSET", data: "DATA" };

/** What we said in a step; undefined where we said nothing, or it was not kept. */
export const commandOf = ({ step, command }: Pick<AttemptStep, "step" | "command">): string | undefined =>
  command ?? plainCommands[step];

/** What was wanted of encryption, and what came of it. */
export interface AttemptTls {
  /** `mta-sts` and `mta-sts testing` when the recipient's domain publishes a policy. */
  wanted: "opportunistic" | "mandatory" | "off" | "implicit" | "mta-sts" | "mta-sts testing";
  version?: string;
  cipher?: string;
  /** "valid", or why the certificate is not; absent in plaintext. */
  certificate?: string;
  /** Why encryption that was wanted did not happen, or why a policy failed. */
  problem?: string;
}

/** One conversation with one host about one delivery. */
export const attempts = sqliteTable(
  "attempts",
  {
    deliveryId: text("delivery_id").notNull(),
    /** Which try of the retry plan, from 1. */
    number: integer("number").notNull(),
    /** Which host of this try, from 0. */
    position: integer("position").notNull(),
    outcome: text("outcome", { enum: ["delivered", "deferred", "bounced", "failed"] }).notNull(),
    class: text("class", { enum: bounceClasses }),
    host: text("host"),
    address: text("address"),
    localAddress: text("local_address"),
    /** Whether the connection had carried other messages before. */
    reused: integer("reused", { mode: "boolean" }).notNull(),
    steps: text("steps", { mode: "json" }).$type<AttemptStep[]>().notNull(),
    tls: text("tls", { mode: "json" }).$type<AttemptTls>(),
    /** The limiter that kept this try from asking a host, or that the host's reply set off. */
    limiter: text("limiter"),
    /** The host's last reply, or in our words why there was none. */
    said: text("said").notNull(),
    startedAt: integer("started_at", { mode: "timestamp_ms" }).notNull(),
    endedAt: integer("ended_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.deliveryId, t.number, t.position] })],
);
export type Attempt = typeof attempts.$inferSelect;

/** MTA-STS policies of recipients' domains (RFC 8461), kept for their max_age. */
export const mtaStsPolicies = sqliteTable(
  "mta_sts_policies",
  {
    domain: text("domain").primaryKey().notNull(),
    policyId: text("policy_id").notNull(),
    mode: text("mode", { enum: ["enforce", "testing", "none"] }).notNull(),
    /** Host name patterns, lower-case: `mx.example.com`, `*.example.com`. */
    mx: text("mx", { mode: "json" }).$type<string[]>().notNull(),
    fetchedAt: integer("fetched_at", { mode: "timestamp_ms" }).notNull(),
    expiresAt: integer("expires_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [index("mta_sts_policies_expiry").on(t.expiresAt)],
);
export type MtaStsPolicy = typeof mtaStsPolicies.$inferSelect;
