/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ContactProperty, Segment } from "../src/contacts/schema.ts";
import { Form, FormMistake, SelectField, TextField } from "./parts/form.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { TypedField } from "./parts/typed-field.tsx";

export interface ContactValues {
  email: string;
  firstName: string;
  lastName: string;
  /** By the properties' keys. */
  properties: Record<string, string>;
  segmentId: string;
}

type FormMistakes = Partial<Record<string, string>>;

export interface NewContactProps {
  csrf: string;
  values: ContactValues;
  mistakes: FormMistakes;
  definitions: ContactProperty[];
  segments: Segment[];
}

export const up = { path: "/admin/contacts", name: "Contacts" };

export function NewContactPage({ csrf, values, mistakes, definitions, segments }: NewContactProps) {
  return (
    <>
      <PageHead
        title="Add a contact"
        lead="Where the address is a contact’s already, they are changed to what you write here."
        up={up}
      />
      <section class="card">
        <Form csrf={csrf} action="/admin/contacts">
          <FormMistake>{mistakes.form}</FormMistake>
          <TextField
            name="email"
            label="Email"
            type="email"
            required
            value={values.email}
            mistake={mistakes.email}
          />
          <PersonFields values={values} mistakes={mistakes} definitions={definitions} />
          {segments.length > 0 && (
            <SelectField
              name="segment"
              label="Segment"
              value={values.segmentId}
              options={[["", "None"], ...segments.map(({ id, name }) => [id, name] as const)]}
            />
          )}
          <button type="submit" class="primary">
            Add contact
          </button>
        </Form>
      </section>
    </>
  );
}

export function PersonFields({
  values,
  mistakes,
  definitions,
}: Pick<NewContactProps, "values" | "mistakes" | "definitions">) {
  return (
    <>
      <TextField
        name="first_name"
        label="First name"
        maxLength={200}
        value={values.firstName}
        mistake={mistakes.first_name}
      />
      <TextField
        name="last_name"
        label="Last name"
        maxLength={200}
        value={values.lastName}
        mistake={mistakes.last_name}
      />
      {definitions.map(({ key, label, type }) => (
        <TypedField
          name={`property.${key}`}
          label={label ?? key}
          type={type}
          value={values.properties[key] ?? ""}
          mistake={mistakes[`property.${key}`]}
        />
      ))}
    </>
  );
}
