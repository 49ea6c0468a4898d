import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import { atomically } from "../app.ts";
import { events } from "../events/schema.ts";
import { addSuppression } from "../suppressions/add.ts";
import { getSuppression } from "../suppressions/read.ts";
import { removeSuppression } from "../suppressions/remove.ts";
import { suppress } from "../suppressions/suppress.ts";

const bob = "bob@recipient.test";

test("mail to a suppressed address is not sent, and is again once the suppression is removed", async () => {
  const { app, teamId, host, send, onlyDelivery } = await deliveryScene();
  await addSuppression(app, teamId, "Bob <BOB@recipient.test>", {});
  expect(await onlyDelivery(await send())).toMatchObject({ state: "suppressed" });
  expect(host.received).toEqual([]);
  await removeSuppression(app, teamId, bob);
  expect(await onlyDelivery(await send())).toMatchObject({ state: "delivered" });
  expect(host.received).toHaveLength(1);
});

test("mail is sent again once the suppression is over", async () => {
  const { app, teamId, send, onlyDelivery } = await deliveryScene();
  await addSuppression(app, teamId, bob, { expiresIn: "1h" });
  app.clock.advance(3_600_000);
  expect(await onlyDelivery(await send())).toMatchObject({ state: "delivered" });
});

test("a delivery that waits meets the suppressions of the moment it is due", async () => {
  const { app, teamId, dispatcher, send, onlyDelivery } = await deliveryScene();
  const at = new Date(app.now().getTime() + 3_600_000);
  const [first, second] = [
    await send({ scheduledAt: at }),
    await send({ scheduledAt: new Date(+at + 1_000) }),
  ];
  await addSuppression(app, teamId, bob, {});
  app.clock.set(at);
  await dispatcher.drained();
  expect(await onlyDelivery(first)).toMatchObject({ state: "suppressed", attempts: 0 });
  await removeSuppression(app, teamId, bob);
  app.clock.advance(1_000);
  await dispatcher.drained();
  expect(await onlyDelivery(second)).toMatchObject({ state: "delivered" });
});

test("the event says why an address is suppressed, whether it was so before or came to be", async () => {
  const { app, teamId, send } = await deliveryScene({ rcpt: "550 5.1.1 No such user" });
  await send();
  await send();
  const told = async () => {
    const rows = await app.db.select().from(events).where(eq(events.type, "email.suppressed"));
    return rows.map(({ data }) => data.suppressed);
  };
  const because = (why: string) =>
    `The address is on your suppression list, because ${why}. Remove it there to send to it again.`;
  const list = { type: "OnAccountSuppressionList", diagnosticCode: [] };
  expect(await told()).toEqual([
    { message: because("earlier mail to it bounced"), reason: "previous_bounce", ...list },
  ]);
  const at = new Date(app.now().getTime() + 3_600_000);
  await send({ to: ["eve@recipient.test"], scheduledAt: at });
  await atomically(app, suppress(app, { teamId, address: "eve@recipient.test", reason: "complaint" }));
  app.clock.set(at);
  await send({ to: ["carol@recipient.test"] });
  expect((await told()).at(-1)).toEqual({
    message: because("its holder reported earlier mail as spam"),
    reason: "previous_complaint",
    ...list,
  });
});

test("a bounce's suppression names the email that caused it, and is told of", async () => {
  const { app, teamId, send } = await deliveryScene({ rcpt: "550 5.1.1 No such user" });
  const id = await send();
  await send();
  expect(await getSuppression(app, teamId, bob)).toMatchObject({ reason: "bounce", sourceId: id });
  const told = await app.db.select().from(events).where(eq(events.type, "suppression.added"));
  expect(told).toMatchObject([{ recipient: bob, data: { email: bob, origin: "bounce", source_id: id } }]);
});
