/** @jsxImportSource preact */
import type { Template } from "../src/templates/schema.ts";
import { ActForm, Acting } from "./parts/acting.tsx";
import { CodeField, TextPartField } from "./parts/code-field.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Checkbox, Form, FormMistake, Seen, TextArea, TextField } from "./parts/form.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { PreviewHead, PreviewPane, PreviewProblem, TestSend, TestSent } from "./parts/preview.tsx";
import { Ago } from "./parts/time.tsx";
import { TemplateState } from "./templates.tsx";

export interface VariableFields {
  key: string;
  type: string;
  fallback: string;
  /** A value to try it with. */
  trial: string;
}

/** What the form holds, as it was typed. */
export interface TemplateValues {
  name: string;
  alias: string;
  description: string;
  from: string;
  subject: string;
  replyTo: string;
  html: string;
  text: string;
  hasNoText: boolean;
  variables: VariableFields[];
  testTo: string;
}

export type TemplateField =
  | "name"
  | "alias"
  | "description"
  | "from"
  | "subject"
  | "reply_to"
  | "html"
  | "text"
  | "variables"
  | "to";
export type TemplateMistakes = Partial<Record<TemplateField | "form", string>>;

export interface TemplatePageProps {
  csrf: string;
  template: Template;
  /** As of when what was first shown in the form was there. */
  seen: Date;
  now: Date;
  values: TemplateValues;
  mistakes: TemplateMistakes;
  /** The email a test was just sent as. */
  tested: string | undefined;
  /** Names of domains one may send from, `mostNamed` at most. */
  domains: string[];
  preview: TemplatePreviewProps;
}

export function TemplatePage(props: TemplatePageProps) {
  const { csrf, template, seen, now, values, mistakes, tested, domains, preview } = props;
  const path = `/admin/templates/${template.id}`;
  return (
    <>
      <PageHead
        title={template.name}
        up={{ path: "/admin/templates", name: "Templates" }}
        lead={
          <>
            <TemplateState template={template} /> changed <Ago at={template.updatedAt} now={now} />
            {template.publishedAt && (
              <>
                , published <Ago at={template.publishedAt} now={now} />
              </>
            )}
          </>
        }
      >
        <Confirm
          id="delete"
          csrf={csrf}
          action={`${path}/delete`}
          label="Delete"
          title={`Delete ${template.name}?`}
          act="Delete the template"
        >
          <p>
            It goes with all its versions, and whatever names it is refused from then on. Emails that were
            accepted keep what they say. This can't be taken back.
          </p>
        </Confirm>
        <a class="button" href={`${path}/versions`}>
          Versions
        </a>
        <ActForm csrf={csrf} action={`${path}/duplicate`}>
          <button type="submit">Duplicate</button>
        </ActForm>
        <Acting>
          <button type="submit" form="edit" name="then" value="publish">
            Save and publish
          </button>
          <button type="submit" form="edit" class="primary" data-save>
            Save
          </button>
        </Acting>
      </PageHead>
      <TestSent emailId={tested} />
      <Form isShown csrf={csrf} action={path} id="edit" class="compose" data-edit data-guard>
        <Seen at={seen} />
        <div class="stack">
          <FormMistake>{mistakes.form}</FormMistake>
          <div class="pair">
            <TextField
              name="name"
              label="Name"
              required
              maxLength={200}
              value={values.name}
              mistake={mistakes.name}
            />
            <TextField
              name="alias"
              label="Alias"
              maxLength={100}
              value={values.alias}
              mistake={mistakes.alias}
            />
          </div>
          <TextField
            name="subject"
            label="Subject"
            value={values.subject}
            mistake={mistakes.subject}
            hint="It may have fields, as all that is below."
          />
          <div class="pair">
            <TextField
              name="from"
              label="From"
              value={values.from}
              mistake={mistakes.from}
              hint={senderHint(domains)}
            />
            <TextArea
              name="reply_to"
              label="Reply to"
              rows={1}
              value={values.replyTo}
              mistake={mistakes.reply_to}
              hint="One address a line."
            />
          </div>
          <CodeField
            name="html"
            label="HTML"
            rows={24}
            value={values.html}
            mistake={mistakes.html}
            hint="{{{NAME}}} is filled in, {{{NAME|there}}} says “there” where nothing is given."
          />
          <VariableTable variables={values.variables} mistake={mistakes.variables} />
          <TextPartField value={values.text} mistake={mistakes.text} />
          <Checkbox name="no_text" label="Send without a text part" value="1" checked={values.hasNoText} />
          <TextArea
            name="description"
            label="Note"
            rows={2}
            value={values.description}
            mistake={mistakes.description}
            hint="For you and your team; nobody else sees it."
          />
        </div>
        <div class="preview-side">
          <PreviewPane action={`${path}/preview`} frame={`${path}/frame`}>
            <TemplatePreview {...preview} />
          </PreviewPane>
          <TestSend
            to={values.testTo}
            mistake={mistakes.to}
            hint="It is saved first, and sent as it is then, published or not, with the values to try."
          />
        </div>
      </Form>
    </>
  );
}

/** Of domains one may send from, as many as it takes to know that they are too many to name. */
export const mostNamed = 5;

/** From whom mail can be. */
export const senderHint = (domains: string[]): string =>
  domains.length === 0
    ? "No domain is verified yet: add one under Domains first."
    : `An address of ${domains.length >= mostNamed ? "one of your verified domains" : domains.join(" or ")}.`;

function VariableTable({ variables, mistake }: { variables: VariableFields[]; mistake: string | undefined }) {
  const rows = [...variables, { key: "", type: "string", fallback: "", trial: "" }];
  return (
    <fieldset>
      <legend>Variables</legend>
      <p class="hint">What is given with each email. Without a fallback an email is refused that lacks it.</p>
      <section class="scroll" aria-label="Variables" tabindex={0}>
        <table class="variables">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Type</th>
              <th scope="col">Fallback</th>
              <th scope="col">Value to try</th>
            </tr>
          </thead>
          <tbody id="variables">
            {rows.map(({ key, type, fallback, trial }, index) => (
              <tr>
                <td>
                  <input name={`key_${index}`} value={key} aria-label={`Name of variable ${index + 1}`} />
                </td>
                <td>
                  <select name={`type_${index}`} aria-label={`Type of variable ${index + 1}`}>
                    <option value="string" selected={type !== "number"}>
                      text
                    </option>
                    <option value="number" selected={type === "number"}>
                      number
                    </option>
                  </select>
                </td>
                <td>
                  <input
                    name={`fallback_${index}`}
                    value={fallback}
                    aria-label={`Fallback of variable ${index + 1}`}
                  />
                </td>
                <td>
                  <input
                    name={`trial_${index}`}
                    value={trial}
                    aria-label={`Value to try of variable ${index + 1}`}
                    data-trial
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {mistake && (
        <p class="mistake" id="variables-mistake">
          {mistake}
        </p>
      )}
      <button type="button" class="small only-scripted" data-add-row="#variables">
        Add a variable
      </button>
    </fieldset>
  );
}

export type TemplatePreviewProps =
  | { problem: string }
  | { from?: string; subject?: string; replyTo: string[]; text: string; missing: string[] };

/** What is said above the preview. */
export function TemplatePreview(props: TemplatePreviewProps) {
  if ("problem" in props) return <PreviewProblem>{props.problem}</PreviewProblem>;
  const { from, subject, replyTo, text, missing } = props;
  const [word, are] = missing.length > 1 ? ["have", "are"] : ["has", "is"];
  return (
    <PreviewHead
      lines={[
        ["From", from],
        ["Subject", subject],
        ...(replyTo.length > 0 ? [["Reply to", replyTo.join(", ")] as const] : []),
      ]}
      warnings={
        missing.length === 0
          ? []
          : [
              `${missing.join(", ")} ${word} no value here and ${are} left empty; an email is refused without.`,
            ]
      }
      text={text}
    />
  );
}
