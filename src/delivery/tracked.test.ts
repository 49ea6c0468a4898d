import { expect, test } from "bun:test";
import { simpleParser } from "mailparser";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { forgetDomains } from "../domains/memory.ts";
import { findLink } from "../emails/links.ts";
import { emails } from "../emails/schema.ts";
import { setLastEvent, setProgress } from "../emails/store.ts";
import { readClickToken, readOpenToken } from "../mail/tracking.ts";

const html = '<p><a href="https://a.test/?x=1&amp;y=2#z">Hi</a></p>';

async function trackingScene(changes: string, ...script: Parameters<typeof deliveryScene>) {
  const scene = await deliveryScene(...script);
  await atomically(scene.app, [rawWrite(`update domains set ${changes}`)]);
  forgetDomains(scene.app);
  const htmlOf = async (n: number) => {
    const { message } = scene.host.received[n]!;
    return (await simpleParser(Buffer.from(message), { skipTextToHtml: true })).html || "";
  };
  return { ...scene, htmlOf };
}

const on = "open_tracking = 1, click_tracking = 1";

test("each recipient's message has links and a pixel of its own, which name its delivery", async () => {
  const scene = await trackingScene(on);
  const { app } = scene;
  const id = await scene.send({ html, to: ["bob@recipient.test", "eve@recipient.test"] });
  const secret = app.secrets.derive("tracking");
  const named = await Promise.all(
    [0, 1].map(async (n) => {
      const shown = await scene.htmlOf(n);
      const [, click] = /href="http:\/\/mailit\.test\/t\/c\/([\w-]+)"/.exec(shown)!;
      const [, open] = /src="http:\/\/mailit\.test\/t\/o\/([\w-]+)\.gif"/.exec(shown)!;
      const { deliveryId, link } = readClickToken(click!, secret)!;
      expect(readOpenToken(open!, secret)).toEqual({ deliveryId });
      expect(await findLink(app.db, deliveryId, link)).toBe("https://a.test/?x=1&y=2#z");
      return deliveryId;
    }),
  );
  expect(named.sort()).toEqual((await scene.deliveries(id)).map((delivery) => delivery.id).sort());
});

test("links stand under the domain's own host once that leads here", async () => {
  const scene = await trackingScene(`${on}, tracking_verified_at = 1`);
  await scene.send({ html });
  expect(await scene.htmlOf(0)).toContain('href="http://links.example.com/t/c/');
});

test("a retry is what the first attempt was, though the domain tracks nothing any more", async () => {
  let asked = 0;
  const scene = await trackingScene(on, { message: () => (asked++ === 0 ? { close: true } : undefined) });
  const id = await scene.send({ html });
  await atomically(scene.app, [rawWrite("update domains set open_tracking = 0, click_tracking = 0")]);
  forgetDomains(scene.app);
  await scene.retry(id);
  expect(await scene.htmlOf(0)).toContain("/t/c/");
  expect(await scene.htmlOf(0)).toContain("/t/o/");
});

test.each(["opened", "clicked"] as const)(
  "what one recipient has %s is not undone by what comes of another's",
  async (seen) => {
    let isLate = true;
    const scene = await trackingScene(on, {
      rcpt: (line) => (isLate && line.includes("eve") ? "451 4.2.1 Later" : undefined),
    });
    const lastEvent = async () => (await scene.app.db.select().from(emails).get())?.lastEvent;
    const id = await scene.send({ html, to: ["bob@recipient.test", "eve@recipient.test"] });
    await atomically(scene.app, [setLastEvent({ id, lastEvent: seen })]);
    isLate = false;
    await scene.retry(id);
    expect(scene.host.received).toHaveLength(2);
    expect(await lastEvent()).toBe(seen);
    await atomically(scene.app, [setProgress({ id, lastEvent: "delivery_delayed" })]);
    expect(await lastEvent()).toBe(seen);
    await atomically(scene.app, [setLastEvent({ id, lastEvent: "complained" })]);
    expect(await lastEvent()).toBe("complained");
  },
);
