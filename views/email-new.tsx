/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import { Form, FormMistake, SelectField, TextArea, TextField } from "./parts/form.tsx";
import { Empty } from "./parts/list.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { WhenField } from "./parts/when-field.tsx";

export const newEmailFields = [
  ...(["from", "to", "cc", "bcc", "reply_to", "subject", "html", "text", "scheduled_at"] as const),
  ...(["template_id", "variables", "topic_id", "tags", "headers"] as const),
] as const;
type NewEmailField = (typeof newEmailFields)[number];

type Choices = (readonly [id: string, name: string])[];

export interface NewEmailProps {
  csrf: string;
  /** Those that may be sent from. */
  domains: string[];
  /** Published ones. */
  templates: Choices;
  topics: Choices;
  values: Record<NewEmailField, string>;
  mistakes: Partial<Record<NewEmailField | "form", string>>;
}

export function NewEmailPage(props: NewEmailProps) {
  return (
    <>
      <PageHead title="New email" up={{ path: "/admin/emails", name: "Emails" }} />
      {props.domains.length === 0 ? (
        <Empty icon="domain" title="No domain to send from">
          <p>An email comes from an address of a domain of yours that is verified.</p>
          <p>
            <a class="button primary" href="/admin/domains">
              To your domains
            </a>
          </p>
        </Empty>
      ) : (
        <section class="card">
          <NewEmailForm {...props} />
        </section>
      )}
    </>
  );
}

function NewEmailForm({ csrf, domains, templates, topics, values, mistakes }: NewEmailProps) {
  const common = (name: NewEmailField) => ({ name, value: values[name], mistake: mistakes[name] });
  const isTold = (...names: NewEmailField[]) =>
    names.some((name) => values[name] !== "" || mistakes[name] !== undefined);
  return (
    <Form csrf={csrf} action="/admin/emails/new" enctype="multipart/form-data" data-guard>
      <FormMistake>{mistakes.form}</FormMistake>
      <TextField
        {...common("from")}
        label="From"
        required
        hint={`An address at ${domains.join(", ")}; with a name, if you like: Ada <ada@${domains[0]}>.`}
      />
      <TextField {...common("to")} label="To" required hint="Several with commas between." />
      <TextField {...common("subject")} label="Subject" />
      <TextArea {...common("html")} label="HTML" class="code" rows={10} />
      <TextArea {...common("text")} label="Text" rows={6} hint="Left empty, it is made from the HTML." />
      <div class="field">
        <label for="attachments">Attachments</label>
        <input id="attachments" name="attachments" type="file" multiple />
      </div>
      <details open={isTold("cc", "bcc", "reply_to", "scheduled_at")}>
        <summary>Copies, replies, time</summary>
        <div class="stack">
          <TextField {...common("cc")} label="Cc" />
          <TextField {...common("bcc")} label="Bcc" />
          <TextField {...common("reply_to")} label="Reply to" />
          <WhenField
            value={values.scheduled_at}
            mistake={mistakes.scheduled_at}
            label="Send at"
            hint="Empty: now. Else a time, such as 2026-12-24T09:00:00Z, or words: in 2 hours, tomorrow at 9am (UTC)."
          />
        </div>
      </details>
      <details open={isTold("template_id", "variables", "topic_id", "tags", "headers")}>
        <summary>Template, topic, tags, headers</summary>
        <div class="stack">
          <SelectField
            {...common("template_id")}
            label="Template"
            options={[["", "None: it says what is written above"], ...templates]}
            hint="In place of HTML and text. A subject above takes the place of its own."
          />
          <TextArea
            {...common("variables")}
            label="Variables of the template"
            rows={3}
            class="code"
            hint="One a line: NAME: Ada"
          />
          <SelectField
            {...common("topic_id")}
            label="Topic"
            options={[["", "None"], ...topics]}
            hint="Whoever has left it does not get the email, and it has a link for leaving it."
          />
          <TextArea
            {...common("tags")}
            label="Tags"
            rows={2}
            class="code"
            hint="One a line: category: welcome"
          />
          <TextArea
            {...common("headers")}
            label="Headers"
            rows={2}
            class="code"
            hint="One a line: X-Entity-Ref-ID: 42"
          />
        </div>
      </details>
      <button type="submit" class="primary">
        Send
      </button>
    </Form>
  );
}
