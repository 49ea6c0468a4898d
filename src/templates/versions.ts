/** What a template said before: kept, shown, and brought back. */
import type { App } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import type { Template, TemplateVersion } from "./schema.ts";
import { edit, getTemplate } from "./service.ts";
import { findVersion, listVersions, type VersionSummary } from "./store.ts";

/** One page and one row more, newest first. */
export async function getVersions(
  app: App,
  teamId: string,
  idOrAlias: string,
  page: Keyset,
): Promise<{ template: Template; versions: VersionSummary[] }> {
  const template = await getTemplate(app, teamId, idOrAlias);
  return { template, versions: await listVersions(app.db, template.id, page) };
}

export async function getVersion(
  app: App,
  teamId: string,
  idOrAlias: string,
  versionId: string,
): Promise<{ template: Template; version: TemplateVersion }> {
  const template = await getTemplate(app, teamId, idOrAlias);
  const version = isId(versionId)
    ? await findVersion(app.db, template.id, versionId.toLowerCase())
    : undefined;
  if (!version) throw new Refusal("not_found", "Template version not found");
  return { template, version };
}

/** Has a template say again what it said then, in another version: what it says now stays among the versions. */
export async function restoreVersion(
  app: App,
  teamId: string,
  idOrAlias: string,
  versionId: string,
): Promise<{ id: string; versionId: string }> {
  const { template, version } = await getVersion(app, teamId, idOrAlias, versionId);
  return edit(app, teamId, template.id, {}, () => version);
}
