/** @jsxImportSource preact */
import type { ComponentChildren } from "preact";
import { assetUrl } from "../assets/index.ts";

export interface JsonSchema {
  type?: string | string[];
  description?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
}

interface Content {
  content?: Record<string, { schema?: JsonSchema; example?: unknown }>;
}

export interface Operation {
  summary?: string;
  description?: string;
  tags?: string[];
  security?: unknown[];
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: JsonSchema }[];
  requestBody?: Content;
  responses?: Record<string, Content & { description?: string }>;
}

export interface ReferenceProps {
  version: string;
  /** By tag, each with its method and path. */
  groups: { tag: string; operations: { id: string; method: string; path: string; operation: Operation }[] }[];
}

/** The whole API for people: every route with what it takes and answers. No script, nothing from elsewhere. */
export function ReferencePage({ version, groups }: ReferenceProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>The API · MailIt</title>
        <link rel="icon" href={assetUrl("logo.svg")} />
        <link rel="stylesheet" href={assetUrl("admin.css")} />
      </head>
      <body class="reference">
        <nav class="reference-nav" aria-label="Parts of the API">
          <a class="brand" href="/">
            <img src={assetUrl("logo.svg")} alt="" width="22" height="22" />
            MailIt
          </a>
          <ul>
            {groups.map(({ tag }) => (
              <li>
                <a href={`#${anchor(tag)}`}>{tag}</a>
              </li>
            ))}
          </ul>
        </nav>
        <main>
          <div class="page-head">
            <div>
              <h1>The API</h1>
              <p class="quiet">
                Version {version}. The same as a document: <a href="/openapi/json">/openapi/json</a> (OpenAPI
                3.1). Requests carry a key as <code>Authorization: Bearer re_…</code>
              </p>
            </div>
          </div>
          {groups.map(({ tag, operations }) => (
            <section aria-labelledby={anchor(tag)}>
              <h2 id={anchor(tag)}>{tag}</h2>
              {operations.map((each) => (
                <Route {...each} />
              ))}
            </section>
          ))}
        </main>
      </body>
    </html>
  );
}

const anchor = (tag: string) => tag.toLowerCase().replace(/[^a-z0-9]+/g, "-");

function Route({ id, method, path, operation }: ReferenceProps["groups"][number]["operations"][number]) {
  const { summary, description, parameters = [], requestBody, responses = {} } = operation;
  const done = Object.entries(responses).filter(([status]) => status.startsWith("2"));
  const refused = Object.entries(responses).filter(([status]) => !status.startsWith("2"));
  return (
    <details class="route" id={id}>
      <summary>
        <code class={`verb ${method}`}>{method.toUpperCase()}</code> <code>{path}</code>
        <span class="quiet">{summary}</span>
      </summary>
      {description && <p>{description}</p>}
      {parameters.length > 0 && (
        <Fields title="Parameters">
          {parameters.map((parameter) => (
            <Field
              name={parameter.name}
              type={`${typeOf(parameter.schema)}, in the ${parameter.in}`}
              isRequired={parameter.required === true}
              description={parameter.description ?? parameter.schema?.description}
            />
          ))}
        </Fields>
      )}
      {requestBody && <Body title="Body" {...requestBody} />}
      {done.map(([status, response]) => (
        <Body title={`${status}: ${response.description}`} {...response} />
      ))}
      {refused.length > 0 && (
        <p class="quiet">
          Or: {refused.map(([status, response]) => `${status} ${response.description}`).join("; ")}.
        </p>
      )}
    </details>
  );
}

function Body({ title, content = {} }: Content & { title: string }) {
  const [type, { schema, example } = {}] = Object.entries(content)[0] ?? [];
  const fields = schema && fieldsOf(schema);
  return (
    <>
      {fields ? (
        <Fields title={title}>
          {Object.entries(fields.properties ?? {}).map(([name, field]) => (
            <Field
              name={name}
              type={typeOf(field)}
              isRequired={fields.required?.includes(name) === true}
              description={field.description}
            />
          ))}
        </Fields>
      ) : (
        <h3>
          {title}
          {type && type !== "application/json" ? ` (${type})` : ""}
        </h3>
      )}
      {example !== undefined && <pre tabindex={0}>{JSON.stringify(example, null, 2)}</pre>}
    </>
  );
}

function Fields({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <>
      <h3>{title}</h3>
      <dl class="facts">{children}</dl>
    </>
  );
}

function Field(field: { name: string; type: string; isRequired: boolean; description: string | undefined }) {
  return (
    <>
      <dt>
        <code>{field.name}</code>
      </dt>
      <dd>
        <span class="quiet">
          {field.type}
          {field.isRequired ? ", required" : ""}
        </span>
        {field.description && ` ${field.description}`}
      </dd>
    </>
  );
}

/** An object's fields; of what is one of several the first that has any, and of what is all of several theirs together. */
function fieldsOf(schema: JsonSchema): JsonSchema | undefined {
  if (schema.properties) return schema;
  if (schema.allOf) {
    const parts = schema.allOf.flatMap((part) => fieldsOf(part) ?? []);
    return {
      properties: Object.assign({}, ...parts.map(({ properties }) => properties)),
      required: parts.flatMap(({ required = [] }) => required),
    };
  }
  for (const part of schema.anyOf ?? schema.oneOf ?? []) {
    const found = fieldsOf(part);
    if (found) return found;
  }
  return undefined;
}

function typeOf(schema: JsonSchema | undefined): string {
  if (!schema) return "text";
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return [...new Set(several.map(typeOf))].join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items)}`;
  return Array.isArray(schema.type) ? schema.type.join(" or ") : (schema.type ?? "anything");
}
