/**
 * Contacts as they come, change and go, many at a time, each with its event. Whether a row is new, changed or still there
 * is decided in SQL, so that an event is recorded exactly when that happens.
 */
import type { App } from "../app.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { recordSelected } from "../events/record-selected.ts";
import { newId } from "../ids.ts";
import type { Contact, PropertyValue, Subscription } from "./schema.ts";

/** What is said of a contact: what is absent stays as it is, null takes a value away. */
export interface ContactFields {
  firstName?: string | null;
  lastName?: string | null;
  unsubscribed?: boolean;
  properties?: Record<string, PropertyValue | null>;
}

/** A contact to be made or, where the address is one's already, changed. */
export interface Wish extends ContactFields {
  /** A `recipientKey`; no two wishes of one list have the same. */
  email: string;
}

/** A wish with the ids of what it may make. */
export interface Numbered extends Wish {
  id: string;
  /** Nobody's: for a row that gives way to the one it is about. */
  freshId: string;
  createdId: string;
  updatedId: string;
}

export const number = (wish: Wish): Numbered => ({
  ...wish,
  id: newId(),
  freshId: newId(),
  createdId: newId(),
  updatedId: newId(),
});

/** As the statements below read it; what is absent stays absent. */
const listOf = (wishes: Numbered[]): string =>
  JSON.stringify(
    wishes.map(({ firstName, lastName, ...rest }) => ({
      ...rest,
      first_name: firstName,
      last_name: lastName,
    })),
  );

const said = (path: string) => `json_extract(e.value, '$.${path}')`;
const isSaid = (path: string) => `json_type(e.value, '$.${path}') is not null`;
const time = (column: string) => `strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch')`;

/** What webhooks tell of a contact `c`; an audience is the first of its segments. */
const ofContact =
  "from segment_members m cross join segments s on s.id = m.segment_id where m.contact_id = c.id";
const told = `json_object(
  'id', c.id, 'audience_id', (select min(m.segment_id) ${ofContact}),
  'segment_ids', json((select json_group_array(m.segment_id) ${ofContact})),
  'created_at', ${time("c.created_at")}, 'updated_at', ${time("c.updated_at")}, 'email', c.email,
  'first_name', c.first_name, 'last_name', c.last_name, 'unsubscribed', json(iif(c.unsubscribed, 'true', 'false')))`;

/** The events of the listed; a cross join keeps SQLite from starting anywhere but at the list. */
const eventsOf = (on: string, eventId: string) =>
  `select ${said(eventId)} as id, c.email as recipient, ${told} as data
   from json_each(?1) e cross join contacts c on c.team_id = ?2 and ${on}`;

const sameEmail = `c.email = ${said("email")}`;
const sameId = `c.id = ${said("id")}`;
/** Known before: whoever the list has just made has the list's id. */
const known = `${sameEmail} and c.id <> ${said("id")}`;

const createdEvents = eventsOf(sameId, "createdId");
const updatedEvents = eventsOf(`${known} and c.updated_at = ?4`, "updatedId");
const changedEvents = eventsOf(`${sameId} and c.updated_at = ?4`, "updatedId");
const deletedEvents = eventsOf(sameId, "deletedId");

// Not `insert or ignore`: that would have the triggers ignore conflicts as well, which they must count by.
const insert = `
  insert into contacts (team_id, id, email, first_name, last_name, unsubscribed, properties, created_at, updated_at)
  select ?2, ${said("id")}, ${said("email")}, ${said("first_name")}, ${said("last_name")},
    ifnull(${said("unsubscribed")}, 0), json_patch('{}', ifnull(${said("properties")}, '{}')), ?3, ?3
  from json_each(?1) e where true
  on conflict (team_id, email) do nothing`;

const next = {
  first_name: `iif(${isSaid("first_name")}, ${said("first_name")}, c.first_name)`,
  last_name: `iif(${isSaid("last_name")}, ${said("last_name")}, c.last_name)`,
  unsubscribed: `ifnull(${said("unsubscribed")}, c.unsubscribed)`,
  properties: `json_patch(c.properties, ifnull(${said("properties")}, '{}'))`,
};
const names = ["first_name", "last_name", "unsubscribed", "properties"] as const;

/**
 * Changes the rows that it makes different, and no others: theirs is the time of the change, by which events go. It is an
 * insert, which a cross join keeps at the list: an `update … from` begins with all of the team's contacts instead.
 */
const update = (on: string) => `
  insert into contacts (team_id, id, email, ${names.join(", ")}, created_at, updated_at)
  select ?2, ${said("freshId")}, c.email, ${names.map((name) => next[name]).join(", ")}, c.created_at, ?3
  from json_each(?1) e cross join contacts c on c.team_id = ?2 and ${on}
  where ${names.map((name) => `c.${name} is not ${next[name]}`).join(" or ")}
  on conflict (team_id, email) do update set
    ${names.map((name) => `${name} = excluded.${name}`).join(", ")}, updated_at = excluded.updated_at`;
const updateKnown = update(known);
const updateById = update(sameId);

/** Makes those whose address is nobody's yet; the statement's changes are how many. */
export const insertNew = (app: App, teamId: string, wishes: Numbered[]): Write =>
  rawWrite(insert, [listOf(wishes), teamId, app.now().getTime()]);

/** Changes those who were there before `insertNew` of the same list, and says so. */
export const changeKnown = (app: App, teamId: string, wishes: Numbered[]): Write[] =>
  changing(app, teamId, listOf(wishes), updateKnown, updatedEvents);

/** Says who is new; not for imports, of which nobody is told. */
export const recordCreated = (app: App, teamId: string, wishes: Numbered[]): Write[] =>
  recordSelected(app, { type: "contact.created", teamId, select: createdEvents, list: listOf(wishes) });

/** Changes one contact; nothing happens to one that is gone. */
export function changeContact(app: App, teamId: string, id: string, fields: ContactFields): Write[] {
  const list = listOf([{ ...number({ ...fields, email: "" }), id }]);
  return changing(app, teamId, list, updateById, changedEvents);
}

function changing(app: App, teamId: string, list: string, text: string, events: string): Write[] {
  return [
    rawWrite(text, [list, teamId, app.now().getTime()]),
    ...recordSelected(app, { type: "contact.updated", teamId, select: events, list }),
  ];
}

const touch = (isIn: string) => `
  update contacts set updated_at = ?4 where team_id = ?1 and id = ?2
    and ${isIn} exists (select 1 from segment_members where segment_id = ?3 and contact_id = ?2)`;
const touchOutside = touch("not");
const touchMember = touch("");

/** Puts a contact into a static segment of the team, or takes them out; says so where that changes anything. */
export function changeMembership(
  app: App,
  { teamId, id, email }: Pick<Contact, "teamId" | "id" | "email">,
  segmentId: string,
  isMember: boolean,
): Write[] {
  const list = JSON.stringify([{ id, updatedId: newId() }]);
  return [
    rawWrite(isMember ? touchOutside : touchMember, [teamId, id, segmentId, app.now().getTime()]),
    isMember
      ? joinSegments(teamId, [email], [segmentId])
      : rawWrite("delete from segment_members where segment_id = ? and contact_id = ?", [segmentId, id]),
    ...recordSelected(app, { type: "contact.updated", teamId, select: changedEvents, list }),
  ];
}

/** Removes those of the ids that are a team's contacts, with all that hangs on them; the last write does it. */
export function removeContacts(app: App, teamId: string, ids: string[]): Write[] {
  const list = JSON.stringify(ids.map((id) => ({ id, deletedId: newId() })));
  return [
    ...recordSelected(app, { type: "contact.deleted", teamId, select: deletedEvents, list }),
    rawWrite(
      `delete from contacts as c where c.team_id = ?2 and c.id in (select ${said("id")} from json_each(?1) e)`,
      [list, teamId],
    ),
  ];
}

/** The same for one of whom nobody is to hear the address any more. */
export const removeContactUnheard = ({ teamId, id }: Pick<Contact, "teamId" | "id">): Write =>
  rawWrite("delete from contacts where team_id = ? and id = ?", [teamId, id]);

const ofEmails = "json_each(?1) e cross join contacts c on c.team_id = ?2 and c.email = e.value";
const insertMembers = `
  insert into segment_members (segment_id, contact_id)
  select s.id, c.id from ${ofEmails} cross join json_each(?3) g
    cross join segments s on s.id = g.value and s.team_id = ?2 and s.rules is null
  where true on conflict do nothing`;

/** Puts contacts, by their addresses, into static segments; the statement's changes are how many were not in there. */
export const joinSegments = (teamId: string, emails: string[], segmentIds: string[]): Write =>
  rawWrite(insertMembers, [JSON.stringify(emails), teamId, JSON.stringify(segmentIds)]);

export interface TopicChoice {
  id: string;
  subscription: Subscription;
}

const insertTopics = (conflict: string) => `
  insert into contact_topics (contact_id, topic_id, subscription)
  select c.id, t.id, json_extract(g.value, '$.subscription')
  from ${ofEmails} cross join json_each(?3) g
    cross join topics t on t.id = json_extract(g.value, '$.id') and t.team_id = ?2
  where true on conflict (contact_id, topic_id) ${conflict}`;
const topicsChosen = insertTopics(
  "do update set subscription = excluded.subscription where subscription <> excluded.subscription",
);
const chosen = {
  always: topicsChosen,
  /** Leaves what somebody has said before. */
  ifNothingSaid: insertTopics("do nothing"),
  /** Leaves out who has left. */
  unlessLeft: insertTopics(
    "do update set subscription = excluded.subscription where subscription = 'opt_in' and excluded.subscription = 'opt_out'",
  ),
};

/** Writes down what contacts, by their addresses, want to hear of. */
export const chooseTopics = (
  teamId: string,
  emails: string[],
  choices: TopicChoice[],
  how: keyof typeof chosen = "always",
): Write => rawWrite(chosen[how], [JSON.stringify(emails), teamId, JSON.stringify(choices)]);
