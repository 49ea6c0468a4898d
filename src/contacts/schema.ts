/** The people a team writes to: what is known of them, what they want to hear of, and the lists they are on. */
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { ImportOptions } from "./import-options.ts";
import type { Rules } from "./rules.ts";

export const propertyTypes = ["string", "number", "boolean", "date"] as const;
export type PropertyType = (typeof propertyTypes)[number];
/** What a property may hold; a date is ISO 8601 text. */
export type PropertyValue = string | number | boolean;

export const subscriptions = ["opt_in", "opt_out"] as const;
export type Subscription = (typeof subscriptions)[number];

/** One person of a team. Clustered by team: whoever walks a team's contacts reads the table in its order. */
export const contacts = sqliteTable(
  "contacts",
  {
    teamId: text("team_id").notNull(),
    id: text("id").notNull(),
    /** The `recipientKey` of what was given: one person is here once, however the address was spelled. */
    email: text("email").notNull(),
    firstName: text("first_name"),
    lastName: text("last_name"),
    /** Wants no broadcasts at all. */
    unsubscribed: integer("unsubscribed", { mode: "boolean" }).notNull(),
    /** By the keys of `contact_properties`; what has no value is absent. */
    properties: text("properties", { mode: "json" }).$type<Record<string, PropertyValue>>().notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    updatedAt: integer("updated_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.teamId, t.id] }),
    uniqueIndex("contacts_team_email").on(t.teamId, t.email),
    index("contacts_team_first_name").on(t.teamId, t.firstName, t.id),
    index("contacts_team_last_name").on(t.teamId, t.lastName, t.id),
  ],
);
export type Contact = typeof contacts.$inferSelect;

/** How many contacts a team has; kept by triggers. A team that has never had any has no row. */
export const contactTotals = sqliteTable("contact_totals", {
  teamId: text("team_id").primaryKey().notNull(),
  total: integer("total").notNull(),
  unsubscribed: integer("unsubscribed").notNull(),
});

/** When things last happened between us and a contact; kept by a trigger on events. No row: nothing has. */
export const contactActivity = sqliteTable("contact_activity", {
  contactId: text("contact_id").primaryKey().notNull(),
  deliveredAt: integer("delivered_at", { mode: "timestamp_ms" }),
  /** By the person, not by a machine; so with clicks. */
  openedAt: integer("opened_at", { mode: "timestamp_ms" }),
  clickedAt: integer("clicked_at", { mode: "timestamp_ms" }),
  bouncedAt: integer("bounced_at", { mode: "timestamp_ms" }),
});

/** What a team knows of its contacts besides their names: the definitions; the values are with the contacts. */
export const contactProperties = sqliteTable(
  "contact_properties",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    key: text("key").notNull(),
    type: text("type", { enum: propertyTypes }).notNull(),
    label: text("label"),
    fallbackValue: text("fallback_value", { mode: "json" }).$type<PropertyValue>(),
    /** Gone for everybody; the row keeps the key until the last contact has lost its value. */
    deletedAt: integer("deleted_at", { mode: "timestamp_ms" }),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [
    uniqueIndex("contact_properties_team_key").on(t.teamId, t.key),
    index("contact_properties_team").on(t.teamId, t.id),
  ],
);
export type ContactProperty = typeof contactProperties.$inferSelect;

/** Lists of contacts; the original's and older clients' audiences are the same. */
export const segments = sqliteTable(
  "segments",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    name: text("name").notNull(),
    /** Whom a dynamic segment holds; null: a static one, which holds its members. */
    rules: text("rules", { mode: "json" }).$type<Rules>(),
    /** The static segment that a dynamic one is part of, and picks its contacts from; null: from all of the team's. */
    audienceId: text("audience_id"),
    /** How many members a static one has; kept by triggers. */
    members: integer("members").notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [index("segments_team").on(t.teamId, t.id), index("segments_audience").on(t.audienceId, t.id)],
);
export type Segment = typeof segments.$inferSelect;

/** The contacts of static segments. Those of a segment that is gone go in slices, those of a contact with it. */
export const segmentMembers = sqliteTable(
  "segment_members",
  { segmentId: text("segment_id").notNull(), contactId: text("contact_id").notNull() },
  (t) => [
    primaryKey({ columns: [t.segmentId, t.contactId] }),
    index("segment_members_contact").on(t.contactId, t.segmentId),
  ],
);

/** What one may want to hear of or not. */
export const topics = sqliteTable(
  "topics",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    name: text("name").notNull(),
    description: text("description"),
    /** What holds for whoever has not said anything; `opt_in`: they hear of it. */
    defaultSubscription: text("default_subscription", { enum: subscriptions }).notNull(),
    /** Whether the preference page shows it to everybody, or only to those who are in. */
    visibility: text("visibility", { enum: ["public", "private"] }).notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    updatedAt: integer("updated_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [index("topics_team").on(t.teamId, t.id)],
);
export type Topic = typeof topics.$inferSelect;

/** What contacts have said of topics. Of a topic that is gone they go in slices, of a contact with it. */
export const contactTopics = sqliteTable(
  "contact_topics",
  {
    contactId: text("contact_id").notNull(),
    topicId: text("topic_id").notNull(),
    subscription: text("subscription", { enum: subscriptions }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.contactId, t.topicId] }),
    index("contact_topics_topic").on(t.topicId, t.contactId),
  ],
);

/** `uploaded`: the file is there, and nobody has said yet what is to be done with it. */
export const importStatuses = ["uploaded", "queued", "in_progress", "completed", "failed"] as const;
export type ImportStatus = (typeof importStatuses)[number];

/** CSV files of contacts and how far we are with them. */
export const contactImports = sqliteTable(
  "contact_imports",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    status: text("status", { enum: importStatuses }).notNull(),
    /** The file; null once the import has ended. */
    blobHash: text("blob_hash"),
    size: integer("size").notNull(),
    options: text("options", { mode: "json" }).$type<ImportOptions>().notNull(),
    /** How much of the file has been read, about. */
    bytesRead: integer("bytes_read").notNull(),
    /** Rows of the file that are dealt with, the header not among them: the cursor, moved in the batch of its rows. */
    total: integer("total").notNull(),
    created: integer("created").notNull(),
    updated: integer("updated").notNull(),
    skipped: integer("skipped").notNull(),
    failed: integer("failed").notNull(),
    /** Why it failed as a whole. */
    problem: text("problem"),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    completedAt: integer("completed_at", { mode: "timestamp_ms" }),
  },
  (t) => [
    index("contact_imports_team").on(t.teamId, t.id),
    index("contact_imports_team_status").on(t.teamId, t.status, t.id),
    index("contact_imports_created").on(t.createdAt),
    index("contact_imports_blob").on(t.blobHash),
  ],
);
export type ContactImport = typeof contactImports.$inferSelect;

/** The rows of a file that could not be taken, the first ones. */
export const contactImportErrors = sqliteTable(
  "contact_import_errors",
  {
    importId: text("import_id").notNull(),
    line: integer("line").notNull(),
    message: text("message").notNull(),
  },
  (t) => [primaryKey({ columns: [t.importId, t.line] })],
);
export type ContactImportError = typeof contactImportErrors.$inferSelect;
