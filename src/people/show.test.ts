import { expect, test } from "bun:test";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";
import { createKey } from "../keys/service.ts";
import { giveOut } from "./document.ts";

const ada = "ada@recipient.test";

test("who asks what is kept of them is told of every email, with its body, its attempts and its events", async () => {
  const { app, teamId, send } = await deliveryScene();
  const { token: key } = await createKey(app, teamId, { name: "test", permission: "full_access" });
  await send({ to: ["Ada <Ada@recipient.test>"], bcc: ["eve@recipient.test", ada], html: "<p>Hi</p>" });
  await send({ to: ["bob@recipient.test"], bcc: [ada], html: "<p>Both</p>" });
  await send({ to: ["bob@recipient.test"] });
  const server = testServer(app);
  const { body } = await server.ask("GET", `/contacts/${ada}/data`, { key });
  expect(body.emails).toMatchObject([
    {
      ...{ to: ["Ada <Ada@recipient.test>"], bcc: [ada], html: "<p>Hi</p>", state: "delivered" },
      ...{ recipient: "Ada@recipient.test", attempts: [{ said: expect.stringContaining("250") }] },
    },
    { to: ["bob@recipient.test"], bcc: [ada], html: "<p>Both</p>", recipient: ada },
  ]);
  expect(JSON.stringify(body)).not.toContain("eve@");
  expect(body.events.map(({ type }: { type: string }) => type)).toEqual([
    ...["email.sent", "email.delivered", "email.sent", "email.delivered"],
  ]);
  const another = await testTeam(app);
  const { body: theirs } = await server.ask("GET", `/contacts/${ada}/data`, { key: another.key });
  expect([theirs.emails, theirs.events]).toEqual([[], []]);
});

test("that somebody's data was given out or is being erased is in the audit log, without saying whose", async () => {
  const app = await testApp();
  const { key } = await testTeam(app);
  const server = testServer(app);
  expect((await server.ask("GET", `/contacts/${ada}/data`, { key })).status).toBe(200);
  expect((await server.ask("DELETE", `/contacts/${ada}/data`, { key })).status).toBe(202);
  const { body } = await server.ask("GET", "/audit-log", { key });
  expect(body.data).toMatchObject([
    { action: "Began to erase all that is kept of a person", actor: "an API key", subject_id: null },
    { action: "Downloaded all that is kept of a person", actor: "an API key", subject_id: null },
  ]);
  expect(JSON.stringify(body)).not.toContain("ada");
});

test("whoever may only look is not given a person's data", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const asked = app.acting.run({ role: "viewer" }, () => giveOut(app, teamId, ada));
  await expect(asked).rejects.toMatchObject({ code: "not_permitted" });
});
