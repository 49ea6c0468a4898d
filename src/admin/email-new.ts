/** An email that a person writes: what `POST /emails` takes, as a form. */
import { Elysia } from "elysia";
import { h } from "preact";
import { NewEmailPage, type NewEmailProps, newEmailFields } from "../../views/email-new.tsx";
import type { App } from "../app.ts";
import { listTopics } from "../contacts/topics.ts";
import { listDomains, listSendingDomains } from "../domains/service.ts";
import { admitEmail } from "../emails/admit.ts";
import type { DraftAttachment, EmailDraft, TemplateUse } from "../emails/draft.ts";
import { sendEmail } from "../emails/send.ts";
import { Refusal } from "../errors.ts";
import { sentVersion } from "../templates/published.ts";
import { getPublishedTemplates } from "../templates/service.ts";
import { addressesIn } from "./address-line.ts";
import { allMistakesOf, type PageWords } from "./mistakes.ts";
import { pairsIn } from "./pair-lines.ts";
import type { Form } from "./request.ts";
import { asTyped } from "./template-form.ts";
import { signedIn, type Visit } from "./visit.ts";

/** Of domains, templates and topics, as many as one may choose from. */
const mostChoices = 500;

type Values = NewEmailProps["values"];
const empty = Object.fromEntries(newEmailFields.map((name) => [name, ""])) as Values;

export const newEmailPages = (app: App) =>
  new Elysia({ prefix: "/emails/new" })
    .use(signedIn(app))
    .get("", async ({ visit }) =>
      visit.page({ title: "New email", place: "emails" }, h(NewEmailPage, await newEmail(app, visit))),
    )
    .post("", async ({ visit }) => {
      const values = Object.fromEntries(newEmailFields.map((name) => [name, visit.form.raw(name)])) as Values;
      visit.act("Sent an email", "");
      const attachments = await attachmentsOf(visit.form);
      try {
        const draft = await draftOf(app, visit, values, attachments);
        const { id } = await sendEmail(app, { teamId: visit.teamId }, draft, visit.once);
        return visit.done(
          `/admin/emails/${id}`,
          values.scheduled_at ? "The email is scheduled." : "The email is on its way.",
        );
      } catch (error) {
        const mistakes = await allMistakesOf(error, {
          ...{ values, words, right: await rightOf(app, visit) },
          judge: async (given) =>
            admitEmail(app, { teamId: visit.teamId }, await draftOf(app, visit, given, attachments)),
        });
        const props = await newEmail(app, visit, { values, mistakes });
        return visit.page({ title: "New email", place: "emails", status: 422 }, h(NewEmailPage, props));
      }
    });

const words: PageWords = [[/ in `template\.variables`/, " here"]];

async function rightOf(app: App, { teamId, user }: Visit) {
  const [domain = "example.com"] = await listSendingDomains(app, teamId, 1);
  const right = { ...empty, from: `hello@${domain}`, to: user.email, subject: "Subject" };
  return Object.fromEntries(newEmailFields.map((name) => [name, { [name]: right[name] }])) as {
    [Field in keyof Values]: Partial<Values>;
  };
}

async function draftOf(
  app: App,
  visit: Visit,
  values: Values,
  attachments: DraftAttachment[],
): Promise<EmailDraft> {
  const { html, text } = values;
  const isWritten = html.trim() !== "" || text.trim() !== "";
  const templateId = values.template_id.trim();
  if (templateId !== "" && isWritten) {
    throw new Refusal(
      "validation_error",
      "Invalid `template_id` field. HTML and text come from the template: leave both empty.",
    );
  }
  const content = templateId
    ? { template: await templateOf(app, visit, templateId, values.variables) }
    : {
        html: html.trim() === "" ? undefined : html,
        text: text.trim() === "" && html.trim() !== "" ? undefined : text,
      };
  return {
    from: values.from.trim(),
    ...{ to: addressesIn(values.to), cc: addressesIn(values.cc), bcc: addressesIn(values.bcc) },
    replyTo: addressesIn(values.reply_to),
    subject: values.subject.trim() || undefined,
    ...content,
    headers: Object.fromEntries(pairsIn("headers", values.headers)),
    tags: pairsIn("tags", values.tags).map(([name, value]) => ({ name, value })),
    attachments,
    scheduledAt: values.scheduled_at.trim() || undefined,
    topicId: values.topic_id.trim() || undefined,
  };
}

async function templateOf(app: App, { teamId }: Visit, id: string, text: string): Promise<TemplateUse> {
  const { variables } = await sentVersion(app, teamId, id);
  const types = new Map(variables.map(({ key, type }) => [key, type]));
  const given = pairsIn("variables", text).map(
    ([key, value]) => [key, asTyped(types.get(key) ?? "string", value)] as const,
  );
  return { id, variables: Object.fromEntries(given) };
}

const attachmentsOf = (form: Form): Promise<DraftAttachment[]> =>
  Promise.all(
    form.files("attachments").map(async (file) => ({
      filename: file.name,
      ...(file.type && { contentType: file.type }),
      content: new Uint8Array(await file.arrayBuffer()),
    })),
  );

async function newEmail(
  app: App,
  visit: Visit,
  given: Partial<Pick<NewEmailProps, "values" | "mistakes">> = {},
): Promise<NewEmailProps> {
  const [domains, templates, topics] = await Promise.all([
    listDomains(app, visit.teamId, { limit: mostChoices }),
    getPublishedTemplates(app, visit.teamId, mostChoices),
    listTopics(app, visit.teamId, { limit: mostChoices }),
  ]);
  const verified = domains
    .filter(({ status, sending }) => status === "verified" && sending)
    .map(({ name }) => name);
  const from = verified[0] === undefined ? "" : `hello@${verified[0]}`;
  return {
    ...{ csrf: visit.csrf, domains: verified },
    templates: templates.map(({ id, name }) => [id, name] as const),
    topics: topics.map(({ id, name }) => [id, name] as const),
    ...{ values: { ...empty, from }, mistakes: {} },
    ...given,
  };
}
