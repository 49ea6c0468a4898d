import type { App } from "../app.ts";
import { readContent, type TemplateInput } from "./content.ts";
import { type FilledTemplate, fill, missingVariables, type Variables } from "./fill.ts";
import { getTemplate } from "./service.ts";
import { showMerged } from "./show.ts";
import { getVersion } from "./versions.ts";

export interface Preview extends Omit<FilledTemplate, "merge"> {
  templateId: string;
  versionId: string;
  /** As it is sent, also where it is made from the HTML. */
  text: string;
  /** Variables without which no email is made. */
  missing: string[];
}

export interface PreviewWish {
  variables: Variables;
  versionId?: string;
  /** An edit that nobody has saved: what it says stands in for what the version says. */
  edit?: TemplateInput;
}

/** What becomes of a template; of the version that is worked on unless another one is named. */
export async function previewTemplate(
  app: App,
  teamId: string,
  idOrAlias: string,
  { variables, versionId, edit }: PreviewWish,
): Promise<Preview> {
  const { id, currentVersionId } = await getTemplate(app, teamId, idOrAlias);
  const { version: saved } = await getVersion(app, teamId, id, versionId ?? currentVersionId);
  const version = edit ? { id: saved.id, ...readContent(edit, saved, app.now()) } : saved;
  const { merge = { values: {} }, html, text = null, ...lines } = fill(version, variables);
  const shown = await showMerged(app, { html, text }, merge, true);
  return {
    ...lines,
    templateId: id,
    versionId: version.id,
    html: shown.html ?? "",
    text: shown.text ?? "",
    missing: missingVariables(version, variables),
  };
}
