import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { expectChange } from "../db/write.ts";
import { newId } from "../ids.ts";
import type { Template, TemplateVersion } from "./schema.ts";
import {
  deleteTemplate,
  deleteVersions,
  findTemplate,
  findVersion,
  insertTemplate,
  insertVersion,
  listTemplates,
  listVersions,
  markPublished,
  updateTemplate,
} from "./store.ts";

eachTransport((_, open) => {
  async function scene() {
    const app = await testApp({ transport: await open() });
    const { teamId } = await testTeam(app);
    const template = (changes: Partial<Template> = {}): Template => ({
      ...{ id: newId(), teamId, name: "Welcome", description: null, alias: null, currentVersionId: newId() },
      ...{ publishedVersionId: null, publishedAt: null, createdAt: app.now(), updatedAt: app.now() },
      ...changes,
    });
    const version = (templateId: string, changes: Partial<TemplateVersion> = {}): TemplateVersion => ({
      ...{ id: newId(), templateId, number: 1, sender: null, subject: "Hi", replyTo: ["a@example.com"] },
      ...{ html: "<p>", text: null, variables: [], publishedAt: null, createdAt: app.now() },
      ...changes,
    });
    const add = async (row: Template, versions: TemplateVersion[] = [version(row.id)]) => {
      await atomically(app, [
        insertTemplate(app.db, row),
        ...versions.map((each) => insertVersion(app.db, each)),
      ]);
      return { row, versions };
    };
    return { app, teamId, template, version, add };
  }

  test("a template is found by its id in any case and by its alias, and by its team alone", async () => {
    const { app, teamId, template, add } = await scene();
    const { row } = await add(template({ alias: "welcome" }));
    expect(await findTemplate(app.db, teamId, row.id.toUpperCase())).toEqual(row);
    expect(await findTemplate(app.db, teamId, "welcome")).toEqual(row);
    expect(await findTemplate(app.db, teamId, "Welcome")).toBeUndefined();
    const other = await testTeam(app, "Another");
    expect(await findTemplate(app.db, other.teamId, row.id)).toBeUndefined();
    expect(await findTemplate(app.db, other.teamId, "welcome")).toBeUndefined();
  });

  test("an alias is one template's within a team; none is everybody's", async () => {
    const { app, template, add } = await scene();
    await add(template({ alias: "welcome" }));
    expect(add(template({ alias: "welcome" }))).rejects.toMatchObject({
      kind: "unique",
      subject: expect.stringContaining("alias"),
    });
    await add(template());
    await add(template());
    const other = await testTeam(app, "Another");
    await add(template({ teamId: other.teamId, alias: "welcome" }));
  });

  test("templates are listed newest first, page by page, each team its own", async () => {
    const { app, teamId, template, add } = await scene();
    const ids: string[] = [];
    for (let n = 0; n < 4; n++) ids.unshift((await add(template())).row.id);
    const other = await testTeam(app, "Another");
    await add(template({ teamId: other.teamId }));
    const page = async (keyset: { limit: number; after?: string; before?: string }) =>
      (await listTemplates(app.db, teamId, "", keyset)).map(({ id }) => id);
    expect(await page({ limit: 20 })).toEqual(ids);
    expect(await page({ limit: 1, after: ids[0] })).toEqual(ids.slice(1, 3));
    expect(await page({ limit: 1, before: ids[3] })).toEqual(ids.slice(1, 3));
  });

  test("versions are listed newest first without bodies, and found whole with their template alone", async () => {
    const { app, template, version, add } = await scene();
    const row = template();
    const versions = [1, 2, 3].map((number) => version(row.id, { number }));
    await add(row, versions);
    const other = await add(template());
    const listed = await listVersions(app.db, row.id, { limit: 1, after: versions[2]!.id });
    expect(listed).toEqual(
      [versions[1]!, versions[0]!].map(({ id, number, subject, publishedAt, createdAt }) => ({
        ...{ id, number, subject, publishedAt, createdAt },
      })),
    );
    expect(await findVersion(app.db, row.id, versions[1]!.id)).toEqual(versions[1]);
    expect(await findVersion(app.db, other.row.id, versions[1]!.id)).toBeUndefined();
  });

  test("a template changes only if its current version is the one that was read", async () => {
    const { app, teamId, template, add } = await scene();
    const { row } = await add(template());
    const currentVersionId = newId();
    const change = () =>
      atomically(app, [updateTemplate(app.db, row, { currentVersionId, name: "New" }), expectChange()]);
    await change();
    expect(await findTemplate(app.db, teamId, row.id)).toEqual({ ...row, currentVersionId, name: "New" });
    expect(change()).rejects.toMatchObject({ kind: "stale" });
  });

  test("old versions are removed, but not the published one and not another template's", async () => {
    const { app, template, version, add } = await scene();
    const row = template();
    const versions = [1, 2, 3, 4].map((number) => version(row.id, { number }));
    await add(row, versions);
    const other = await add(template());
    const at = app.now();
    await atomically(app, [
      markPublished(app.db, versions[1]!.id, at),
      deleteVersions(app.db, { id: row.id, publishedVersionId: versions[1]!.id }, 3),
    ]);
    const left = await listVersions(app.db, row.id, { limit: 20 });
    expect(left.map(({ number, publishedAt }) => [number, publishedAt])).toEqual([
      [4, null],
      [2, at],
    ]);
    expect(await listVersions(app.db, other.row.id, { limit: 20 })).toHaveLength(1);
    await atomically(app, [deleteVersions(app.db, { id: row.id, publishedVersionId: null }, 3)]);
    expect(await listVersions(app.db, row.id, { limit: 20 })).toHaveLength(1);
  });

  test("a template goes with its versions, and only at its own team's wish", async () => {
    const { app, teamId, template, add } = await scene();
    const { row } = await add(template());
    const other = await testTeam(app, "Another");
    expect(
      atomically(app, [deleteTemplate(app.db, other.teamId, row.id), expectChange()]),
    ).rejects.toMatchObject({
      kind: "stale",
    });
    await atomically(app, [deleteTemplate(app.db, teamId, row.id), expectChange()]);
    expect(await listVersions(app.db, row.id, { limit: 20 })).toEqual([]);
  });
});
