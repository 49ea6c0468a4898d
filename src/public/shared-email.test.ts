import { describe, expect, test } from "bun:test";
import { draft } from "../../test/support/delivery-scene.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { makeServer } from "../api/server.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import type { EmailDraft } from "../emails/draft.ts";
import { sendEmail } from "../emails/send.ts";
import { shareEmail } from "../emails/share.ts";
import { newId } from "../ids.ts";
import { signLink } from "../signed-link.ts";
import { downloadRoutes } from "./downloads.ts";
import { sharedRoutes } from "./shared-email.ts";

const app = await testApp();
const { teamId } = await testTeam(app);
await testDomain(app, teamId);
const server = makeServer(app).use(sharedRoutes(app)).use(downloadRoutes(app));

/** The page as a browser gets it. */
async function open(url: string) {
  const response = await server.handle(new Request(url));
  return { status: response.status, headers: response.headers, html: await response.text() };
}

async function share(changes: Partial<EmailDraft> = {}, expiresIn?: string) {
  const { id } = await sendEmail(app, { teamId }, { ...draft, ...changes });
  return shareEmail(app, teamId, id, expiresIn);
}

/** What a browser would put into the frame. */
function framed(html: string): string | undefined {
  const written = /<iframe[^>]* srcdoc="([^"]*)"/.exec(html)?.[1];
  return written
    ?.replace(/&quot;/g, '"')
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&amp;/g, "&");
}

test("a shared email shows who wrote what to whom and when, and not who had a blind copy", async () => {
  const { url } = await share({
    to: ["Bob <bob@recipient.test>", "eve@recipient.test"],
    cc: ["carol@recipient.test"],
    bcc: ["secret@recipient.test"],
  });
  const { status, html } = await open(url);
  expect(status).toBe(200);
  expect(html).toStartWith("<!doctype html><html");
  for (const shown of [
    "<h1>Grüße</h1>",
    "Ada &lt;ada@example.com",
    "Bob &lt;bob@recipient.test>, eve@recipient.test",
    "carol@recipient.test",
    '<time datetime="2026-03-01T12:00:00.000Z">1 March 2026 at 12:00 UTC</time>',
    "1 March 2026 at 12:00",
    "3 March 2026 at 12:00",
  ]) {
    expect(html).toContain(shown);
  }
  expect(html).not.toContain("secret@recipient.test");
});

test("the HTML body is in a frame that runs no scripts and is nobody's origin", async () => {
  const html = `<p title="a">Hello & <b>Bob</b></p><script>alert(1)</script></iframe><h1>out</h1>`;
  const page = (await open((await share({ html })).url)).html;
  expect(framed(page)).toEndWith(html);
  const [, sandbox] = /<iframe[^>]* sandbox="([^"]*)"/.exec(page)!;
  expect(sandbox!.split(" ")).toEqual(["allow-popups", "allow-popups-to-escape-sandbox"]);
  expect(page).not.toContain("<script");
  expect(page).not.toContain("<h1>out");
});

test("the page has headers that keep scripts, other sites and search engines away", async () => {
  for (const url of [(await share()).url, "http://mailit.test/shared?token=x"]) {
    const { headers } = await open(url);
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "referrer-policy": "no-referrer",
      "x-robots-tag": "noindex, nofollow",
      "x-content-type-options": "nosniff",
      "cache-control": "private, no-store",
    });
    const policy = headers.get("content-security-policy")!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/script-src|frame-src|connect-src/);
  }
});

test("pictures and fonts from other hosts are loaded only when the reader asks", async () => {
  const { url } = await share({ html: '<img src="https://elsewhere.example/seen.png">' });
  const policyOf = (headers: Headers) => headers.get("content-security-policy");
  const first = await open(url);
  expect(policyOf(first.headers)).not.toContain("https:");
  expect(first.html).toContain("Pictures from other hosts are not loaded.");
  const link = /<a href="([^"]+)" rel="nofollow">Show them/.exec(first.html)![1]!;
  const asked = await open(`http://mailit.test${link.replaceAll("&amp;", "&")}`);
  expect(policyOf(asked.headers)).toMatch(/img-src [^;]* https: http:;/);
  expect(asked.html).toContain("Hide them");
  const plain = await open((await share({ html: "<p>Hi</p>" })).url);
  expect(plain.html).not.toContain("other hosts");
});

test("an email without HTML shows its text as it was written", async () => {
  const { url } = await share({ html: undefined, text: "Hello,\n  <b>Bob</b> & co." });
  const { html } = await open(url);
  expect(html).toContain("<pre>Hello,\n  &lt;b>Bob&lt;/b> &amp; co.</pre>");
  expect(html).not.toContain("<iframe");
});

test("what strangers wrote into subject and addresses is text", async () => {
  const { url } = await share({ subject: '"><script>alert(1)</script>', from: '"<b>x</b>" <a@example.com>' });
  const { html } = await open(url);
  expect(html).not.toMatch(/<script|<b>/);
});

test("an email without a subject has a heading all the same", async () => {
  expect((await open((await share({ subject: "" })).url)).html).toContain("<h1>(no subject)</h1>");
});

test("a scheduled email is dated when it goes out", async () => {
  const scheduledAt = new Date("2026-03-05T08:30:00Z");
  expect((await open((await share({ scheduledAt })).url)).html).toContain("5 March 2026 at 08:30");
});

describe("attachments", () => {
  const file = (filename: string | undefined, contentId?: string) => ({
    filename,
    contentId,
    content: new TextEncoder().encode(`in ${filename}`),
  });
  const links = (html: string) =>
    [...html.matchAll(/<a href="([^"]+)" rel="nofollow">([^<]*)<\/a> *<span[^>]*>([^<]*)</g)].map(
      ([, url, name, size]) => ({ url: url!, name, size }),
    );

  test("are listed with links that download them, until the email is no longer shared", async () => {
    const { url } = await share({ attachments: [file("a.txt"), file(undefined)] }, "10m");
    const found = links((await open(url)).html);
    expect(found).toMatchObject([
      { name: "a.txt", size: "8 bytes" },
      { name: "attachment", size: "12 bytes" },
    ]);
    expect((await open(found[0]!.url)).html).toBe("in a.txt");
    app.clock.advance(10 * 60_000);
    expect((await open(found[0]!.url)).status).toBe(404);
  });

  test("that the email itself shows are pictures in it, and not in the list", async () => {
    const html = `<img src="cid:logo"><img src='cid:other'><p>cid:logo2</p>`;
    const attachments = [file("logo.png", "logo"), file("b.png", "unused")];
    const page = (await open((await share({ html, attachments })).url)).html;
    expect(links(page).map(({ name }) => name)).toEqual(["b.png"]);
    const [, picture] = /<img src="([^"]+)">/.exec(framed(page)!)!;
    expect((await open(picture!)).html).toBe("in logo.png");
    expect(framed(page)).toContain("<img src='cid:other'><p>cid:logo2</p>");
  });
});

test("an email whose content is not kept any more is shown without it", async () => {
  const { id, url } = await share({ html: "<p>Forgotten soon</p>", attachments: [] });
  await atomically(app, [rawWrite("update emails set content_removed_at = 0 where id = ?", [id])]);
  const { status, html } = await open(url);
  expect(status).toBe(200);
  expect(html).toContain("The content of this email is not kept any more.");
});

describe("a friendly page says that a link does not work any more:", () => {
  const closed = async (url: string) => {
    const { status, html } = await open(url);
    expect(status).toBe(404);
    expect(html).toContain("<h1>This link does not work any more</h1>");
    expect(html).not.toContain("Grüße");
  };

  test("when it has expired", async () => {
    const { url } = await share({}, "2 hours");
    app.clock.advance(2 * 3_600_000 - 1_000);
    expect((await open(url)).status).toBe(200);
    app.clock.advance(1_000);
    await closed(url);
  });

  test("when it was forged, is for something else, or leads to nothing", async () => {
    const { id, url } = await share();
    const expiresAt = new Date(app.now().getTime() + 60_000);
    const to = (purpose: string, subject: string) =>
      `http://mailit.test/shared?token=${signLink(app.secrets, { purpose, subject, expiresAt })}`;
    for (const each of [
      `${url}A`,
      to("attachment", `${teamId}~${id}`),
      to("share", `${newId()}~${id}`),
      to("share", id),
      "http://mailit.test/shared",
    ]) {
      await closed(each);
    }
  });

  test("when the email is gone", async () => {
    const { id, url } = await share();
    await atomically(app, [rawWrite("delete from emails where id = ?", [id])]);
    await closed(url);
  });
});
