import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { roles } from "../roles.ts";

export const users = sqliteTable(
  "users",
  {
    id: text("id").primaryKey().notNull(),
    /** Lower-case: the name a person signs in with. */
    email: text("email").notNull(),
    name: text("name").notNull(),
    passwordHash: text("password_hash").notNull(),
    disabledAt: integer("disabled_at", { mode: "timestamp_ms" }),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [uniqueIndex("users_email").on(t.email)],
);
export type User = typeof users.$inferSelect;

export const teams = sqliteTable("teams", {
  id: text("id").primaryKey().notNull(),
  name: text("name").notNull(),
  createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
});
export type Team = typeof teams.$inferSelect;

export const memberships = sqliteTable(
  "memberships",
  {
    teamId: text("team_id").notNull(),
    userId: text("user_id").notNull(),
    role: text("role", { enum: roles }).notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.teamId, t.userId] }), index("memberships_user").on(t.userId)],
);
export type Membership = typeof memberships.$inferSelect;

/** A browser in which a person is signed in. */
export const signIns = sqliteTable(
  "sign_ins",
  {
    id: text("id").primaryKey().notNull(),
    userId: text("user_id").notNull(),
    /** The team they look at in it. */
    teamId: text("team_id").notNull(),
    tokenHash: text("token_hash").notNull(),
    address: text("address").notNull(),
    userAgent: text("user_agent").notNull(),
    seenAt: integer("seen_at", { mode: "timestamp_ms" }).notNull(),
    expiresAt: integer("expires_at", { mode: "timestamp_ms" }).notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [
    uniqueIndex("sign_ins_token").on(t.tokenHash),
    index("sign_ins_user").on(t.userId, t.id),
    index("sign_ins_team").on(t.teamId),
    index("sign_ins_expiry").on(t.expiresAt),
  ],
);
export type SignIn = typeof signIns.$inferSelect;

export const invitations = sqliteTable(
  "invitations",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    /** Lower-case, as accounts have it. */
    email: text("email").notNull(),
    role: text("role", { enum: roles }).notNull(),
    tokenHash: text("token_hash").notNull(),
    /** The address of whoever invites. */
    invitedBy: text("invited_by").notNull(),
    /** Of the email that carries the link; null where whoever invites hands it over. */
    emailId: text("email_id"),
    expiresAt: integer("expires_at", { mode: "timestamp_ms" }).notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [
    uniqueIndex("invitations_token").on(t.tokenHash),
    uniqueIndex("invitations_team_email").on(t.teamId, t.email),
  ],
);
export type Invitation = typeof invitations.$inferSelect;
