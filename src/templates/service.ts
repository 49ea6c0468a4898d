/** Templates: emails made once for many, edited as a draft and sent as they were published. */
import { type App, atomically } from "../app.ts";
import { type Found, searchText } from "../db/look-through.ts";
import type { Keyset, Numbers, Place } from "../db/page.ts";
import { expectChange } from "../db/write.ts";
import { Refusal, SavedMeanwhile, WriteConflict } from "../errors.ts";
import { newId } from "../ids.ts";
import {
  emptyContent,
  readAlias,
  readContent,
  readDescription,
  readName,
  type TemplateInput,
} from "./content.ts";
import { forgetPublished } from "./published.ts";
import type { Template, TemplateContent, TemplateVersion } from "./schema.ts";
import {
  deleteTemplate,
  deleteVersions,
  findTemplate,
  findTemplatePlace,
  findVersion,
  insertTemplate,
  insertVersion,
  listPublished,
  listTemplates,
  markPublished,
  searchTemplates,
  type TemplateFields,
  updateTemplate,
} from "./store.ts";

/** How many of a template's versions are kept, the published one besides. */
export const keptVersions = 100;

/** A template with the version that is worked on. */
export interface TemplateNow {
  template: Template;
  version: TemplateVersion;
}

export async function createTemplate(
  app: App,
  teamId: string,
  input: TemplateInput & { name: string; html: string },
): Promise<{ id: string }> {
  const now = app.now();
  return insert(app, teamId, {
    name: readName(input.name),
    description: readDescription(input.description ?? null),
    alias: readAlias(input.alias ?? null),
    content: readContent(input, emptyContent, now),
  });
}

interface NewTemplate extends Pick<Template, "name" | "description" | "alias"> {
  content: TemplateContent;
}

async function insert(app: App, teamId: string, { content, ...about }: NewTemplate): Promise<{ id: string }> {
  const now = app.now();
  const [id, versionId] = [newId(), newId()];
  const times = { createdAt: now, updatedAt: now };
  const unpublished = { publishedVersionId: null, publishedAt: null };
  await atomically(app, [
    insertTemplate(app.db, { id, teamId, ...about, currentVersionId: versionId, ...unpublished, ...times }),
    insertVersion(app.db, versionRow(id, versionId, 1, content, now)),
  ]).catch((error: unknown) => refuseAlias(error, about.alias));
  forgetPublished(app); // the name may have been asked for before
  return { id };
}

const versionRow = (
  templateId: string,
  id: string,
  number: number,
  { sender, subject, replyTo, html, text, variables }: TemplateContent,
  createdAt: Date,
): TemplateVersion => ({
  ...{ id, templateId, number, sender, subject, replyTo, html, text, variables },
  ...{ publishedAt: null, createdAt },
});

/** One page and one row more, newest first; with `search` those with it in name or alias, of the newest 10,000. */
export async function getTemplates(
  app: App,
  teamId: string,
  page: Keyset,
  search?: string,
): Promise<Template[]> {
  return listTemplates(app.db, teamId, searchText(search), page);
}

export const findTemplatesPlace = (
  app: App,
  teamId: string,
  numbers: Numbers,
  search?: string,
): Promise<Place> => findTemplatePlace(app.db, teamId, searchText(search), numbers);

/** The same without an end: as far as one look goes, and where to look on. */
export const findTemplatesBy = (
  app: App,
  teamId: string,
  search: string,
  page: Keyset & { limit: number },
): Promise<Found<Template>> => searchTemplates(app.db, teamId, searchText(search), page);

/** The newest so many that can be sent, for whoever chooses one. */
export async function getPublishedTemplates(app: App, teamId: string, limit: number): Promise<Template[]> {
  return listPublished(app.db, teamId, limit);
}

/** By its id or alias. Another team's is as absent as one that never was. */
export async function getTemplate(app: App, teamId: string, idOrAlias: string): Promise<Template> {
  const template = await findTemplate(app.db, teamId, idOrAlias);
  if (!template) throw templateMissing();
  return template;
}

export async function getTemplateNow(app: App, teamId: string, idOrAlias: string): Promise<TemplateNow> {
  const template = await getTemplate(app, teamId, idOrAlias);
  const version = await findVersion(app.db, template.id, template.currentVersionId);
  if (version) return { template, version };
  throw templateMissing(); // removed, or edited a hundred times, between the two questions
}

/**
 * Changes a template; what is absent stays. What it says changes in another version, which nobody is sent until it is
 * published. One that was changed since `seen`, to something else, is not (`SavedMeanwhile`).
 */
export async function changeTemplate(
  app: App,
  teamId: string,
  idOrAlias: string,
  input: TemplateInput,
  seen?: Date,
): Promise<{ id: string }> {
  if (Object.values(input).every((value) => value === undefined)) {
    throw new Refusal(
      "missing_required_field",
      "Nothing to change: give `name`, `description`, `alias`, `from`, `subject`, `reply_to`, `html`, `text` or `variables`.",
    );
  }
  const fields = readFields(input);
  return edit(app, teamId, idOrAlias, fields, ({ template, version }) => {
    const content = readContent(input, version, app.now());
    const isAsSeen = !seen || template.updatedAt.getTime() === seen.getTime();
    if (!isAsSeen && !(saysTheSame(version, content) && isNamed(template, fields)))
      throw new SavedMeanwhile();
    return content;
  });
}

const readFields = ({ name, description, alias }: TemplateInput): TemplateFields => ({
  ...(name !== undefined && { name: readName(name) }),
  ...(description !== undefined && { description: readDescription(description) }),
  ...(alias !== undefined && { alias: readAlias(alias) }),
});

/** Refuses what a template can't become; it changes nothing. */
export function checkTemplateChange(input: TemplateInput, { version }: TemplateNow, now: Date): void {
  readFields(input);
  readContent(input, version, now);
}

const mostTries = 5;

/** Makes an edit on what the template says at that time, so that of two edits at once each keeps what the other changed. */
export async function edit(
  app: App,
  teamId: string,
  idOrAlias: string,
  fields: TemplateFields,
  contentOf: (now: TemplateNow) => TemplateContent,
): Promise<{ id: string; versionId: string }> {
  for (let tries = 1; ; tries++) {
    const before = await getTemplateNow(app, teamId, idOrAlias);
    try {
      return await writeEdit(app, before, fields, contentOf(before));
    } catch (error) {
      const isStale = error instanceof WriteConflict && error.kind === "stale";
      if (!isStale || tries === mostTries) refuseAlias(error, fields.alias);
    }
  }
}

async function writeEdit(
  app: App,
  { template, version }: TemplateNow,
  fields: TemplateFields,
  content: TemplateContent,
): Promise<{ id: string; versionId: string }> {
  const now = app.now();
  const isNew = !saysTheSame(version, content);
  const versionId = isNew ? newId() : version.id;
  const number = version.number + 1;
  await atomically(app, [
    updateTemplate(app.db, template, { ...fields, currentVersionId: versionId, updatedAt: now }),
    expectChange(),
    ...(isNew
      ? [
          insertVersion(app.db, versionRow(template.id, versionId, number, content, now)),
          deleteVersions(app.db, template, number - keptVersions),
        ]
      : []),
  ]);
  forgetPublished(app);
  return { id: template.id, versionId };
}

const contentFields = ["sender", "subject", "replyTo", "html", "text", "variables"] as const;

const isNamed = (template: Template, { name, description, alias }: TemplateFields): boolean =>
  [
    [name, template.name],
    [description, template.description],
    [alias, template.alias],
  ].every(([given, stored]) => given === undefined || given === stored);

const saysTheSame = (one: TemplateContent, other: TemplateContent): boolean =>
  contentFields.every((field) => JSON.stringify(one[field]) === JSON.stringify(other[field]));

/** Has the current version sent from now on; again, it changes nothing. */
export async function publishTemplate(app: App, teamId: string, idOrAlias: string): Promise<{ id: string }> {
  const { template, version } = await getTemplateNow(app, teamId, idOrAlias);
  if (version.html.trim() === "") throw new Refusal("validation_error", "Template HTML is required");
  if (template.publishedVersionId === version.id) return { id: template.id };
  const now = app.now();
  await atomically(app, [
    updateTemplate(app.db, template, { publishedVersionId: version.id, publishedAt: now }),
    expectChange(),
    markPublished(app.db, version.id, now),
  ]).catch((error: unknown) => {
    if (!(error instanceof WriteConflict) || error.kind !== "stale") throw error;
    throw new Refusal(
      "already_exists",
      "The template was changed by another request meanwhile: look at it, and publish it then.",
    );
  });
  forgetPublished(app);
  return { id: template.id };
}

/** Another draft that says the same, without the alias, which names one template. */
export async function duplicateTemplate(
  app: App,
  teamId: string,
  idOrAlias: string,
): Promise<{ id: string }> {
  const { template, version } = await getTemplateNow(app, teamId, idOrAlias);
  const at = app.now().toISOString();
  const variables = version.variables.map((variable) => ({
    ...{ ...variable, id: newId() },
    ...{ created_at: at, updated_at: at },
  }));
  const copy = " (copy)";
  return insert(app, teamId, {
    name: readName(template.name.slice(0, 200 - copy.length) + copy),
    description: template.description,
    alias: null,
    content: { ...version, variables },
  });
}

/** Removes a template with its versions. Emails that were accepted keep what they say. */
export async function removeTemplate(app: App, teamId: string, idOrAlias: string): Promise<string> {
  const { id } = await getTemplate(app, teamId, idOrAlias);
  await atomically(app, [deleteTemplate(app.db, teamId, id), expectChange()]).catch((error: unknown) => {
    throw error instanceof WriteConflict && error.kind === "stale" ? templateMissing() : error;
  });
  forgetPublished(app);
  return id;
}

export const templateMissing = () => new Refusal("not_found", "Template not found");

function refuseAlias(error: unknown, alias: string | null | undefined): never {
  if (error instanceof WriteConflict && error.kind === "unique" && error.subject.includes("alias")) {
    throw new Refusal(
      "already_exists",
      `The alias \`${alias}\` is already used by another template: choose another one, or change that template.`,
    );
  }
  throw error;
}
