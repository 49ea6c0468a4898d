import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { VariableValue } from "./variables.ts";

/** An email made once for many, by the name of an id or of its alias. */
export const templates = sqliteTable(
  "templates",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    name: text("name").notNull(),
    description: text("description"),
    alias: text("alias"),
    /** The newest one, which is shown and edited. */
    currentVersionId: text("current_version_id").notNull(),
    /** The one that is sent; null: none yet. */
    publishedVersionId: text("published_version_id"),
    publishedAt: integer("published_at", { mode: "timestamp_ms" }),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    updatedAt: integer("updated_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [index("templates_team").on(t.teamId, t.id), uniqueIndex("templates_alias").on(t.teamId, t.alias)],
);
export type Template = typeof templates.$inferSelect;

export const variableTypes = ["string", "number"] as const;
export type VariableType = (typeof variableTypes)[number];

/** A variable as it is declared; it is stored, and told, in this form. */
export interface TemplateVariable {
  id: string;
  key: string;
  type: VariableType;
  fallback_value: VariableValue | null;
  created_at: string;
  updated_at: string;
}

/** What a template said at one time. Nothing of it ever changes but that it is published. */
export const templateVersions = sqliteTable(
  "template_versions",
  {
    id: text("id").primaryKey().notNull(),
    templateId: text("template_id").notNull(),
    /** From 1. */
    number: integer("number").notNull(),
    sender: text("sender"),
    subject: text("subject"),
    replyTo: text("reply_to", { mode: "json" }).$type<string[]>().notNull(),
    html: text("html").notNull(),
    /** Null: made from the HTML. Empty: no text part. */
    text: text("text"),
    variables: text("variables", { mode: "json" }).$type<TemplateVariable[]>().notNull(),
    publishedAt: integer("published_at", { mode: "timestamp_ms" }),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [
    index("template_versions_template").on(t.templateId, t.id),
    uniqueIndex("template_versions_number").on(t.templateId, t.number),
  ],
);
export type TemplateVersion = typeof templateVersions.$inferSelect;

/** What an edit changes. */
export type TemplateContent = Pick<
  TemplateVersion,
  "sender" | "subject" | "replyTo" | "html" | "text" | "variables"
>;
