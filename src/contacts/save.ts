/** Making, changing and removing contacts, one at a time. */
import { type App, atomically } from "../app.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { recordSelected } from "../events/record-selected.ts";
import { newId } from "../ids.ts";
import { requireKey } from "../suppressions/address.ts";
import {
  type ContactFields,
  changeContact,
  changeKnown,
  chooseTopics,
  insertNew,
  joinSegments,
  number,
  recordCreated,
  removeContacts,
  type TopicChoice,
} from "./changes.ts";
import { longestName, readText } from "./names.ts";
import { propertiesOf } from "./properties.ts";
import { readValues } from "./property-values.ts";
import { getContact } from "./read.ts";
import { requireStaticSegments } from "./segments.ts";
import { requireTopics } from "./topics.ts";

/** What a client says of a contact; nothing of it is checked yet. */
export interface ContactInput {
  firstName?: string | null;
  lastName?: string | null;
  unsubscribed?: boolean | null;
  properties?: Record<string, unknown> | null;
}

export interface NewContact extends ContactInput {
  email: string;
  segmentIds?: string[];
  topics?: TopicChoice[];
}

/**
 * Makes a contact, or changes the one who has the address already, and gives their id. Segments and topics are added to
 * those they have.
 */
export async function saveContact(app: App, teamId: string, input: NewContact): Promise<string> {
  const results = await atomically(app, await contactWrites(app, teamId, input));
  return results.at(-1)!.rows[0]![0] as string;
}

/** The same as writes, for whoever has more to say in their batch. The last one gives the id. */
export async function contactWrites(app: App, teamId: string, input: NewContact): Promise<Write[]> {
  const email = requireKey("email", input.email);
  const topics = lastOfEach(input.topics ?? []);
  const [fields, segmentIds] = await Promise.all([
    readFields(app, teamId, input),
    requireStaticSegments(app, teamId, input.segmentIds ?? []),
    requireTopics(
      app,
      teamId,
      topics.map(({ id }) => id),
    ),
  ]);
  const wish = number({ email, ...fields });
  return [
    insertNew(app, teamId, [wish]),
    ...(segmentIds.length > 0 ? [joinSegments(teamId, [email], segmentIds)] : []),
    ...writeTopics(app, teamId, email, topics),
    ...recordCreated(app, teamId, [wish]), // behind the segments, of which it tells
    ...changeKnown(app, teamId, [wish]),
    rawWrite("select id from contacts where team_id = ? and email = ?", [teamId, email]),
  ];
}

/** Changes a contact, and gives their id. */
export async function updateContact(
  app: App,
  teamId: string,
  idOrEmail: string,
  input: ContactInput,
  segmentId?: string,
): Promise<string> {
  const { id } = await getContact(app, teamId, idOrEmail, segmentId);
  await atomically(app, changeContact(app, teamId, id, await readFields(app, teamId, input)));
  return id;
}

/** Removes a contact with all that hangs on them, and gives their id. */
export async function deleteContact(app: App, teamId: string, idOrEmail: string): Promise<string> {
  const { id } = await getContact(app, teamId, idOrEmail);
  await atomically(app, removeContacts(app, teamId, [id]));
  return id;
}

async function readFields(app: App, teamId: string, input: ContactInput): Promise<ContactFields> {
  const { unsubscribed } = input;
  const firstName = readText("first_name", input.firstName, longestName);
  const lastName = readText("last_name", input.lastName, longestName);
  const given = input.properties ?? {};
  const properties =
    Object.keys(given).length > 0 ? readValues(await propertiesOf(app.db, teamId), given) : undefined;
  return {
    ...(firstName !== undefined && { firstName }),
    ...(lastName !== undefined && { lastName }),
    ...(typeof unsubscribed === "boolean" && { unsubscribed }),
    ...(properties && { properties }),
  };
}

/** Of two choices about one topic the last counts. */
export const lastOfEach = (choices: TopicChoice[]): TopicChoice[] => [
  ...new Map(
    choices.map(({ id, subscription }) => [id.toLowerCase(), { id: id.toLowerCase(), subscription }]),
  ).values(),
];

/** The writes of what one contact chose, and their event where it changes anything. */
export function writeTopics(app: App, teamId: string, email: string, topics: TopicChoice[]): Write[] {
  if (topics.length === 0) return [];
  const list = JSON.stringify({ id: newId(), email, topics });
  return [
    ...recordSelected(app, { type: "contact.topics.updated", teamId, select: chosen, list }),
    chooseTopics(teamId, [email], topics),
  ];
}

/** Before they are written: those that differ from what was said before. */
const changedTopics = `
  from json_each(?1, '$.topics') g
    cross join contacts c on c.team_id = ?2 and c.email = json_extract(?1, '$.email')
    cross join topics t on t.id = json_extract(g.value, '$.id') and t.team_id = ?2
    left join contact_topics x on x.contact_id = c.id and x.topic_id = t.id
  where x.subscription is not json_extract(g.value, '$.subscription')`;
const chosen = `
  select json_extract(?1, '$.id') as id, json_extract(?1, '$.email') as recipient,
    json_object('email', json_extract(?1, '$.email'), 'topics',
      json((select json_group_array(json_object('id', t.id, 'subscription', json_extract(g.value, '$.subscription'))) ${changedTopics}))) as data
  where exists (select 1 ${changedTopics})`;
