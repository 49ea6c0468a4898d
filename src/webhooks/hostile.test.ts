import { expect, test } from "bun:test";
import { startRawHost } from "../../test/support/https-host.ts";
import {
  answering,
  startReceiver,
  type WebhookScene,
  webhookScene,
} from "../../test/support/webhook-scene.ts";
import { getAttempts, getWebhookEvents } from "./read.ts";

/** The one call that is made of an event, with an endpoint that has one. */
async function onlyAttempt({ app, teamId, happens, addWebhook }: WebhookScene, url: string) {
  const { webhook } = await addWebhook(url);
  await happens({ type: "email.bounced" });
  const [event] = await getWebhookEvents(app, teamId, webhook.id, { limit: 1 });
  const [attempt] = await getAttempts(app, teamId, webhook.id, event!.id, { limit: 1 });
  return attempt!;
}

test("a redirect is an answer that is not followed, and says what to do", async () => {
  const elsewhere = await startReceiver();
  const receiver = await startReceiver((_request, response) =>
    response.writeHead(301, { location: elsewhere.url }).end(),
  );
  expect(await onlyAttempt(await webhookScene(), receiver.url)).toMatchObject({
    httpStatus: 301,
    error:
      "The endpoint answered 301; redirects are not followed, so give the URL it leads to as the endpoint.",
  });
  expect(elsewhere.requests).toEqual([]);
});

test("of a huge answer 4 KB are kept, and the status counts", async () => {
  const receiver = await startReceiver(answering(200, "x".repeat(5_000_000)));
  const attempt = await onlyAttempt(await webhookScene(), receiver.url);
  expect(attempt).toMatchObject({ httpStatus: 200, error: null });
  expect(attempt.response).toBe("x".repeat(4_096));
});

test("an answer that is no text is kept as far as it can be shown", async () => {
  const receiver = await startReceiver((_request, response) =>
    response.end(Buffer.from([0x61, 0, 0xff, 0x62])),
  );
  expect((await onlyAttempt(await webhookScene(), receiver.url)).response).toBe("a\uFFFD\uFFFDb");
});

const quick = { config: { webhooks: { timeout: 50 } } };

test("who does not answer in time has failed", async () => {
  const receiver = await startReceiver(() => {});
  expect(await onlyAttempt(await webhookScene(quick), receiver.url)).toMatchObject({
    httpStatus: null,
    response: "",
    error: "The endpoint could not be called: no answer within 0.05 s.",
  });
});

test("who begins to answer and does not come to an end has failed", async () => {
  const receiver = await startReceiver((_request, response) => {
    response.writeHead(200);
    response.write("slow");
  });
  expect((await onlyAttempt(await webhookScene(quick), receiver.url)).error).toBe(
    "The endpoint could not be called: no complete answer within 0.05 s.",
  );
});

test("who hangs up has failed, and so has who speaks something else than HTTP", async () => {
  await using rude = await startRawHost((socket) => void socket.resetAndDestroy());
  const scene = await webhookScene();
  expect((await onlyAttempt(scene, `http://127.0.0.1:${rude.port}/`)).error).toBe(
    "The endpoint could not be called: the connection broke off.",
  );
  await using odd = await startRawHost((socket) => void socket.end("220 mail.test ESMTP\r\n"));
  expect((await onlyAttempt(scene, `http://127.0.0.1:${odd.port}/`)).error).toMatch(
    /^The endpoint could not be called: /,
  );
});

test("a private address is not called where the configuration does not allow it", async () => {
  const receiver = await startReceiver();
  const scene = await webhookScene();
  scene.app.dns.set("hooks.example.com A", "127.0.0.1");
  const { webhook } = await scene.addWebhook("https://hooks.example.com/");
  scene.app.config.webhooks.allowPrivateAddresses = false;
  await scene.happens({ type: "email.bounced" });
  const [event] = await getWebhookEvents(scene.app, scene.teamId, webhook.id, { limit: 1 });
  expect(await getAttempts(scene.app, scene.teamId, webhook.id, event!.id, { limit: 9 })).toMatchObject([
    { httpStatus: null, error: "The endpoint could not be called: the host is at a private address." },
  ]);
  expect(receiver.connections).toBe(0);
});
