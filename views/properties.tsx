/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ContactProperty } from "../src/contacts/schema.ts";
import { Acting } from "./parts/acting.tsx";
import { Badge } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Copyable } from "./parts/copy.tsx";
import { Form, FormMistake, SelectField, TextField } from "./parts/form.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { number } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
import { Ago } from "./parts/time.tsx";
import { UsedBy } from "./parts/used-by.tsx";

export interface PropertyRowsProps {
  properties: ContactProperty[];
  next: string | undefined;
  now: Date;
}

const columns = [
  "Key",
  { name: "Label", isWide: true },
  "Type",
  "Where there is no value",
  { name: "Created", isWide: true },
] as const;

export function PropertiesPage(list: PropertyRowsProps) {
  return (
    <>
      <PageHead
        title="Properties"
        lead="What you know of your contacts besides their names: for merge fields and for the rules of segments."
      >
        <Acting>
          <a class="button primary" href="/admin/properties/new">
            New property
          </a>
        </Acting>
      </PageHead>
      {list.properties.length === 0 ? (
        <Empty icon="tag" title="No property yet">
          <p>Define what you want to know, such as a plan or a birthday. An import can define them too.</p>
          <p>
            <Acting>
              <a class="button" href="/admin/properties/new">
                New property
              </a>
            </Acting>
          </p>
        </Empty>
      ) : (
        <Table label="Contact properties" columns={columns}>
          <PropertyRows {...list} />
        </Table>
      )}
    </>
  );
}

export function PropertyRows({ properties, next, now }: PropertyRowsProps) {
  return (
    <>
      {properties.map(({ id, key, label, type, fallbackValue, createdAt }) => (
        <tr>
          <td>
            <a href={`/admin/properties/${id}`}>
              <code>{key}</code>
            </a>
          </td>
          <td class="wide">{label}</td>
          <td>
            <Badge tone="quiet">{typeNames[type]}</Badge>
          </td>
          <td class="quiet long">{fallbackValue === null ? "nothing" : String(fallbackValue)}</td>
          <td class="quiet wide">
            <Ago at={createdAt} now={now} />
          </td>
        </tr>
      ))}
      {next && <More href={`/admin/properties?after=${next}`} columns={columns.length} />}
    </>
  );
}

const typeNames: Record<ContactProperty["type"], string> = {
  string: "text",
  number: "number",
  boolean: "yes or no",
  date: "date",
};

export interface PropertyValues {
  key: string;
  type: string;
  label: string;
  fallback: string;
}

interface PropertyFormProps {
  csrf: string;
  values: PropertyValues;
  mistakes: Partial<Record<string, string>>;
}

const up = { path: "/admin/properties", name: "Properties" };

export function NewPropertyPage({ csrf, values, mistakes }: PropertyFormProps) {
  return (
    <>
      <PageHead title="New property" up={up} />
      <section class="card">
        <Form csrf={csrf} action="/admin/properties">
          <FormMistake>{mistakes.form}</FormMistake>
          <TextField
            name="key"
            label="Key"
            required
            maxLength={50}
            pattern="[A-Za-z0-9_]+"
            value={values.key}
            mistake={mistakes.key}
            hint="Letters, digits and underscores, such as company_size. It stays as it is."
          />
          <SelectField
            name="type"
            label="Type"
            value={values.type}
            mistake={mistakes.type}
            hint="It stays as it is, too."
            options={[
              ["string", "Text"],
              ["number", "Number"],
              ["boolean", "Yes or no"],
              ["date", "Date"],
            ]}
          />
          <RestFields values={values} mistakes={mistakes} />
          <button type="submit" class="primary">
            Create property
          </button>
        </Form>
      </section>
    </>
  );
}

function RestFields({ values, mistakes }: Pick<PropertyFormProps, "values" | "mistakes">) {
  return (
    <>
      <TextField
        name="label"
        label="Label"
        maxLength={100}
        value={values.label}
        mistake={mistakes.label}
        hint="How it is called here, such as Company size."
      />
      <TextField
        name="fallback_value"
        label="Where there is no value"
        maxLength={2_000}
        value={values.fallback}
        mistake={mistakes.fallback_value}
        hint="What a merge field says then, of the property's type: text, 12, true or 2026-08-05."
      />
    </>
  );
}

export interface PropertyPageProps extends PropertyFormProps {
  property: ContactProperty;
  segments: { id: string; name: string }[];
  /** How many contacts the team has. */
  contacts: number;
}

export function PropertyPage({ csrf, property, values, mistakes, segments, contacts }: PropertyPageProps) {
  const { id, key, type, label } = property;
  return (
    <>
      <PageHead title={label ?? key} up={up}>
        <Confirm
          id="delete-property"
          csrf={csrf}
          action={`/admin/properties/${id}/delete`}
          label="Delete"
          title={`Delete ${key}?`}
          act="Delete the property"
        >
          <p>
            {contacts === 0
              ? "You have no contacts who could lose a value."
              : `Each of your ${number(contacts)} contacts loses its value of it.`}{" "}
            This can't be taken back.
          </p>
          <UsedBy segments={segments} segmentsThen="Change those rules first." />
        </Confirm>
      </PageHead>
      <section class="card">
        <Form isShown csrf={csrf} action={`/admin/properties/${id}`}>
          <FormMistake>{mistakes.form}</FormMistake>
          <RestFields values={values} mistakes={mistakes} />
          <button type="submit" class="primary">
            Save
          </button>
        </Form>
      </section>
      <section class="card">
        <dl class="facts">
          <dt>Type</dt>
          <dd>{typeNames[type]}</dd>
          <dt>Merge field</dt>
          <dd>
            <Copyable text={`{{{contact.${key}}}}`} label="the merge field" />
          </dd>
          <dt>In rules</dt>
          <dd>
            <Copyable text={`properties.${key}`} label="the field's name in rules" />
          </dd>
        </dl>
      </section>
    </>
  );
}
