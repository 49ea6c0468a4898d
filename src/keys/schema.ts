import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

export const apiKeys = sqliteTable(
  "api_keys",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    name: text("name").notNull(),
    /** SHA-256 of the token, hex: the token itself is shown once and kept nowhere. */
    tokenHash: text("token_hash").notNull(),
    /** The token's first characters, by which people tell keys apart. */
    tokenStart: text("token_start").notNull(),
    permission: text("permission", { enum: ["full_access", "sending_access"] }).notNull(),
    /** The one domain the key may send from. The key goes when the domain goes: it never widens. */
    domainId: text("domain_id"),
    lastUsedAt: integer("last_used_at", { mode: "timestamp_ms" }),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    /** Networks it may be used from, in CIDR notation; from anywhere when there are none. */
    allowedIps: text("allowed_ips", { mode: "json" }).$type<string[]>().notNull(),
  },
  (t) => [
    uniqueIndex("api_keys_token").on(t.tokenHash),
    index("api_keys_team").on(t.teamId, t.id),
    index("api_keys_domain").on(t.domainId),
  ],
);
export type ApiKey = typeof apiKeys.$inferSelect;
export type Permission = ApiKey["permission"];
