import { and, desc, eq, getTableColumns, isNotNull, lte, ne, type SQL, sql } from "drizzle-orm";
import { amongNewest, type Found, holdsText, lookThrough } from "../db/look-through.ts";
import type { Db } from "../db/open.ts";
import { findPlace, type Keyset, type Numbers, newestFirst, type Place, pageOf } from "../db/page.ts";
import { preparedRead } from "../db/read.ts";
import type { Write } from "../db/write.ts";
import { isId } from "../ids.ts";
import { type Template, type TemplateVersion, templates, templateVersions } from "./schema.ts";

export const insertTemplate = (db: Db, row: Template): Write => db.insert(templates).values(row);

export const insertVersion = (db: Db, row: TemplateVersion): Write => db.insert(templateVersions).values(row);

const { placeholder } = sql;

const byId = preparedRead((db) =>
  db
    .select()
    .from(templates)
    .where(and(eq(templates.id, placeholder("name")), eq(templates.teamId, placeholder("teamId"))))
    .prepare(),
);

const byAlias = preparedRead((db) =>
  db
    .select()
    .from(templates)
    .where(and(eq(templates.teamId, placeholder("teamId")), eq(templates.alias, placeholder("name"))))
    .prepare(),
);

/** By its id or its alias; no alias has the shape of an id. */
export async function findTemplate(db: Db, teamId: string, idOrAlias: string): Promise<Template | undefined> {
  return isId(idOrAlias)
    ? byId(db).get({ teamId, name: idOrAlias.toLowerCase() })
    : byAlias(db).get({ teamId, name: idOrAlias });
}

/** Of all templates of a team, those with a text in name or alias. */
const ofTeam = (teamId: string, text: string) => ({
  all: eq(templates.teamId, teamId),
  wanted: text === "" ? undefined : holdsText(text, [templates.name, templates.alias]),
});

/** One page and one row more, newest first; with a text, among those that pages with numbers lead to. */
export async function listTemplates(db: Db, teamId: string, text: string, page: Keyset): Promise<Template[]> {
  return listWhere(db, await listedBy(db, teamId, text), page);
}

/** Those with the text among the next so many. */
export const searchTemplates = (
  db: Db,
  teamId: string,
  text: string,
  page: Keyset & { limit: number },
): Promise<Found<Template>> =>
  lookThrough(db, templates.id, ofTeam(teamId, text), page, (condition) => listWhere(db, condition, page));

async function listWhere(db: Db, condition: SQL | undefined, page: Keyset): Promise<Template[]> {
  const { where, orderBy, limit } = pageOf(templates.id, condition, page);
  return newestFirst(await db.select().from(templates).where(where).orderBy(orderBy).limit(limit), page);
}

async function listedBy(db: Db, teamId: string, text: string): Promise<SQL | undefined> {
  const wish = ofTeam(teamId, text);
  return wish.wanted ? amongNewest(db, templates.id, wish) : wish.all;
}

/** The newest so many of those that can be sent. */
export async function listPublished(db: Db, teamId: string, limit: number): Promise<Template[]> {
  return db
    .select()
    .from(templates)
    .where(and(eq(templates.teamId, teamId), isNotNull(templates.publishedVersionId)))
    .orderBy(desc(templates.id))
    .limit(limit);
}

export async function findVersion(
  db: Db,
  templateId: string,
  id: string,
): Promise<TemplateVersion | undefined> {
  return db
    .select()
    .from(templateVersions)
    .where(and(eq(templateVersions.id, id), eq(templateVersions.templateId, templateId)))
    .get();
}

/** A version as lists show it, without bodies. */
export type VersionSummary = Pick<TemplateVersion, "id" | "number" | "subject" | "publishedAt" | "createdAt">;

export async function listVersions(db: Db, templateId: string, page: Keyset): Promise<VersionSummary[]> {
  const { id, number, subject, publishedAt, createdAt } = getTableColumns(templateVersions);
  const { where, orderBy, limit } = pageOf(id, eq(templateVersions.templateId, templateId), page);
  const rows = await db
    .select({ id, number, subject, publishedAt, createdAt })
    .from(templateVersions)
    .where(where)
    .orderBy(orderBy)
    .limit(limit);
  return newestFirst(rows, page);
}

export type TemplateFields = Partial<Omit<Template, "id" | "teamId" | "createdAt">>;

/** Changes a template if its current version is still the one that was read. */
export const updateTemplate = (
  db: Db,
  {
    id,
    teamId,
    currentVersionId,
    updatedAt,
  }: Pick<Template, "id" | "teamId" | "currentVersionId" | "updatedAt">,
  fields: TemplateFields,
): Write =>
  db
    .update(templates)
    .set(fields)
    .where(
      and(
        eq(templates.id, id),
        eq(templates.teamId, teamId),
        eq(templates.currentVersionId, currentVersionId),
        eq(templates.updatedAt, updatedAt),
      ),
    );

export const markPublished = (db: Db, versionId: string, publishedAt: Date): Write =>
  db.update(templateVersions).set({ publishedAt }).where(eq(templateVersions.id, versionId));

/** Removes versions up to a number, but for the published one. */
export const deleteVersions = (
  db: Db,
  { id, publishedVersionId }: Pick<Template, "id" | "publishedVersionId">,
  upTo: number,
): Write =>
  db
    .delete(templateVersions)
    .where(
      and(
        eq(templateVersions.templateId, id),
        lte(templateVersions.number, upTo),
        ...(publishedVersionId === null ? [] : [ne(templateVersions.id, publishedVersionId)]),
      ),
    );

export const deleteTemplate = (db: Db, teamId: string, id: string): Write =>
  db.delete(templates).where(and(eq(templates.id, id), eq(templates.teamId, teamId)));

/** Where the page of a number is in that list. */
export const findTemplatePlace = async (
  db: Db,
  teamId: string,
  text: string,
  numbers: Numbers,
): Promise<Place> => findPlace(db, templates.id, await listedBy(db, teamId, text), numbers);
