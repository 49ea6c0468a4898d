import { expect, test } from "bun:test";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import { testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";
import { createKey } from "../keys/service.ts";

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
