/** What a client wants done with a file, read and checked. */
import { type App, atomically } from "../app.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import type { TopicChoice } from "./changes.ts";
import { propertiesOf, readProperty, requireRoom } from "./properties.ts";
import { lastOfEach } from "./save.ts";
import { contactProperties, type PropertyType } from "./schema.ts";
import { requireStaticSegments } from "./segments.ts";
import { requireTopics } from "./topics.ts";

/** Which column of the file is what, by the names in its header. Empty: the column called like the field is left out. */
export interface ColumnMap {
  email?: string;
  first_name?: string;
  last_name?: string;
  unsubscribed?: string;
  properties?: Record<string, { column: string; type: PropertyType }>;
}

export interface ImportOptions {
  /** Absent: columns are called what they are, and properties by their keys. */
  columnMap?: ColumnMap;
  /** What becomes of contacts who are there: their fields are changed, or left. */
  onConflict: "upsert" | "skip";
  /** Whether `false` in the file's `unsubscribed`, and `opt_in` to topics, count for contacts who have left. */
  resubscribe?: boolean;
  /** Static segments that every contact of the file is put into. */
  segmentIds: string[];
  topics: TopicChoice[];
  /** The encoding of the file, where its sender said so. */
  charset?: string;
}

/** The fields of the form, as text. */
export type ImportFields = Partial<
  Record<"column_map" | "on_conflict" | "resubscribe" | "segments" | "topics", string>
>;

/** Checks them against the team's segments and topics, and defines the properties that nobody has yet. */
export async function readOptions(app: App, teamId: string, fields: ImportFields): Promise<ImportOptions> {
  const onConflict = fields.on_conflict?.trim() || "upsert";
  if (onConflict !== "upsert" && onConflict !== "skip") {
    throw wrong("on_conflict", 'Allowed: "upsert", "skip".');
  }
  const resubscribe = readResubscribe(fields.resubscribe);
  const segmentIds = await requireStaticSegments(app, teamId, readSegments(fields.segments));
  const topics = lastOfEach(readTopics(fields.topics));
  await requireTopics(
    app,
    teamId,
    topics.map(({ id }) => id),
  );
  const columnMap = readColumnMap(fields.column_map);
  if (columnMap?.properties) await defineProperties(app, teamId, columnMap.properties);
  return {
    onConflict,
    segmentIds,
    topics,
    ...(resubscribe && { resubscribe }),
    ...(columnMap && { columnMap }),
  };
}

function readResubscribe(text: string | undefined): boolean {
  const word = text?.trim() || "false";
  if (word !== "true" && word !== "false") throw wrong("resubscribe", 'Allowed: "true", "false".');
  return word === "true";
}

function readJson(field: keyof ImportFields, text: string | undefined): unknown {
  if (text === undefined || text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw wrong(field, "It must be JSON.");
  }
}

const mostChoices = 100;

/** Ids, or objects with one: clients send both. */
function readSegments(text: string | undefined): string[] {
  return readList("segments", text).map((each) => {
    const id = typeof each === "string" ? each : isObject(each) ? each.id : undefined;
    if (typeof id === "string" && isId(id)) return id;
    throw wrong("segments", 'It must be a list such as `[{ "id": "…" }]`, of UUIDs.');
  });
}

function readTopics(text: string | undefined): TopicChoice[] {
  return readList("topics", text).map((each) => {
    const { id, subscription } = isObject(each) ? each : {};
    if (typeof id === "string" && isId(id) && (subscription === "opt_in" || subscription === "opt_out")) {
      return { id, subscription };
    }
    throw wrong("topics", 'It must be a list such as `[{ "id": "…", "subscription": "opt_in" }]`.');
  });
}

function readList(field: keyof ImportFields, text: string | undefined): unknown[] {
  const list = readJson(field, text) ?? [];
  if (!Array.isArray(list) || list.length > mostChoices) {
    throw wrong(field, `It must be a list of ${mostChoices} at most.`);
  }
  return list;
}

const names = ["email", "first_name", "last_name", "unsubscribed"] as const;

function readColumnMap(text: string | undefined): ColumnMap | undefined {
  const given = readJson("column_map", text);
  if (given === undefined || given === null) return undefined;
  if (!isObject(given))
    throw wrong("column_map", "It must be an object: the name of a column for each field.");
  const map: ColumnMap = {};
  for (const name of names) {
    const column = given[name];
    if (column === undefined || column === null) continue;
    if (typeof column !== "string") throw wrong(`column_map.${name}`, "It must be the name of a column.");
    map[name] = column;
  }
  if (given.properties === undefined || given.properties === null) return map;
  if (!isObject(given.properties)) throw wrong("column_map.properties", propertyForm);
  map.properties = Object.fromEntries(
    Object.entries(given.properties).map(([key, each]) => {
      // Short of a type it is text, as in the file.
      const { column, type = "string" } = isObject(each) ? each : { column: each };
      if (typeof column !== "string") throw wrong(`column_map.properties.${key.slice(0, 50)}`, propertyForm);
      return [key, { column, type: type as PropertyType }];
    }),
  );
  return map;
}

const propertyForm = 'It must be an object such as `{ "plan": { "column": "Plan", "type": "string" } }`.';

async function defineProperties(
  app: App,
  teamId: string,
  wanted: NonNullable<ColumnMap["properties"]>,
): Promise<void> {
  const known = await propertiesOf(app.db, teamId);
  const rows = [];
  for (const [key, { type }] of Object.entries(wanted)) {
    const there = known.get(key);
    if (!there) rows.push(readProperty(app, teamId, { key, type }));
    else if (there.type !== type) {
      throw wrong(`column_map.properties.${key}.type`, `The contact property is a ${there.type}.`);
    }
  }
  requireRoom(known.size + rows.length);
  // Two imports that define one at once: the first has done it.
  await atomically(
    app,
    rows.map((row) => app.db.insert(contactProperties).values(row).onConflictDoNothing()),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const wrong = (field: string, why: string) =>
  new Refusal("validation_error", `Invalid \`${field}\` field. ${why}`);
