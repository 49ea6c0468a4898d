import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import { testTeam } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { domains } from "../domains/schema.ts";
import { newId } from "../ids.ts";
import { suppress } from "../suppressions/suppress.ts";
import { getMessage } from "./composed.ts";

test("the message of a delivery is the one its host got", async () => {
  const here = await deliveryScene();
  const { app, teamId } = here;
  const id = await here.send();
  const { id: deliveryId } = await here.onlyDelivery(id);
  const shown = Buffer.from(await getMessage(app, teamId, id, deliveryId)).toString("latin1");
  expect(shown).toBe(Buffer.from(here.host.received[0]!.message).toString("latin1"));
  expect(shown).toContain("DKIM-Signature:");
});

test("it is nobody else's, and can't be signed once its domain is gone", async () => {
  const here = await deliveryScene();
  const { app, teamId } = here;
  const [id, another] = [await here.send(), await here.send()];
  const { id: deliveryId } = await here.onlyDelivery(id);
  const other = await testTeam(app, "Another team");
  await expect(getMessage(app, other.teamId, id, deliveryId)).rejects.toThrow("Email not found");
  await expect(getMessage(app, teamId, another, deliveryId)).rejects.toThrow("Delivery not found");
  await expect(getMessage(app, teamId, id, newId())).rejects.toThrow("Delivery not found");
  await atomically(app, [app.db.delete(domains).where(eq(domains.name, "example.com"))]);
  await expect(getMessage(app, teamId, id, deliveryId)).rejects.toThrow("domain of this email was removed");
});

test("whoever was sent nothing, and will not be, has none", async () => {
  const here = await deliveryScene();
  const { app, teamId } = here;
  await atomically(app, suppress(app, { teamId, address: "gone@recipient.test", reason: "manual" }));
  const id = await here.send({ to: ["bob@recipient.test", "gone@recipient.test"] });
  const told = await Promise.all(
    (await here.deliveries(id)).map(async ({ recipient, id: deliveryId }) => [
      recipient,
      await getMessage(app, teamId, id, deliveryId).then(
        () => "a message",
        ({ message }: Error) => message,
      ),
    ]),
  );
  expect(Object.fromEntries(told)).toEqual({
    "bob@recipient.test": "a message",
    "gone@recipient.test": "No message was sent to this recipient, and none will be.",
  });
});
