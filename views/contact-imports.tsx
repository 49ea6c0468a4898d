/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ImportPreview } from "../src/contacts/import-steps.ts";
import type {
  ContactImport,
  ContactImportError,
  ContactProperty,
  Segment,
  Topic,
} from "../src/contacts/schema.ts";
import { Acting } from "./parts/acting.tsx";
import { Badge, type Tone } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Checkbox, Form, FormMistake } from "./parts/form.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { sizeInWords } from "./parts/message.tsx";
import { number } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
import { Ago, Time } from "./parts/time.tsx";

export interface ImportRowsProps {
  imports: ContactImport[];
  next: string | undefined;
  now: Date;
}

const columns = [
  "File",
  "State",
  { name: "Rows", isNumber: true },
  { name: "New", isWide: true, isNumber: true },
  { name: "Changed", isWide: true, isNumber: true },
  { name: "Left as they were", isWide: true, isNumber: true },
  { name: "Not taken", isNumber: true },
] as const;
const upToContacts = { path: "/admin/contacts", name: "Contacts" };
const upToImports = { path: "/admin/contacts/imports", name: "Imports" };

export function ImportsPage(list: ImportRowsProps) {
  return (
    <>
      <PageHead title="Imports" lead="Files of contacts of the last 30 days." up={upToContacts}>
        <Acting>
          <a class="button primary" href="/admin/contacts/imports/new">
            Import a file
          </a>
        </Acting>
      </PageHead>
      {list.imports.length === 0 ? (
        <Empty icon="people" title="No import yet">
          <p>Export your contacts as CSV where they are now, and upload the file here.</p>
          <p>
            <Acting>
              <a class="button" href="/admin/contacts/imports/new">
                Import a file
              </a>
            </Acting>
          </p>
        </Empty>
      ) : (
        <Table label="Imports" columns={columns}>
          <ImportRows {...list} />
        </Table>
      )}
    </>
  );
}

export function ImportRows({ imports, next, now }: ImportRowsProps) {
  return (
    <>
      {imports.map((row) => (
        <tr>
          <td>
            <a href={`/admin/contacts/imports/${row.id}`}>
              <Ago at={row.createdAt} now={now} />
            </a>{" "}
            <span class="quiet">{sizeInWords(row.size)}</span>
          </td>
          <td>
            <ImportState status={row.status} />
          </td>
          <td class="number">{number(row.total)}</td>
          {[row.created, row.updated, row.skipped].map((count) => (
            <td class="number wide">{number(count)}</td>
          ))}
          <td class="number">{number(row.failed)}</td>
        </tr>
      ))}
      {next && <More href={`/admin/contacts/imports?after=${next}`} columns={columns.length} />}
    </>
  );
}

const states: Record<ContactImport["status"], [Tone, string]> = {
  uploaded: ["warn", "not begun"],
  queued: ["info", "waiting"],
  in_progress: ["info", "importing"],
  completed: ["good", "done"],
  failed: ["bad", "failed"],
};

function ImportState({ status }: { status: ContactImport["status"] }) {
  const [tone, word] = states[status];
  return <Badge tone={tone}>{word}</Badge>;
}

type FormMistakes = Partial<Record<string, string>>;

interface NewImportProps {
  csrf: string;
  /** Where the contacts are to go. */
  segment: Segment | undefined;
  mistakes: FormMistakes;
  maxBytes: number;
}

export function NewImportPage({ csrf, segment, mistakes, maxBytes }: NewImportProps) {
  const query = new URLSearchParams({ streamed: "1", csrf, ...(segment && { segment: segment.id }) });
  return (
    <>
      <PageHead
        title="Import contacts"
        lead="First the file; then you say what its columns are. Nothing happens before that."
        up={upToImports}
      />
      <section class="card">
        <Form csrf={csrf} enctype="multipart/form-data" action={`/admin/contacts/imports?${query}`}>
          <FormMistake>{mistakes.form}</FormMistake>
          <div class={mistakes.file ? "field wrong" : "field"}>
            <label for="file">CSV file</label>
            <input
              id="file"
              name="file"
              type="file"
              required
              accept=".csv,.txt,.tsv,text/csv,text/plain,text/tab-separated-values"
              aria-describedby={mistakes.file ? "file-hint file-mistake" : "file-hint"}
            />
            <p class="hint" id="file-hint">
              The first line names the columns, one of which has the email addresses. Comma, semicolon or tab
              between them; {sizeInWords(maxBytes)} at most.
            </p>
            {mistakes.file && (
              <p class="mistake" id="file-mistake">
                {mistakes.file}
              </p>
            )}
          </div>
          {segment && <p>The contacts will go into the segment {segment.name}.</p>}
          <button type="submit" class="primary">
            Upload
          </button>
        </Form>
      </section>
    </>
  );
}

/** What each column is, by its place; and what is to happen. */
export interface MapValues {
  columns: string[];
  onConflict: string;
  /** Whether who has left comes back where the file says so. */
  resubscribes: boolean;
  segmentIds: string[];
  topicIds: string[];
}

interface MapImportProps {
  csrf: string;
  row: ContactImport;
  preview: ImportPreview;
  values: MapValues;
  mistakes: FormMistakes;
  definitions: ContactProperty[];
  segments: Segment[];
  topics: Topic[];
}

export function MapImportPage(props: MapImportProps) {
  const { csrf, row, values, mistakes, segments, topics } = props;
  return (
    <>
      <PageHead
        title="Import contacts"
        lead={`A file of ${sizeInWords(row.size)}. Say what its columns are, and begin.`}
        up={upToImports}
      >
        <Confirm
          id="discard"
          csrf={csrf}
          action={`/admin/contacts/imports/${row.id}/discard`}
          label="Take the file back"
          title="Take the file back?"
          act="Remove the file"
        >
          <p>It is removed from here, and none of its contacts is taken.</p>
        </Confirm>
      </PageHead>
      <Form csrf={csrf} action={`/admin/contacts/imports/${row.id}/begin`} class="stack wide">
        <FormMistake>{mistakes.form}</FormMistake>
        <ColumnTable {...props} />
        <div class="columns fill">
          <section class="card">
            <fieldset class="bare">
              <legend>Contacts who are there already</legend>
              <Radio
                value="upsert"
                chosen={values.onConflict}
                label="Change them"
                hint="What the file says of them counts; an empty cell changes nothing."
              />
              <Radio
                value="skip"
                chosen={values.onConflict}
                label="Leave them as they are"
                hint="Only new ones are made; all of them are put into the segments below."
              />
            </fieldset>
            <Checkbox
              name="resubscribe"
              value="true"
              label="Bring back people who have left"
              checked={values.resubscribes}
              hint="Who has unsubscribed, or left a topic, stays out whatever the file says. Tick this only where all of them have asked you to write to them again: writing to people who have left is spam, and against the law in many countries."
            />
          </section>
          {segments.length > 0 && (
            <section class="card">
              <fieldset class="bare choices">
                <legend>Put all of them into segments</legend>
                {segments.map(({ id, name }) => (
                  <Checkbox
                    id={`segment-${id}`}
                    name="segment"
                    value={id}
                    label={name}
                    checked={values.segmentIds.includes(id)}
                  />
                ))}
              </fieldset>
            </section>
          )}
          {topics.length > 0 && (
            <section class="card">
              <fieldset class="bare choices">
                <legend>All of them asked to hear of</legend>
                {topics.map(({ id, name }) => (
                  <Checkbox
                    id={`topic-${id}`}
                    name="topic"
                    value={id}
                    label={name}
                    checked={values.topicIds.includes(id)}
                  />
                ))}
              </fieldset>
            </section>
          )}
        </div>
        <button type="submit" class="primary">
          Begin the import
        </button>
      </Form>
    </>
  );
}

function Radio({
  value,
  chosen,
  label,
  hint,
}: {
  value: string;
  chosen: string;
  label: string;
  hint: string;
}) {
  return (
    <div class="check">
      <input
        type="radio"
        id={`on_conflict-${value}`}
        name="on_conflict"
        value={value}
        checked={chosen === value}
        aria-describedby={`on_conflict-${value}-hint`}
      />
      <label for={`on_conflict-${value}`}>{label}</label>
      <p class="hint" id={`on_conflict-${value}-hint`}>
        {hint}
      </p>
    </div>
  );
}

function ColumnTable({ preview, values, definitions }: MapImportProps) {
  return (
    <Table
      label="Columns of the file"
      columns={["Column", "What it is", { name: "First rows", isWide: true }]}
    >
      {preview.columns.map(({ name }, at) => (
        <tr>
          <th scope="row">{name || <span class="quiet">(no name)</span>}</th>
          <td>
            <select
              name={`column.${at}`}
              aria-label={`What ${name || `column ${at + 1}`} is`}
              disabled={name === ""}
            >
              <FieldOptions chosen={values.columns[at] ?? ""} definitions={definitions} />
            </select>
          </td>
          <td class="cells wide">
            {preview.rows.slice(0, 3).map((cells) => (
              <span>{cells[at]}</span>
            ))}
          </td>
        </tr>
      ))}
    </Table>
  );
}

const newTypes = { string: "text", number: "a number", boolean: "yes or no", date: "a date" };

function FieldOptions({ chosen, definitions }: { chosen: string; definitions: ContactProperty[] }) {
  const option = (value: string, text: string) => (
    <option value={value} selected={value === chosen}>
      {text}
    </option>
  );
  return (
    <>
      {option("", "Leave it out")}
      <optgroup label="Contact">
        {option("email", "Email")}
        {option("first_name", "First name")}
        {option("last_name", "Last name")}
        {option("unsubscribed", "Unsubscribed (yes or no)")}
      </optgroup>
      {definitions.length > 0 && (
        <optgroup label="Properties">
          {definitions.map(({ key, label }) => option(`properties.${key}`, label ?? key))}
        </optgroup>
      )}
      <optgroup label="New property called so">
        {Object.entries(newTypes).map(([type, text]) => option(`new.${type}`, `New: ${text}`))}
      </optgroup>
    </>
  );
}

interface ImportPageProps {
  csrf: string;
  row: ContactImport;
  errors: ContactImportError[];
  now: Date;
}

export function ImportPage({ row, errors, now }: ImportPageProps) {
  return (
    <>
      <PageHead
        title="Import"
        lead={
          <>
            A file of {sizeInWords(row.size)}, uploaded <Time at={row.createdAt} isShort />
          </>
        }
        up={upToImports}
      />
      <ImportProgress row={row} now={now} />
      {errors.length > 0 && (
        <>
          <h2>Rows that could not be taken</h2>
          <Table label="Rows that could not be taken" columns={[{ name: "Line", isNumber: true }, "Why"]}>
            {errors.map(({ line, message }) => (
              <tr>
                <td class="number">{line}</td>
                <td>{message.replaceAll(/`([^`]*)`/g, "“$1”")}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
    </>
  );
}

/** How far an import is, and what came of it; live while it goes on. */
export function ImportProgress({ row, now }: { row: ContactImport; now: Date }) {
  const { id, status, total, created, updated, skipped, failed, problem, completedAt } = row;
  const share = row.size === 0 ? 1 : Math.min(1, row.bytesRead / row.size);
  const percent = completedAt ? 100 : Math.floor(share * 100);
  const counts = [
    ["Rows", total],
    ["New contacts", created],
    ["Changed", updated],
    ["Left as they were", skipped],
    ["Not taken", failed],
  ] as const;
  return (
    <div id="progress">
      <section class="card">
        <p class="row">
          <ImportState status={status} />
          <span>{sentenceOf(row, percent)}</span>
          {completedAt && (
            <span class="quiet">
              <Ago at={completedAt} now={now} />
            </span>
          )}
        </p>
        {!completedAt && (
          <progress max={100} value={percent} aria-label="How much of the file has been read" />
        )}
        {problem && <p class="mistake">{problem}</p>}
      </section>
      <dl class="stats">
        {counts.map(([name, count]) => (
          <div class="stat">
            <dt>{name}</dt>
            <dd>{number(count)}</dd>
          </div>
        ))}
      </dl>
      <p class="row">
        {failed > 0 && (
          <a class="button" href={`/admin/contacts/imports/${id}/errors`} download>
            Download the rows not taken
          </a>
        )}
        {completedAt && (
          <a class="button" href="/admin/contacts">
            See your contacts
          </a>
        )}
      </p>
    </div>
  );
}

function sentenceOf({ status, failed }: ContactImport, percent: number): string {
  switch (status) {
    case "uploaded":
      return "Nobody has said yet what its columns are.";
    case "queued":
      return "It begins in a moment.";
    case "in_progress":
      return `${percent} % of the file is read. It goes on after a restart, and without this page.`;
    case "completed":
      return failed > 0 ? "Done; some rows could not be taken." : "Done: every row was taken.";
    case "failed":
      return "It could not be imported.";
  }
}
