/** What a team wants to know of its contacts: the definitions of their properties. */
import { and, count, eq, isNull } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import type { Db } from "../db/open.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { expectChange, rawWrite, type Write } from "../db/write.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { isId, newId } from "../ids.ts";
import { enqueue } from "../jobs/job.ts";
import { pathOf } from "./condition.ts";
import { clearProperty } from "./jobs.ts";
import { readText } from "./names.ts";
import { readValue } from "./property-values.ts";
import { propertyPrefix } from "./rules.ts";
import { type ContactProperty, contactProperties, type PropertyType, propertyTypes } from "./schema.ts";
import { findTotals } from "./store.ts";

export interface NewProperty {
  key: string;
  type: string;
  label?: string | null;
  fallbackValue?: unknown;
}

/** Each is looked at for every contact that is made, and stands in every contact that has it. */
const mostProperties = 200;

/** What merge fields mean already, and what is no key in JavaScript. */
const reserved = new Set([
  "id",
  "email",
  "first_name",
  "last_name",
  "unsubscribed",
  "created_at",
  "__proto__",
]);

const notFound = () => new Refusal("not_found", "Contact property not found");

export async function createProperty(app: App, teamId: string, wish: NewProperty): Promise<string> {
  const row = readProperty(app, teamId, wish);
  const [known] = await app.db
    .select({ count: count() })
    .from(contactProperties)
    .where(eq(contactProperties.teamId, teamId));
  requireRoom(known!.count + 1);
  await atomically(app, [app.db.insert(contactProperties).values(row)]).catch(async (error: unknown) => {
    if (!(error instanceof WriteConflict && error.kind === "unique")) throw error;
    throw await alreadyThere(app, teamId, row.key);
  });
  return row.id;
}

/** Refuses what would be more definitions than a team may have. */
export function requireRoom(count: number): void {
  if (count <= mostProperties) return;
  throw new Refusal(
    "validation_error",
    `A team has ${mostProperties} contact properties at most: delete one first.`,
  );
}

/** A definition as a client wishes it; refused where it can't be. */
export function readProperty(app: App, teamId: string, wish: NewProperty): ContactProperty {
  const { key } = wish;
  if (!/^[A-Za-z0-9_]{1,50}$/.test(key)) {
    throw new Refusal(
      "validation_error",
      "Invalid `key` field. It must have 1 to 50 letters, digits or underscores.",
    );
  }
  if (reserved.has(key)) {
    throw new Refusal(
      "validation_error",
      `Invalid \`key\` field. \`${key}\` has a meaning of its own: choose another.`,
    );
  }
  const type = propertyTypes.find((each) => each === wish.type);
  if (!type) {
    const allowed = propertyTypes.map((each) => JSON.stringify(each)).join(", ");
    throw new Refusal("validation_error", `Invalid \`type\` field. Allowed: ${allowed}.`);
  }
  return {
    id: newId(),
    teamId,
    key,
    type,
    label: readText("label", wish.label, 100) ?? null,
    fallbackValue: readFallback(type, wish.fallbackValue) ?? null,
    deletedAt: null,
    createdAt: app.now(),
  };
}

const readFallback = (type: PropertyType, value: unknown) =>
  value === undefined || value === null ? value : readValue("fallback_value", type, value);

async function alreadyThere(app: App, teamId: string, key: string): Promise<Refusal> {
  const there = await app.db
    .select()
    .from(contactProperties)
    .where(and(eq(contactProperties.teamId, teamId), eq(contactProperties.key, key)))
    .get();
  return new Refusal(
    "already_exists",
    there?.deletedAt
      ? `The contact property \`${key}\` is being taken from your contacts: try again in a minute.`
      : `The contact property \`${key}\` exists already.`,
  );
}

/** One page and one more, newest first. */
export async function listProperties(app: App, teamId: string, page: Keyset): Promise<ContactProperty[]> {
  const { where, orderBy, limit } = pageOf(contactProperties.id, ofTeam(teamId), page);
  return newestFirst(
    await app.db.select().from(contactProperties).where(where).orderBy(orderBy).limit(limit),
    page,
  );
}

const ofTeam = (teamId: string) =>
  and(eq(contactProperties.teamId, teamId), isNull(contactProperties.deletedAt));

/** All of a team's definitions, by their keys. */
export async function propertiesOf(db: Db, teamId: string): Promise<Map<string, ContactProperty>> {
  const rows = await db.select().from(contactProperties).where(ofTeam(teamId));
  return new Map(rows.map((row) => [row.key, row]));
}

export async function getProperty(app: App, teamId: string, id: string): Promise<ContactProperty> {
  const row = isId(id)
    ? await app.db
        .select()
        .from(contactProperties)
        .where(and(ofTeam(teamId), eq(contactProperties.id, id.toLowerCase())))
        .get()
    : undefined;
  if (!row) throw notFound();
  return row;
}

/** Key and type are what values are stored by: they stay. */
export async function updateProperty(
  app: App,
  teamId: string,
  id: string,
  changes: { fallbackValue?: unknown; label?: string | null },
): Promise<string> {
  const property = await getProperty(app, teamId, id);
  const fallbackValue = readFallback(property.type, changes.fallbackValue);
  const label = readText("label", changes.label, 100);
  const fields = {
    ...(fallbackValue !== undefined && { fallbackValue }),
    ...(label !== undefined && { label }),
  };
  if (Object.keys(fields).length === 0) {
    throw new Refusal("missing_required_field", "Missing `fallback_value` field.");
  }
  await atomically(app, [
    app.db
      .update(contactProperties)
      .set(fields)
      .where(and(ofTeam(teamId), eq(contactProperties.id, property.id))),
    expectChange(),
  ]).catch(refuseStale);
  return property.id;
}

/** So many contacts lose their values in the batch that deletes; of more, a job takes them. */
const contactsAtOnce = 5_000;

/** What `field` is in the rules that ask for a property. */
const fieldOf = (key: string) => `${propertyPrefix}${key}`;

/** The team's segments `s` with a rule about the property ?2 names, in whichever group. */
const asking = `
  segments s cross join json_tree(s.rules) r
  where s.team_id = ?1 and s.rules is not null and r.key = 'field' and r.value = ?2`;

async function refuseInUse(app: App, { teamId, key }: ContactProperty): Promise<void> {
  const rows = await app.transport.query(
    `select s.name from ${asking} group by s.id order by s.id limit ${mostNamed + 1}`,
    [teamId, fieldOf(key)],
    "values",
  );
  const names = (rows.rows as string[][]).map(([name]) => `\`${name}\``);
  if (names.length === 0) return;
  const named = names.slice(0, mostNamed).join(", ") + (names.length > mostNamed ? " and others" : "");
  throw new Refusal(
    "validation_error",
    `The contact property \`${key}\` is in the rules of ${named}: change or delete these segments first.`,
  );
}

const mostNamed = 5;

/**
 * Gone from every answer at once; the key is free again when the last contact has lost its value. Refused while a segment
 * asks for it: whom it holds would change without anybody having meant that.
 */
export async function deleteProperty(app: App, teamId: string, id: string): Promise<string> {
  const property = await getProperty(app, teamId, id);
  await refuseInUse(app, property);
  const { total } = await findTotals(app.db, teamId);
  await atomically(app, [
    rawWrite("update contact_properties set deleted_at = ? where id = ? and deleted_at is null", [
      app.now().getTime(),
      property.id,
    ]),
    expectChange(),
    ...(total <= contactsAtOnce
      ? [takeValues(teamId, property.key, { from: "", to: aboveAllIds }), dropDefinition(property.id)]
      : enqueue(app, clearProperty, { teamId, id: property.id, key: property.key }, { lane: teamId })),
  ]).catch(refuseStale);
  return property.id;
}

const aboveAllIds = "g";

/** Takes a property's values from the contacts of a stretch. */
export const takeValues = (teamId: string, key: string, { from, to }: { from: string; to: string }): Write =>
  rawWrite(
    `update contacts set properties = json_remove(properties, ?4)
     where team_id = ?1 and id >= ?2 and id <= ?3 and json_type(properties, ?4) is not null`,
    [teamId, from, to, pathOf(key)],
  );

export const dropDefinition = (id: string): Write =>
  rawWrite("delete from contact_properties where id = ? and deleted_at is not null", [id]);

function refuseStale(error: unknown): never {
  if (error instanceof WriteConflict && error.kind === "stale") throw notFound();
  throw error;
}
