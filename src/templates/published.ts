/** What is sent of a template. Every email that is made from one asks, so it is remembered. */
import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";
import { ShortMemory } from "../short-memory.ts";
import type { Template, TemplateVersion } from "./schema.ts";
import { findTemplate, findVersion } from "./store.ts";

/** By team and id or alias. */
const templatesByName = new ShortMemory<Template | undefined>();

/** To be called after every commit that changes a template. */
export const forgetPublished = (app: App): void => templatesByName.forget(app);

/** The published version of a template; with `isCurrent` the one that is worked on, published or not. */
export async function sentVersion(
  app: App,
  teamId: string,
  idOrAlias: string,
  isCurrent = false,
): Promise<TemplateVersion> {
  const template = await templatesByName.recall(app, `${teamId} ${idOrAlias}`, () =>
    findTemplate(app.db, teamId, idOrAlias),
  );
  if (!template) throw new Refusal("not_found", "Template not found");
  const versionId = isCurrent ? template.currentVersionId : template.publishedVersionId;
  if (versionId === null) {
    throw new Refusal(
      "validation_error",
      "The template is a draft and has never been published: publish it before it is sent.",
    );
  }
  const version = await recallVersion(app, template.id, versionId);
  if (!version) throw new Refusal("not_found", "Template not found");
  return version;
}

// Versions never change, so there is nothing to forget; bodies are large, so it is their characters that are counted.
const maxKept = 4_000_000;

interface Kept {
  versions: Map<string, TemplateVersion>;
  held: number;
}

const memories = new WeakMap<App, Kept>();

async function recallVersion(app: App, templateId: string, id: string): Promise<TemplateVersion | undefined> {
  let kept = memories.get(app);
  if (!kept) {
    kept = { versions: new Map(), held: 0 };
    memories.set(app, kept);
  }
  const { versions } = kept;
  const known = versions.get(id);
  if (known) return known;
  const version = await findVersion(app.db, templateId, id);
  if (!version || versions.has(id)) return version;
  versions.set(id, version);
  kept.held += sizeOf(version);
  for (const [oldId, old] of versions) {
    if (kept.held <= maxKept) break;
    versions.delete(oldId);
    kept.held -= sizeOf(old);
  }
  return version;
}

const sizeOf = ({ html, text }: TemplateVersion): number => html.length + (text?.length ?? 0) + 1_000;
