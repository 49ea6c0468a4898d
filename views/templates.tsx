/** @jsxImportSource preact */
import type { Template } from "../src/templates/schema.ts";
import { Acting } from "./parts/acting.tsx";
import { Badge, State } from "./parts/badge.tsx";
import { Form, FormMistake, TextField } from "./parts/form.tsx";
import { Empty, Table } from "./parts/list.tsx";
import { LookFurther } from "./parts/look-further.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { SearchBar } from "./parts/search-bar.tsx";
import { Ago } from "./parts/time.tsx";

interface RowsProps {
  templates: Template[];
  /** What is searched for; empty: all of them. */
  q: string;
  next: string | undefined;
  now: Date;
}

const columns = ["Name", "Alias", "State", "Changed"];

export function TemplatesPage(list: RowsProps) {
  return (
    <>
      <PageHead
        title="Templates"
        lead="Emails that are written once and sent by name, with what is different filled in."
      >
        <Acting>
          <a class="button primary" href="/admin/templates/new">
            New template
          </a>
        </Acting>
      </PageHead>
      {list.templates.length === 0 && list.q === "" ? (
        <Empty icon="template" title="No template yet">
          <p>
            Write an email here once; programs then send it by its name, and broadcasts can begin with it.
          </p>
          <p>
            <Acting>
              <a class="button" href="/admin/templates/new">
                Write the first one
              </a>
            </Acting>
          </p>
        </Empty>
      ) : (
        <>
          <SearchBar action="/admin/templates" list="templates" value={list.q} placeholder="Name or alias" />
          <div id="templates">
            <FoundTemplates {...list} />
          </div>
        </>
      )}
    </>
  );
}

function FoundTemplates(list: RowsProps) {
  if (list.templates.length === 0 && list.next === undefined) {
    return (
      <Empty icon="search" title="Nothing found">
        <p>No template has “{list.q}” in its name or alias.</p>
      </Empty>
    );
  }
  return (
    <Table label="Templates" columns={columns}>
      <TemplateRows {...list} />
    </Table>
  );
}

export function TemplateRows({ templates, next, q, now }: RowsProps) {
  return (
    <>
      {templates.map((template) => (
        <tr id={`template-${template.id}`}>
          <td>
            <a href={`/admin/templates/${template.id}`}>
              <strong>{template.name}</strong>
            </a>
          </td>
          <td>{template.alias ? <code>{template.alias}</code> : <span class="quiet">none</span>}</td>
          <td>
            <TemplateState template={template} />
          </td>
          <td class="quiet">
            <Ago at={template.updatedAt} now={now} />
          </td>
        </tr>
      ))}
      {next && (
        <LookFurther
          href={`/admin/templates?${new URLSearchParams({ ...(q && { q }), after: next })}`}
          columns={columns.length}
          isSparse={templates.length === 0}
        />
      )}
    </>
  );
}

/** Whether it can be sent, and whether what is sent is what is shown. */
export function TemplateState({
  template: { publishedVersionId, currentVersionId },
}: {
  template: Pick<Template, "publishedVersionId" | "currentVersionId">;
}) {
  if (publishedVersionId === null) return <State name="draft" />;
  return (
    <>
      <State name="published" />{" "}
      {publishedVersionId !== currentVersionId && <Badge tone="warn">unpublished changes</Badge>}
    </>
  );
}

export interface NewTemplateProps {
  csrf: string;
  values: { name: string; alias: string };
  mistakes: Partial<Record<"name" | "alias" | "form", string>>;
}

export function NewTemplatePage({ csrf, values, mistakes }: NewTemplateProps) {
  return (
    <>
      <PageHead title="New template" up={{ path: "/admin/templates", name: "Templates" }} />
      <section class="card">
        <Form csrf={csrf} action="/admin/templates">
          <FormMistake>{mistakes.form}</FormMistake>
          <TextField
            name="name"
            label="Name"
            required
            autofocus
            maxLength={200}
            value={values.name}
            mistake={mistakes.name}
            hint="For you and your team, such as Order confirmation."
          />
          <TextField
            name="alias"
            label="Alias"
            maxLength={100}
            value={values.alias}
            mistake={mistakes.alias}
            hint="What programs call it, such as order-confirmation. It may be left empty: the id always works."
          />
          <button type="submit" class="primary">
            Create and write it
          </button>
        </Form>
      </section>
    </>
  );
}
