import { expect, test } from "bun:test";
import { answering, startReceiver, taken, webhookScene } from "../../test/support/webhook-scene.ts";
import { auditEntry, listAudit } from "../audit/service.ts";
import { newId } from "../ids.ts";
import { findEventsOf, lastTakenAt, listEventsSince } from "./read.ts";
import { getWebhook, revealSecret } from "./service.ts";

const event = { type: "suppression.added", data: {} } as const;

test("an endpoint's events are found by what came of them, page by page, and watched from one on", async () => {
  const { app, teamId, addWebhook, happens } = await webhookScene({
    config: { webhooks: { retryDelays: [] } },
  });
  const receiver = await startReceiver(answering(500));
  const { webhook } = await addWebhook(receiver);
  const { id } = webhook;
  await happens(event, event, event);
  expect(await lastTakenAt(app, webhook)).toBeUndefined();
  receiver.answer(taken);
  await happens(event);
  expect(await lastTakenAt(app, await getWebhook(app, teamId, id))).toEqual(app.now());

  const first = await findEventsOf(app, teamId, id, { status: "failed", limit: 2 });
  expect(first.rows.map(({ status }) => status)).toEqual(["failed", "failed"]);
  const rest = await findEventsOf(app, teamId, id, { status: "failed", limit: 2, after: first.next });
  expect(rest.rows).toHaveLength(1);
  expect(rest.next).toBeUndefined();
  const all = await findEventsOf(app, teamId, id, { limit: 10 });
  expect(all.rows.map(({ status }) => status)).toEqual(["success", "failed", "failed", "failed"]);

  const watched = await listEventsSince(app, teamId, id, { since: first.next, limit: 10 });
  expect(watched).toEqual(all.rows.slice(0, 3));
});

test("whoever may only look is not shown an endpoint's secret", async () => {
  const { app, teamId, addWebhook } = await webhookScene();
  const { webhook, secret } = await addWebhook("http://127.0.0.1:9/hook");
  const as = (role: "viewer" | "developer") =>
    app.acting.run({ role }, () => revealSecret(app, teamId, webhook.id));
  expect(await as("developer")).toBe(secret);
  await expect(as("viewer")).rejects.toThrow("Your role in this team is viewer");
});

test("whoever is shown an endpoint's secret, or is not, is in the audit log or not", async () => {
  const { app, teamId, addWebhook } = await webhookScene();
  const { webhook } = await addWebhook("http://127.0.0.1:9/hook");
  const as = (role: "viewer" | "developer") => {
    const who = { teamId, userId: newId(), email: `${role}@example.com`, address: "192.0.2.1" };
    const trace = auditEntry(app, { ...who, act: "Saw the secret", subject: webhook.id });
    return app.acting.run({ role, trace }, () => revealSecret(app, teamId, webhook.id));
  };
  await as("developer");
  await as("viewer").catch(() => undefined);
  expect((await listAudit(app, teamId, { limit: 10 })).map(({ email }) => email)).toEqual([
    "developer@example.com",
  ]);
});
