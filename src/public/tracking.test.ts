import { afterAll, describe, expect, test } from "bun:test";
import { and, eq } from "drizzle-orm";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { makeServer } from "../api/server.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { forgetLinks } from "../emails/links.ts";
import { sendEmail } from "../emails/send.ts";
import { listDeliveries } from "../emails/store.ts";
import { events } from "../events/schema.ts";
import { linkId } from "../mail/html-links.ts";
import { clickToken, openToken } from "../mail/tracking.ts";
import { flushVisits } from "../tracking/visits.ts";
import { trackingRoutes } from "./tracking.ts";

const app = await testApp({ config: { server: { trustedProxies: ["127.0.0.0/8"] } } });
const { teamId } = await testTeam(app);
await testDomain(app, teamId, "example.com", { openTracking: true, clickTracking: true });
const server = makeServer(app).use(trackingRoutes(app)).listen({ hostname: "127.0.0.1", port: 0 });
afterAll(() => server.stop(true).then(() => {}));
const origin = `http://127.0.0.1:${server.server!.port}`;
const secret = app.secrets.derive("tracking");
const browser = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0";

/** A delivered email, and the addresses in its message. */
async function delivered(...urls: string[]) {
  const html = `<p>${urls.map((url) => `<a href="${url.replaceAll("&", "&amp;")}">x</a>`).join("")}</p>`;
  const { id } = await sendEmail(
    app,
    { teamId },
    {
      ...{ from: "ada@example.com", to: ["bob@recipient.test"], cc: [], bcc: [], replyTo: [], subject: "Hi" },
      ...{ headers: {}, tags: [], attachments: [], html },
    },
  );
  const [delivery] = await listDeliveries(app.db, teamId, id);
  const deliveryId = delivery!.id;
  const at = app.now().getTime() - 60_000;
  const write = "update deliveries set state = 'delivered', attempts = 1, settled_at = ? where id = ?";
  await atomically(app, [rawWrite(write, [at, deliveryId])]);
  const signer = { deliveryId, secret };
  return {
    open: `/t/o/${openToken(signer)}.gif`,
    click: (url: string) => `/t/c/${clickToken(signer, linkId(url))}`,
    async told() {
      await flushVisits(app);
      const rows = await app.db
        .select()
        .from(events)
        .where(and(eq(events.emailId, id), eq(events.deliveryId, deliveryId)));
      return rows.map(({ type, data }) => ({ type, ...data }) as Record<string, unknown>);
    },
  };
}

const ask = (path: string, init: RequestInit = {}) =>
  fetch(origin + path, {
    redirect: "manual",
    ...init,
    headers: { "user-agent": browser, ...(init.headers as Record<string, string>) },
  });

test("the pixel is an image nobody keeps, and an open", async () => {
  const { open, told } = await delivered("https://a.test/");
  const response = await ask(open, { headers: { "x-forwarded-for": "198.51.100.7" } });
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "image/gif",
    "content-length": "43",
    "cache-control": "no-store, no-cache, must-revalidate, private, max-age=0",
    "referrer-policy": "no-referrer",
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  expect([bytes.length, bytes.subarray(0, 6).toString()]).toEqual([43, "GIF89a"]);
  expect(await told()).toMatchObject([
    { type: "email.opened", is_bot: false, open: { ipAddress: "198.51.100.7", userAgent: browser } },
  ]);
});

test.each([
  "https://a.test/",
  "https://a.test/?q=a%20b&x=%26&y=1+2#top?not=query&z",
  "http://user@a.test:8080//x/../y;p?q=[1]|{2}#",
  "HTTPS://A.test",
])("a click on %s leads exactly there", async (url) => {
  const { click, told } = await delivered("https://other.test/", url);
  const response = await ask(click(url));
  expect([response.status, response.headers.get("location"), await response.text()]).toEqual([302, url, ""]);
  expect(response.headers.get("cache-control")).toContain("no-store");
  expect(response.headers.get("referrer-policy")).toBe("no-referrer");
  expect(await told()).toMatchObject([
    { type: "email.clicked", click: { link: url, ipAddress: "127.0.0.1" } },
  ]);
});

test("what a header can't carry is written as a browser would ask for it", async () => {
  const url = "https://münchen.test/a b?q=ü#é";
  const { click } = await delivered(url);
  const response = await ask(click(url));
  expect(response.headers.get("location")).toBe("https://xn--mnchen-3ya.test/a%20b?q=%C3%BC#%C3%A9");
});

test("HEAD is answered like GET and is a machine's, whatever it calls itself", async () => {
  const { open, click, told } = await delivered("https://a.test/");
  const pixel = await ask(open, { method: "HEAD" });
  expect([pixel.status, pixel.headers.get("content-length")]).toEqual([200, "43"]);
  const link = await ask(click("https://a.test/"), { method: "HEAD" });
  expect([link.status, link.headers.get("location")]).toEqual([302, "https://a.test/"]);
  await ask(open);
  expect((await told()).map(({ type, bot_reason }) => `${type} ${bot_reason}`).sort()).toEqual([
    ...["email.clicked head_request", "email.opened head_request", "email.opened null"],
  ]);
});

test("the tracking host of any domain answers as our own does", async () => {
  const { open, click, told } = await delivered("https://a.test/");
  const headers = { host: "links.example.com" };
  expect((await ask(open, { headers })).status).toBe(200);
  expect((await ask(click("https://a.test/"), { headers })).headers.get("location")).toBe("https://a.test/");
  expect(await told()).toHaveLength(2);
});

describe("a link", () => {
  test("that is forged, cut, of another purpose or of another email leads nowhere and tells of nothing", async () => {
    const { open, click, told } = await delivered("https://a.test/");
    const other = await delivered("https://b.test/");
    const good = click("https://a.test/");
    const signer = { deliveryId: crypto.randomUUID(), secret };
    for (const path of [
      ...[`${good}A`, good.slice(0, -1), good.slice(0, -1) + (good.endsWith("A") ? "B" : "A")],
      ...[good.replace("/c/", "/o/"), open.replace("/o/", "/c/").replace(".gif", "")],
      ...[click("https://b.test/"), other.click("https://a.test/"), "/t/c/x", "/t/o/x.gif", "/t/o/.gif"],
      ...[`/t/c/${clickToken(signer, linkId("https://a.test/"))}`, `/t/c/${"A".repeat(5_000)}`],
      `/t/c/${clickToken({ ...signer, secret: new Uint8Array(32) }, linkId("https://a.test/"))}`,
    ]) {
      const response = await ask(path);
      expect([path, response.status, response.headers.get("location")]).toEqual([path, 404, null]);
    }
    expect((await ask("/t/o/x.gif")).headers.get("content-type")).toStartWith("text/plain");
    expect([await told(), await other.told()]).toEqual([[], []]);
  });

  test("of an email that was never delivered answers, and its pixel tells of a machine", async () => {
    const { open, told } = await delivered("https://a.test/");
    await atomically(app, [
      rawWrite("update deliveries set state = 'queued', attempts = 0, settled_at = null"),
    ]);
    expect((await ask(open)).status).toBe(200);
    expect(await told()).toMatchObject([{ is_bot: true, bot_reason: "before_delivery" }]);
  });
});

test("a thousand requests for one pixel and one link are two events", async () => {
  const { open, click, told } = await delivered("https://a.test/");
  const paths = Array.from({ length: 1_000 }, (_, n) => (n % 2 === 0 ? open : click("https://a.test/")));
  const answers = await Promise.all(
    paths.map((path, n) =>
      server.handle(
        new Request(`http://mailit.test${path}`, { headers: { "user-agent": `${browser} ${n}` } }),
      ),
    ),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 302]));
  expect((await told()).map(({ type }) => type).sort()).toEqual(["email.clicked", "email.opened"]);
});

// The last: it takes away the links of all emails before it.
test("what is older than retention.links leads nowhere and tells of nothing", async () => {
  const { open, click, told } = await delivered("https://a.test/");
  const days = (count: number) => count * 24 * 3_600_000;
  const untilNow = Date.now() - app.now().getTime(); // ids tell the machine's time
  for (const [age, status] of [
    [days(729), [200, 302]],
    [days(731), [404, 404]],
  ] as const) {
    app.clock.advance(untilNow + age);
    await forgetLinks(app);
    const statuses = [(await ask(open)).status, (await ask(click("https://a.test/"))).status];
    app.clock.advance(-untilNow - age);
    expect(statuses).toEqual([...status]);
  }
  expect(await told()).toHaveLength(2);
});
