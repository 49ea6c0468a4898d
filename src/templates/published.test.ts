import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { previewTemplate } from "./preview.ts";
import { sentVersion } from "./published.ts";
import { changeTemplate, createTemplate, publishTemplate } from "./service.ts";

async function scene() {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const asked: string[] = [];
  const { query } = app.transport;
  app.transport.query = (sql, params, method) => {
    asked.push(/from "(\w+)"/.exec(sql)?.[1] ?? sql);
    return query(sql, params, method);
  };
  const publish = async (html: string) => {
    const { id } = await createTemplate(app, teamId, { name: "Welcome", html });
    await publishTemplate(app, teamId, id);
    asked.length = 0;
    return id;
  };
  return { app, teamId, asked, publish };
}

test("many emails of one template ask for it once, and for what it says once for ever", async () => {
  const { app, teamId, asked, publish } = await scene();
  const id = await publish("<p>Hi</p>");
  const first = await sentVersion(app, teamId, id);
  expect(await sentVersion(app, teamId, id)).toBe(first);
  expect(asked).toEqual(["templates", "template_versions"]);
  app.clock.advance(2_001); // as long as another node's change may stay unseen
  expect(await sentVersion(app, teamId, id)).toBe(first);
  expect(asked).toEqual(["templates", "template_versions", "templates"]);
});

test("this node's own change is seen at once", async () => {
  const { app, teamId, publish } = await scene();
  const id = await publish("<p>Hi</p>");
  await sentVersion(app, teamId, id);
  await changeTemplate(app, teamId, id, { html: "<p>Ho</p>" });
  expect(await sentVersion(app, teamId, id)).toMatchObject({ html: "<p>Hi</p>" });
  expect(await sentVersion(app, teamId, id, true)).toMatchObject({ html: "<p>Ho</p>" });
  await publishTemplate(app, teamId, id);
  expect(await sentVersion(app, teamId, id)).toMatchObject({ html: "<p>Ho</p>" });
});

test("only so many characters are remembered", async () => {
  const { app, teamId, asked, publish } = await scene();
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push(await publish(`${n}${"x".repeat(900_000)}`));
  for (const id of ids) await sentVersion(app, teamId, id);
  asked.length = 0;
  await sentVersion(app, teamId, ids[4]!);
  expect(asked).toEqual([]);
  await sentVersion(app, teamId, ids[0]!);
  expect(asked).toEqual(["template_versions"]);
});

test("what is big is shown from another thread, and is the same", async () => {
  const { app, teamId } = await scene();
  const html = `<p>{{{NAME}}}</p>${"<p>x</p>".repeat(20_000)}`;
  const { id } = await createTemplate(app, teamId, { name: "Big", html });
  const made = await previewTemplate(app, teamId, id, { variables: { NAME: "<Bob>" } });
  expect(made.html).toBe(html.replace("{{{NAME}}}", "&lt;Bob&gt;"));
  expect(made.text).toStartWith("<Bob>\n\nx\n\nx");
  expect(app.threads.load().threads).toBe(1);
});
