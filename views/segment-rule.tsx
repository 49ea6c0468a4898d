/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { Contact, PropertyType, Segment, Topic } from "../src/contacts/schema.ts";
import { Icon } from "./parts/icon.tsx";

interface DraftRow {
  about: string;
  operator: string;
  value: string;
  days: string;
}
export interface DraftGroup {
  word: "all" | "any";
  items: (DraftRow | DraftGroup)[];
}

/** A field that rules may ask for. */
export interface RuleField {
  field: string;
  type: PropertyType;
  /** Of a property. */
  label: string | undefined;
  operators: readonly string[];
}

export interface RulePreviewProps {
  count?: number;
  contacts?: Contact[];
  /** What is still missing. */
  unfinished?: { path: string; sentence: string };
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
  /** Whom they hold; absent where that is looked up when the page is there. */
  preview?: RulePreviewProps | undefined;
}

/** Morphed and not put in the old one's place: what is typed while the answer is on its way stays. */
export const asks = (what: string) => ({
  "hx-post": `/admin/segments/build?do=${what}`,
  "hx-target": "#rules",
  "hx-swap": "outerMorph",
  "hx-sync": "closest form:replace",
});
const asksPreview = {
  "hx-post": "/admin/segments/preview",
  "hx-trigger": "input delay:300ms",
  "hx-target": "#preview",
  "hx-swap": "outerHTML",
  "hx-sync": "closest form:replace",
};

/** As people count: `1.0` is the first of the second. */
export const numberOf = (path: string) =>
  path
    .split(".")
    .map((each) => Number(each) + 1)
    .join(".");

export function RemoveButton({ path, what }: { path: string; what: string }) {
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

export function Row(props: BuilderProps & { row: DraftRow; path: string; isFresh: boolean }) {
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
  return <input {...attributes} type="text" maxLength={2_000} value={row.value} placeholder={placeholder} />;
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
