import { expect, test } from "bun:test";
import { adminForms, hiddenIn } from "../../test/support/admin-forms.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { createBroadcast, updateBroadcast } from "../broadcasts/change.ts";
import { getBroadcast } from "../broadcasts/read.ts";
import { getContact } from "../contacts/read.ts";
import { saveContact } from "../contacts/save.ts";
import { createSegment } from "../contacts/segments.ts";
import { createTemplate, getTemplateNow } from "../templates/service.ts";

const app = await testApp();
const { teamId, user } = await testTeam(app);
const { name: domain } = await testDomain(app, teamId);
const { opened, send: save } = await adminForms(app, { teamId, user });

const template = await createTemplate(app, teamId, { name: "Order", html: "<p>First</p>" });
const segment = await createSegment(app, teamId, { name: "All" });
await saveContact(app, teamId, { email: "grace@example.org", segmentIds: [segment.id] });
const draft = await createBroadcast(app, teamId, {
  ...{ name: "News", segmentId: segment.id, from: `news@${domain}`, subject: "News", html: "<p>First</p>" },
});

interface Edited {
  what: string;
  path: string;
  fields: Record<string, string>;
  html(): Promise<string | null>;
}

const edited: Edited[] = [
  {
    what: "template",
    path: `/admin/templates/${template.id}`,
    fields: { name: "Order" },
    html: async () => (await getTemplateNow(app, teamId, template.id)).version.html,
  },
  {
    what: "broadcast",
    path: `/admin/broadcasts/${draft.id}`,
    fields: { name: "News", segment_id: segment.id, from: `news@${domain}`, subject: "News" },
    html: async () => (await getBroadcast(app, teamId, draft.id)).html,
  },
];

for (const { what, path, fields, html } of edited) {
  test(`a ${what} that somebody else has saved meanwhile is written over only by who has been told`, async () => {
    const [ada, grace] = [await opened(path), await opened(path)];
    expect((await save(path, { ...ada, ...fields, html: "<p>Ada</p>" })).status).toBe(303);

    const refused = await save(path, { ...grace, ...fields, html: "<p>Grace</p>" });
    expect(refused.status).toBe(422);
    expect(refused.page).toContain("saved by somebody else");
    expect(refused.page).toContain("&lt;p>Grace&lt;/p>");
    expect(await html()).toBe("<p>Ada</p>");

    const told = hiddenIn(refused.page);
    expect((await save(path, { ...told, ...fields, html: "<p>Grace</p>" })).status).toBe(303);
    expect(await html()).toBe("<p>Grace</p>");
  });
}

for (const { what, path, fields, html } of edited) {
  test(`who corrects another mistake of theirs first is told all the same that a ${what} was saved`, async () => {
    const [ada, grace] = [await opened(path), await opened(path)];
    await save(path, { ...grace, ...fields, html: "<p>Grace again</p>" });
    const wrong = await save(path, { ...ada, ...fields, name: "x".repeat(2_000), html: "<p>Ada again</p>" });
    expect(wrong.status).toBe(422);
    const corrected = await save(path, { ...hiddenIn(wrong.page), ...fields, html: "<p>Ada again</p>" });
    expect(corrected.status).toBe(422);
    expect(await html()).toBe("<p>Grace again</p>");
  });

  test(`a ${what} that is saved by a clock that is behind is not written over unasked`, async () => {
    const ada = await opened(path);
    app.clock.advance(-5_000);
    await save(path, { ...(await opened(path)), ...fields, html: "<p>Earlier</p>" });
    app.clock.advance(10_000);
    expect((await save(path, { ...ada, ...fields, html: "<p>Later</p>" })).status).toBe(422);
    expect(await html()).toBe("<p>Earlier</p>");
  });

  test(`whoever saves what a ${what} says already is not told that somebody was first`, async () => {
    const ada = await opened(path);
    const written = { ...ada, ...fields, html: "<p>The same</p>" };
    expect((await save(path, written)).status).toBe(303);
    await save("/admin/settings/teams", { ...ada, new_name: "" }); // so that it is no second click
    expect((await save(path, written)).status).toBe(303);
  });
}

test("a broadcast that was changed since its last page was opened is not sent", async () => {
  const path = `/admin/broadcasts/${draft.id}`;
  const shown = await opened(`${path}/send?counted=1`);
  app.clock.advance(1);
  await updateBroadcast(app, teamId, draft.id, { subject: "Other news" });
  const refused = await save(`${path}/send`, shown);
  expect([refused.status, refused.page.includes("was changed meanwhile, and is not sent")]).toEqual([
    422,
    true,
  ]);
  expect((await getBroadcast(app, teamId, draft.id)).status).toBe("draft");
  expect((await save(`${path}/send`, hiddenIn(refused.page))).status).toBe(303);
  expect((await getBroadcast(app, teamId, draft.id)).status).toBe("queued");
});

test("of a contact only what was changed in the form is written", async () => {
  const input = { email: "ada@example.org", firstName: "Ada", lastName: "Byron", segmentIds: [] };
  const id = await saveContact(app, teamId, input);
  const path = `/admin/contacts/${id}`;
  const [one, other] = [await opened(path), await opened(path)];
  await save(path, { ...one, first_name: "Ada", last_name: "Lovelace" });
  expect((await save(path, { ...other, first_name: "Augusta", last_name: "Byron" })).status).toBe(303);
  expect(await getContact(app, teamId, id)).toMatchObject({ firstName: "Augusta", lastName: "Lovelace" });
});
