/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { Contact, PropertyType, Segment, Topic } from "../src/contacts/schema.ts";
import { nameOf, Subscribed } from "./contacts.tsx";
import { ActForm, Acting } from "./parts/acting.tsx";
import { Badge } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Copyable } from "./parts/copy.tsx";
import { Form, FormMistake, TextField } from "./parts/form.tsx";
import { Icon } from "./parts/icon.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { LookFurther } from "./parts/look-further.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Ago } from "./parts/time.tsx";
import { UsedBy } from "./parts/used-by.tsx";

export interface SegmentRowsProps {
  segments: Segment[];
  next: string | undefined;
  now: Date;
  /** Whether dynamic ones are counted by themselves, which takes its time where there are many contacts. */
  isCountedUnasked: boolean;
}

const columns = ["Name", "Kind", "Contacts", { name: "Created", isWide: true }] as const;
const number = (count: number) => count.toLocaleString("en");

export function SegmentsPage(list: SegmentRowsProps) {
  return (
    <>
      <PageHead title="Segments" lead="Lists of contacts: whom a broadcast goes to.">
        <Acting>
          <a class="button" href="/admin/segments/new">
            New static segment
          </a>
        </Acting>
        <Acting>
          <a class="button primary" href="/admin/segments/new?kind=dynamic">
            New dynamic segment
          </a>
        </Acting>
      </PageHead>
      {list.segments.length === 0 ? (
        <Empty icon="filter" title="No segment yet">
          <p>
            A dynamic segment holds whoever its rules hold for, now and later. A static one holds whom you put
            into it.
          </p>
          <p>
            <Acting>
              <a class="button" href="/admin/segments/new?kind=dynamic">
                Build one by rules
              </a>
            </Acting>
          </p>
        </Empty>
      ) : (
        <Table label="Segments" columns={columns}>
          <SegmentRows {...list} />
        </Table>
      )}
    </>
  );
}

export function SegmentRows({ segments, next, now, isCountedUnasked }: SegmentRowsProps) {
  return (
    <>
      {segments.map(({ id, name, rules, members, createdAt }) => (
        <tr>
          <td>
            <a href={`/admin/segments/${id}`}>
              <strong>{name}</strong>
            </a>
          </td>
          <td>
            <Kind isDynamic={rules !== null} />
          </td>
          <td class="number-start">
            {rules === null ? (
              <SegmentCount count={members} />
            ) : (
              <a
                href={`/admin/segments/${id}`}
                hx-get={`/admin/segments/${id}/count`}
                hx-trigger={isCountedUnasked ? "intersect once, click" : "click"}
                hx-swap="outerHTML"
                aria-label={`Count ${name}`}
              >
                Count
              </a>
            )}
          </td>
          <td class="quiet wide">
            <Ago at={createdAt} now={now} />
          </td>
        </tr>
      ))}
      {next && <More href={`/admin/segments?after=${next}`} columns={columns.length} />}
    </>
  );
}

function Kind({ isDynamic }: { isDynamic: boolean }) {
  return isDynamic ? <Badge tone="info">dynamic</Badge> : <Badge tone="quiet">static</Badge>;
}

export function SegmentCount({ count }: { count: number }) {
  return <span class="number">{number(count)}</span>;
}

type FormMistakes = Partial<Record<string, string>>;

interface NewSegmentProps {
  csrf: string;
  name: string;
  mistakes: FormMistakes;
  /** Of a dynamic one. */
  builder: BuilderProps | undefined;
}

const up = { path: "/admin/segments", name: "Segments" };

export function NewSegmentPage({ csrf, name, mistakes, builder }: NewSegmentProps) {
  return (
    <>
      <PageHead
        title={builder ? "New dynamic segment" : "New static segment"}
        lead={
          builder
            ? "It holds whoever its rules hold for, at the moment one looks."
            : "It holds whom you put into it, by hand, by import or by the API."
        }
        up={up}
      />
      <Form csrf={csrf} action="/admin/segments" class="stack wide">
        <EnterSaves />
        <section class="card">
          <FormMistake>{mistakes.form}</FormMistake>
          <NameField name={name} mistake={mistakes.name} />
        </section>
        {builder && <RuleBuilder {...builder} />}
        <button type="submit" class="primary">
          Create segment
        </button>
      </Form>
    </>
  );
}

/** The Enter key presses a form's first button, which would be one of the rules'. */
const EnterSaves = () => (
  <button type="submit" class="unseen" tabindex={-1}>
    Keep it as it is written
  </button>
);

const NameField = ({ name, mistake }: { name: string; mistake: string | undefined }) => (
  <TextField
    name="name"
    label="Name"
    required
    maxLength={100}
    value={name}
    mistake={mistake}
    hint="For yourself, such as Newsletter; your contacts don't see it."
  />
);

interface DraftRow {
  about: string;
  operator: string;
  value: string;
  days: string;
}
interface DraftGroup {
  word: "all" | "any";
  items: (DraftRow | DraftGroup)[];
}

/** A field that rules may ask for. */
interface RuleField {
  field: string;
  type: PropertyType;
  /** Of a property. */
  label: string | undefined;
  operators: readonly string[];
}

export interface BuilderProps {
  draft: DraftGroup;
  fields: RuleField[];
  topics: Topic[];
  /** Static ones. */
  segments: Segment[];
  /** What is wrong in which row. */
  mistake?: { path: string; sentence: string } | undefined;
  /** The group whose last row was just added. */
  fresh?: string | undefined;
}

/** The rules of a dynamic segment, row by row, with whom they hold at the moment. Its form is around it. */
export function RuleBuilder(props: BuilderProps) {
  return (
    <div id="rules" class="rules">
      <input type="hidden" name="kind" value="dynamic" />
      <section class="card">
        <Group {...props} group={props.draft} path="" levels={4} />
      </section>
      <Acting>
        {" "}
        <div
          id="preview"
          class="card"
          hx-post="/admin/segments/preview"
          hx-trigger="load"
          hx-swap="outerHTML"
          hx-sync="closest form:replace"
        >
          <h2>Whom they hold</h2>
          <p class="quiet">Looking…</p>
        </div>
      </Acting>
    </div>
  );
}

const asks = (what: string) => ({
  "hx-post": `/admin/segments/build?do=${what}`,
  "hx-target": "#rules",
  "hx-swap": "outerHTML",
  "hx-sync": "closest form:replace",
});
const asksPreview = {
  "hx-post": "/admin/segments/preview",
  "hx-trigger": "input delay:300ms",
  "hx-target": "#preview",
  "hx-swap": "outerHTML",
  "hx-sync": "closest form:replace",
};

interface GroupProps extends BuilderProps {
  group: DraftGroup;
  path: string;
  /** How many levels of groups may be here, this one among them. */
  levels: number;
}

function Group(props: GroupProps) {
  const { group, path, levels } = props;
  const at = (index: number) => (path === "" ? String(index) : `${path}.${index}`);
  const name = path === "" ? "of the segment" : `of group ${numberOf(path)}`;
  return (
    <fieldset class={path === "" ? "rule-group root" : "rule-group"}>
      <legend class="unseen">Rules {name}</legend>
      {path !== "" && (
        <>
          <input type="hidden" name="item" value={path} />
          <input type="hidden" name="group" value={path} />
        </>
      )}
      <div class="rule-head">
        <span aria-hidden="true">{path === "" ? "Contacts for whom" : "for whom"}</span>
        <select
          id={`word:${path}`}
          name={`word:${path}`}
          aria-label={`How many rules ${name} must hold`}
          class="word"
          {...asks("")}
        >
          <option value="all" selected={group.word === "all"}>
            all
          </option>
          <option value="any" selected={group.word === "any"}>
            any
          </option>
        </select>
        <span aria-hidden="true">of these hold</span>
        {path !== "" && (
          <>
            <span class="stretch" />
            <RemoveButton path={path} what={`group ${numberOf(path)}`} />
          </>
        )}
      </div>
      <ol class="rule-list">
        {group.items.map((item, index) => {
          const isFresh = props.fresh === path && index === group.items.length - 1;
          return (
            <li>
              {"items" in item ? (
                <Group
                  {...props}
                  group={item}
                  path={at(index)}
                  levels={levels - 1}
                  fresh={isFresh ? at(index) : props.fresh}
                />
              ) : (
                <Row {...props} row={item} path={at(index)} isFresh={isFresh} />
              )}
            </li>
          );
        })}
      </ol>
      <div class="row">
        <button
          type="submit"
          id={`rule-to:${path}`}
          class="small"
          formnovalidate
          formaction={`/admin/segments/build?do=rule:${path}`}
          {...asks(`rule:${path}`)}
        >
          <Icon name="plus" />
          Add a rule
        </button>
        {levels > 1 && (
          <button
            type="submit"
            id={`group-to:${path}`}
            class="small plain"
            formnovalidate
            formaction={`/admin/segments/build?do=group:${path}`}
            {...asks(`group:${path}`)}
          >
            Add a group
          </button>
        )}
        {path === "" && (
          <noscript>
            <button type="submit" class="small" formnovalidate formaction="/admin/segments/build?do=">
              Show the fields of what I chose
            </button>
          </noscript>
        )}
      </div>
    </fieldset>
  );
}

/** As people count: `1.0` is the first of the second. */
const numberOf = (path: string) =>
  path
    .split(".")
    .map((each) => Number(each) + 1)
    .join(".");

function RemoveButton({ path, what }: { path: string; what: string }) {
  return (
    <button
      type="submit"
      id={`remove:${path}`}
      class="plain small"
      aria-label={`Remove ${what}`}
      formnovalidate
      formaction={`/admin/segments/build?do=remove:${path}`}
      {...asks(`remove:${path}`)}
    >
      <Icon name="close" />
    </button>
  );
}

function Row(props: BuilderProps & { row: DraftRow; path: string; isFresh: boolean }) {
  const { row, path, isFresh, fields, mistake } = props;
  const name = `rule ${numberOf(path)}`;
  const wrong = mistake?.path === path ? mistake.sentence : undefined;
  const described = wrong && { "aria-describedby": `mistake:${path}`, "aria-invalid": "true" as const };
  return (
    <div class={wrong ? "rule wrong" : "rule"}>
      <input type="hidden" name="item" value={path} />
      <select
        id={`about:${path}`}
        name={`about:${path}`}
        aria-label={`What ${name} is about`}
        autofocus={isFresh}
        {...described}
        {...asks("")}
      >
        <AboutOptions {...props} />
      </select>
      <Rest {...props} name={name} field={fields.find(({ field }) => field === row.about)} />
      <RemoveButton path={path} what={name} />
      {wrong && (
        <p class="mistake" id={`mistake:${path}`}>
          {wrong}
        </p>
      )}
    </div>
  );
}

const fieldNames: Record<string, string> = {
  email: "Email",
  first_name: "First name",
  last_name: "Last name",
  unsubscribed: "Unsubscribed",
  created_at: "Added",
};
const eventNames = {
  "event.delivered": "A message was delivered to them",
  "event.opened": "They opened a message",
  "event.clicked": "They clicked a link",
  "event.bounced": "A message to them bounced",
};

function AboutOptions({ row, fields, topics, segments }: BuilderProps & { row: DraftRow }) {
  const properties = fields.filter(({ label }) => label !== undefined);
  const isGone = row.about.startsWith("properties.") && !properties.some(({ field }) => field === row.about);
  const option = (value: string, text: string) => (
    <option value={value} selected={value === row.about}>
      {text}
    </option>
  );
  return (
    <>
      <optgroup label="Contact">
        {fields
          .filter(({ label }) => label === undefined)
          .map(({ field }) => option(field, fieldNames[field] ?? field))}
      </optgroup>
      {(properties.length > 0 || isGone) && (
        <optgroup label="Properties">
          {properties.map(({ field, label }) => option(field, label ?? field))}
          {isGone && option(row.about, `${row.about.slice("properties.".length)} (deleted)`)}
        </optgroup>
      )}
      <optgroup label="Activity">
        {Object.entries(eventNames).map(([value, text]) => option(value, text))}
        {option("silent", "They have neither opened nor clicked")}
      </optgroup>
      {(topics.length > 0 || segments.length > 0 || ["topic", "segment"].includes(row.about)) && (
        <optgroup label="Lists">
          {(topics.length > 0 || row.about === "topic") && option("topic", "Topic")}
          {(segments.length > 0 || row.about === "segment") && option("segment", "Static segment")}
        </optgroup>
      )}
    </>
  );
}

const operatorNames: Record<PropertyType, Record<string, string>> = {
  string: {
    equals: "is",
    not_equals: "is not",
    contains: "contains",
    not_contains: "does not contain",
    starts_with: "begins with",
    ends_with: "ends with",
  },
  number: { equals: "is", not_equals: "is not", greater_than: "is more than", less_than: "is less than" },
  boolean: { equals: "is", not_equals: "is not" },
  date: { equals: "is", not_equals: "is not", greater_than: "is after", less_than: "is before" },
};
const bareNames: Record<string, string> = { is_set: "is known", is_not_set: "is not known" };

interface RestProps extends BuilderProps {
  row: DraftRow;
  path: string;
  name: string;
  field: RuleField | undefined;
}

/** What is asked of what a row is about. */
function Rest(props: RestProps) {
  const { row, path, name, field, topics, segments } = props;
  if (row.about === "topic") {
    return (
      <>
        <Operator
          {...props}
          options={[
            ["opt_in", "hears of"],
            ["opt_out", "does not hear of"],
          ]}
        />
        <Choice path={path} name={name} value={row.value} rows={topics} none="Choose a topic" />
      </>
    );
  }
  if (row.about === "segment") {
    return (
      <>
        <Operator
          {...props}
          options={[
            ["is_member", "is in"],
            ["is_not_member", "is not in"],
          ]}
        />
        <Choice path={path} name={name} value={row.value} rows={segments} none="Choose a segment" />
      </>
    );
  }
  if (row.about === "silent") return <Days {...props} before="for" placeholder="90" />;
  if (row.about.startsWith("event.")) {
    return (
      <>
        <Operator
          {...props}
          options={[
            ["has", "has happened"],
            ["has_not", "has not happened"],
          ]}
        />
        <Days {...props} before="within" placeholder="ever" />
      </>
    );
  }
  const type = field?.type ?? "string";
  const operators = field?.operators ?? ["equals"];
  const operator = operators.includes(row.operator) ? row.operator : operators[0]!;
  const options = operators.map(
    (each) => [each, operatorNames[type][each] ?? bareNames[each] ?? each] as const,
  );
  return (
    <>
      <Operator {...props} row={{ ...row, operator }} options={options} />
      {!(operator in bareNames) && <Value {...props} type={type} />}
    </>
  );
}

function Operator({
  row,
  path,
  name,
  options,
}: RestProps & { options: readonly (readonly [string, string])[] }) {
  return (
    <select
      id={`operator:${path}`}
      name={`operator:${path}`}
      aria-label={`How ${name} compares`}
      {...asks("")}
    >
      {options.map(([value, text]) => (
        <option value={value} selected={value === row.operator}>
          {text}
        </option>
      ))}
    </select>
  );
}

function Value({ row, path, name, type }: RestProps & { type: PropertyType }) {
  const attributes = {
    id: `value:${path}`,
    name: `value:${path}`,
    "aria-label": `Value of ${name}`,
    ...asksPreview,
  };
  if (type === "boolean") {
    return (
      <select {...attributes}>
        <option value="true" selected={row.value !== "false"}>
          yes
        </option>
        <option value="false" selected={row.value === "false"}>
          no
        </option>
      </select>
    );
  }
  const placeholder = { number: "12", date: "2026-08-05", string: "Text" }[type];
  return (
    <input
      {...attributes}
      type="text"
      autocomplete="off"
      maxLength={2_000}
      value={row.value}
      placeholder={placeholder}
    />
  );
}

function Choice({
  path,
  name,
  value,
  rows,
  none,
}: {
  path: string;
  name: string;
  value: string;
  rows: { id: string; name: string }[];
  none: string;
}) {
  const isThere = rows.some(({ id }) => id === value);
  return (
    <select id={`value:${path}`} name={`value:${path}`} aria-label={`Value of ${name}`} {...asksPreview}>
      {!isThere && (
        <option value={value}>{value === "" ? none : "(deleted, or not among the newest)"}</option>
      )}
      {rows.map((row) => (
        <option value={row.id} selected={row.id === value}>
          {row.name}
        </option>
      ))}
    </select>
  );
}

function Days({ row, path, name, before, placeholder }: RestProps & { before: string; placeholder: string }) {
  return (
    <span class="row days">
      <span>{before}</span>
      <input
        id={`days:${path}`}
        name={`days:${path}`}
        type="text"
        inputMode="numeric"
        autocomplete="off"
        size={5}
        aria-label={`Days of ${name}`}
        placeholder={placeholder}
        value={row.days}
        {...asksPreview}
      />
      <span>days</span>
    </span>
  );
}

export interface RulePreviewProps {
  count?: number;
  contacts?: Contact[];
  /** What is still missing. */
  unfinished?: { path: string; sentence: string };
}

/** Whom rules would hold: how many, and the newest of them. */
export function RulePreview({ count = 0, contacts = [], unfinished }: RulePreviewProps) {
  if (unfinished) {
    return (
      <div id="preview" class="card" role="status">
        <h2>Whom they hold</h2>
        <p class="quiet">
          {unfinished.path === "" ? "" : `Rule ${numberOf(unfinished.path)} is not finished. `}
          {unfinished.sentence}
        </p>
      </div>
    );
  }
  return (
    <div id="preview" class="card">
      <h2 aria-live="polite">
        {count === 0
          ? "Nobody, at the moment"
          : `${number(count)} ${count === 1 ? "contact" : "contacts"}, at the moment`}
      </h2>
      {contacts.length > 0 && (
        <ul class="sample">
          {contacts.map((contact) => (
            <li>
              <a href={`/admin/contacts/${contact.id}`}>{contact.email}</a>{" "}
              <span class="quiet">{nameOf(contact)}</span>
            </li>
          ))}
        </ul>
      )}
      {count > contacts.length && <p class="quiet">These are the newest.</p>}
    </div>
  );
}

interface MemberRowsProps {
  segment: Segment;
  contacts: Contact[];
  next: string | undefined;
  csrf: string;
  now: Date;
}

export interface SegmentPageProps extends NewSegmentProps {
  segment: Segment;
  /** What was written to put somebody in. */
  email: string;
  broadcasts: { id: string; name: string; status: string }[];
  /** Dynamic ones whose rules ask for it. */
  naming: Segment[];
  /** Dynamic ones that pick from it. */
  parts: Segment[];
  /** The one it picks from. */
  audience: Segment | undefined;
  /** Of a static one. */
  members: MemberRowsProps | undefined;
}

export function SegmentPage(props: SegmentPageProps) {
  const { csrf, segment, name, mistakes, builder, audience, members } = props;
  return (
    <>
      <PageHead
        title={segment.name}
        lead={
          <>
            <Kind isDynamic={segment.rules !== null} />{" "}
            {segment.rules === null
              ? `${number(segment.members)} ${segment.members === 1 ? "contact" : "contacts"}`
              : "Whoever its rules hold for"}
            {audience && (
              <>
                , among those of <a href={`/admin/segments/${audience.id}`}>{audience.name}</a>
              </>
            )}
          </>
        }
        up={up}
      >
        <a class="button" href={`/admin/contacts?segment=${segment.id}`}>
          Show its contacts
        </a>
        <a class="button" href={`/admin/contacts/export?segment=${segment.id}`} download>
          Export CSV
        </a>
        <DeleteSegment {...props} />
      </PageHead>
      <Form isShown csrf={csrf} action={`/admin/segments/${segment.id}`} class="stack wide">
        <EnterSaves />
        <input type="hidden" name="id" value={segment.id} />
        <section class="card">
          <FormMistake>{mistakes.form}</FormMistake>
          <NameField name={name} mistake={mistakes.name} />
          <p class="hint">
            Id: <Copyable text={segment.id} label="the segment's id" />
          </p>
        </section>
        {builder && <RuleBuilder {...builder} />}
        <button type="submit" class="primary">
          Save
        </button>
      </Form>
      {members && <Members {...props} members={members} />}
    </>
  );
}

function DeleteSegment({ csrf, segment, broadcasts, naming, parts }: SegmentPageProps) {
  return (
    <Confirm
      id="delete-segment"
      csrf={csrf}
      action={`/admin/segments/${segment.id}/delete`}
      label="Delete"
      title={`Delete ${segment.name}?`}
      act="Delete the segment"
    >
      <p>
        {segment.rules === null && segment.members > 0
          ? `Its ${number(segment.members)} contacts stay, but nobody knows any more that they were in it.`
          : "Contacts stay."}{" "}
        This can't be taken back.
      </p>
      <UsedBy
        broadcasts={broadcasts}
        broadcastsThen="Those not sent yet can't be before you give them another segment; one that is going out ends here."
        segments={naming}
        segmentsThen="Those rules hold for nobody then."
      />
      {parts.length > 0 && (
        <p>{`Deleted with it, because they pick from it: ${parts.map((part) => part.name).join(", ")}.`}</p>
      )}
    </Confirm>
  );
}

const memberColumns = [
  "Contact",
  { name: "Name", isWide: true },
  { name: "Broadcasts", isWide: true },
  { name: "Added", isWide: true },
  "",
] as const;

function Members({
  csrf,
  segment,
  members,
  mistakes,
  email,
}: SegmentPageProps & { members: MemberRowsProps }) {
  return (
    <section class="members">
      <h2>Contacts in it</h2>
      <ActForm csrf={csrf} class="filters" action={`/admin/segments/${segment.id}/members`}>
        <TextField
          name="email"
          label="Put a contact in, by address"
          type="email"
          required
          autocomplete="off"
          value={email}
          mistake={mistakes.email}
        />
        <button type="submit">Put in</button>
        {mistakes.email && (
          <Acting>
            <a
              class="button"
              href={`/admin/contacts/new?${new URLSearchParams({ email, segment: segment.id })}`}
            >
              Add them as a contact
            </a>
          </Acting>
        )}
      </ActForm>
      {members.contacts.length === 0 ? (
        <Empty icon="people" title="Nobody is in it yet">
          <p>Put contacts in by their address, import a file into it, or let your program do it.</p>
          <p>
            <Acting>
              <a class="button" href={`/admin/contacts/imports/new?segment=${segment.id}`}>
                Import a file
              </a>
            </Acting>
          </p>
        </Empty>
      ) : (
        <Table label={`Contacts of ${segment.name}`} columns={memberColumns}>
          <MemberRows {...members} />
        </Table>
      )}
    </section>
  );
}

export function MemberRows({ segment, contacts, next, csrf, now }: MemberRowsProps) {
  return (
    <>
      {contacts.map((contact) => (
        <tr>
          <td class="long">
            <a href={`/admin/contacts/${contact.id}`}>{contact.email}</a>
          </td>
          <td class="long wide">{nameOf(contact)}</td>
          <td class="wide">
            <Subscribed contact={contact} />
          </td>
          <td class="quiet wide">
            <Ago at={contact.createdAt} now={now} />
          </td>
          <td class="act">
            <ActForm csrf={csrf} action={`/admin/segments/${segment.id}/members/${contact.id}/remove`}>
              <button type="submit" aria-label={`Take out ${contact.email}`}>
                Take out
              </button>
            </ActForm>
          </td>
        </tr>
      ))}
      {next && (
        <LookFurther
          href={`/admin/segments/${segment.id}?after=${next}`}
          columns={memberColumns.length}
          isSparse={contacts.length === 0}
        />
      )}
    </>
  );
}
