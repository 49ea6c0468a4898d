import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { type Page, scene, see } from "./browser.ts";
import { until } from "./sending.ts";

const { open, api, mailit, key, database } = await scene();
const evil = "<script>alert(1)</script><img src=x onerror=alert(1)>";

const domain = await api("POST", "/domains", { name: "acme.test" });
await api("POST", `/domains/${domain.id}/verify`);
await until(async () => (await api("GET", `/domains/${domain.id}`)).status === "verified");

const send = async (changes: object = {}): Promise<string> => {
  const email = {
    from: "Ada <ada@acme.test>",
    to: "delivered@elsewhere.test",
    subject: "Hello",
    html: "<p>Hi</p>",
  };
  return (await api("POST", "/emails", { ...email, ...changes })).id;
};
const has = (id: string, event: string) =>
  until(async () => (await api("GET", `/emails/${id}`)).last_event === event);

const tab = (page: Page, name: string) =>
  page.getByRole("navigation", { name: "The email" }).getByText(name).click();

test("a delivered email shows its timeline, its transcript, and every way to look at it", async () => {
  const id = await send({
    subject: `Hello ${evil}`,
    cc: ["Carol <carol@elsewhere.test>"],
    html: `<h1>Welcome</h1>${evil}<p>You asked for it.</p>`,
    text: `Welcome ${evil}`,
    headers: { "X-Evil": evil },
    tags: [{ name: "kind", value: "welcome" }],
    attachments: [
      { filename: `${evil.replaceAll("/", "")}.txt`, content: Buffer.from("file").toString("base64") },
    ],
  });
  await until(async () =>
    (await api("GET", `/emails/${id}/deliveries`)).data.every(
      ({ state }: { state: string }) => state === "delivered",
    ),
  );
  const page = await open(`/admin/emails/${id}`);
  await page.getByRole("heading", { level: 1, name: `Hello ${evil}` }).waitFor();
  await page.getByText("kind: welcome").waitFor();
  const card = page.getByRole("region", { name: "carol@elsewhere.test" });
  await card.getByText(/^Delivered to mx\.sandbox\.test/).waitFor();
  await card.locator("summary").click();
  await card.getByText("RCPT TO:<carol@elsewhere.test>").waitFor();
  await card.getByText(/^MAIL FROM:<b\+/).waitFor();
  await see(page, "email-timeline");

  await tab(page, "HTML");
  const frame = page.frameLocator("iframe.mail");
  await frame.getByRole("heading", { name: "Welcome" }).waitFor();
  expect(await frame.locator("script, [onerror]").count()).toBe(0);
  await see(page, "email-html");
  await tab(page, "Text");
  await page.getByText(`Welcome ${evil}`).last().waitFor();
  await see(page, "email-text");
  await tab(page, "Headers");
  await page
    .getByRole("row", { name: /DKIM-Signature/ })
    .first()
    .waitFor();
  await page.getByRole("row", { name: `X-Evil ${evil}` }).waitFor();
  await see(page, "email-headers");
  await tab(page, "Raw");
  await page.getByText("DKIM-Signature: v=1").waitFor();
  await see(page, "email-raw");
  const [eml] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download .eml" }).click(),
  ]);
  expect(eml.suggestedFilename()).toBe(`${id}.eml`);
  await page.getByLabel("The copy for").selectOption({ label: "carol@elsewhere.test" });
  await page.getByRole("button", { name: "Show" }).click();
  await page.waitForURL(/delivery=/);
  await tab(page, "Attachments");
  await see(page, "email-attachments");
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: /^Download <script>/ }).click(),
  ]);
  expect(await Bun.file(await file.path()).text()).toBe("file");
});

test("pictures from other hosts are left out until the reader asks, and links open a tab of their own", async () => {
  const id = await send({
    html: `<p>Hi</p><img src="https://tracker.test/a.png" alt="Logo"><a href="https://a.test">Go</a>`,
  });
  const page = await open(`/admin/emails/${id}/text`);
  await page.getByText("Made from the HTML").waitFor();
  expect(await page.locator(".mail-text").textContent()).toBe("Hi\n\nGo <https://a.test>");
  await see(page, "email-text-made");
  await page.goto(`${mailit.url}/admin/emails/${id}/html`);
  await page.getByText("Pictures from other hosts are not loaded.").waitFor();
  expect(await page.frameLocator("iframe.mail").locator("img").getAttribute("src")).toBeNull();
  await see(page, "email-pictures");
  const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const policy = async (query: string) =>
    (
      await fetch(`${mailit.url}/admin/emails/${id}/html/document${query}`, { headers: { cookie } })
    ).headers.get("content-security-policy");
  expect(await policy("")).toContain("img-src data:;");
  expect(await policy("?pictures=1")).toContain("img-src data: https: http:;");
  expect(await policy("")).toStartWith("sandbox allow-popups");
});

test("who clicked is told as it happens, and what they call themselves stays text", async () => {
  await api("PATCH", `/domains/${domain.id}`, { open_tracking: true, click_tracking: true });
  const id = await send({ html: `<p><a href="https://acme.test/prices">Prices</a></p>` });
  await has(id, "delivered");
  const { data } = await api("GET", "/sandbox/messages?limit=1");
  const { html } = await api("GET", `/sandbox/messages/${data[0].id}`);
  const page = await open(`/admin/emails/${id}`);
  const [link] = /https?:\/\/[^"]+/.exec(html) ?? [];
  const visit = (userAgent: string) =>
    fetch(link!.replace(/^https?:\/\/[^/]+/, mailit.url), {
      redirect: "manual",
      headers: { "user-agent": userAgent },
    });
  const led = await visit(`Mozilla/5.0 (X11) ${evil}`);
  expect([link, led.status]).toEqual([expect.stringContaining("/c/"), 302]);
  await page.getByText("Clicked").first().waitFor(); // live
  await page.getByText(evil).first().waitFor();
  await see(page, "email-clicked");
});

test("a delivery that waits says why, is tried at once, and is given up", async () => {
  const id = await send({ to: "deferred@elsewhere.test" });
  await has(id, "delivery_delayed");
  const page = await open(`/admin/emails/${id}`);
  await page.getByText(/^Waiting for the next try at .* said 451 4\.3\.0 The sandbox asks/).waitFor();
  await see(page, "email-waiting");
  await page.getByRole("button", { name: "Try now" }).click();
  await page.getByText("It is tried now.").waitFor();
  await page.getByText("Try 2", { exact: true }).waitFor(); // live
  await page.getByRole("button", { name: "Give up" }).click();
  await see(page, "email-give-up");
  await page.getByRole("button", { name: "Bounce it" }).click();
  await page.getByText("It is given up and counts as bounced.").waitFor();
  await page.getByText(/^Bounced by an operator at .*: ada@example\.com gave it up\.$/).waitFor();
});

test("one delivery is canceled for good, and the others of its email are left alone", async () => {
  const id = await send({ to: ["deferred@elsewhere.test", "deferred+other@elsewhere.test"] });
  await until(async () =>
    (await api("GET", `/emails/${id}/deliveries`)).data.every(
      ({ state }: { state: string }) => state === "deferred",
    ),
  );
  const page = await open(`/admin/emails/${id}`);
  const card = page.getByRole("region", { name: "deferred@elsewhere.test" });
  await card.getByRole("link", { name: "More" }).click();
  await page.getByRole("heading", { name: "1 delivery" }).waitFor();
  await page.getByRole("cell", { name: "deferred@elsewhere.test" }).waitFor();
  await see(page, "queue-one-delivery");
  await page.getByRole("button", { name: "Hold", exact: true }).click();
  await page.getByRole("button", { name: "Hold 1 delivery" }).click();
  await page.getByRole("status").getByText("Held 1 delivery.").waitFor();
  await page.goto(`${mailit.url}/admin/emails/${id}`);
  await card.getByRole("button", { name: "Resume" }).click();
  await page.getByText("It goes on.").waitFor();
  await card.getByRole("link", { name: "More" }).click();
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await page.getByRole("button", { name: "Cancel 1 delivery" }).click();
  await page.getByRole("status").getByText("Canceled 1 delivery.").waitFor();
  const { data } = await api("GET", `/emails/${id}/deliveries`);
  expect(
    data.map((each: { recipient: string; state: string }) => [each.recipient, each.state]).toSorted(),
  ).toEqual([
    ["deferred+other@elsewhere.test", "deferred"],
    ["deferred@elsewhere.test", "canceled"],
  ]);
});

test("a bounce shows its reply", async () => {
  const id = await send({ to: "bounced@elsewhere.test" });
  await has(id, "bounced");
  const page = await open(`/admin/emails/${id}`);
  await page.getByText(/^Bounced by mx\.sandbox\.test .*550 5\.1\.1/).waitFor();
  await see(page, "email-bounced");
});

test("whoever complains is delivered and complained, as their email is; nobody who was sent nothing has a copy", async () => {
  await api("POST", "/suppressions", { email: "gone@elsewhere.test" });
  const id = await send({ to: ["complained@elsewhere.test", "gone@elsewhere.test"] });
  await has(id, "complained");
  const page = await open(`/admin/emails/${id}`);
  const card = page.getByRole("region", { name: "complained@elsewhere.test" });
  await card.locator(".badge").getByText("complained").waitFor();
  expect(await card.locator(".row .badge").allTextContents()).toEqual(["delivered", "complained"]);
  await page.locator("#email-state").getByText("complained").waitFor();
  await see(page, "email-complained");
  await tab(page, "Raw");
  await page.getByText("Composed and signed anew as you look").waitFor();
  await page.getByText("DKIM-Signature: v=1").waitFor();
  expect(await page.getByLabel("The copy for").count()).toBe(0);
  await see(page, "email-raw-composed");
});

test("a scheduled email is given another time and canceled, by keyboard alone", async () => {
  const id = await send({ scheduled_at: "in 2 hours" });
  const page = await open(`/admin/emails/${id}`);
  await page.getByRole("link", { name: "Reschedule" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/reschedule/);
  await page.getByLabel("New time").focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("whenever");
  await page.keyboard.press("Enter");
  await page.locator("#scheduled_at-mistake").waitFor();
  await see(page, "email-reschedule-mistake");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("in 5 hours");
  await page.keyboard.press("Enter");
  await page.getByText("The email has its new time.").waitFor();
  await see(page, "email-scheduled");
  await page.getByRole("button", { name: "Cancel", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Cancel the email" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("The email is canceled").waitFor();
  expect((await api("GET", `/emails/${id}`)).last_event).toBe("canceled");
});

test("an email is sent again, and shared", async () => {
  const id = await send({ subject: "Once more" });
  await has(id, "delivered");
  const page = await open(`/admin/emails/${id}`);
  await page.getByRole("button", { name: "Send again" }).first().click();
  await see(page, "email-resend");
  await page.locator("#resend").getByRole("button", { name: "Send again" }).click();
  await page.getByText("this is the new email").waitFor();
  const again = page.url().split("/").at(-1)!;
  expect(again).not.toBe(id);
  await has(again, "delivered");
  await page.getByRole("link", { name: "Share" }).click();
  await see(page, "email-share");
  await page.getByRole("button", { name: "Make link" }).click();
  const link = await page.locator(".copyable code").textContent();
  await see(page, "email-shared");
  const shared = await fetch(link!.replace(/^https?:\/\/[^/]+/, mailit.url));
  expect(await shared.text()).toContain("Once more");
});

test("an email to which more happened than a page shows has its older events on the next", async () => {
  const id = await send({ subject: "Opened often" });
  await has(id, "delivered");
  using db = new Database(database);
  db.run("pragma busy_timeout = 5000");
  // Their ids are those of the far future, so that they are the newest.
  db.run(
    `with recursive numbers(value) as (select 1 union all select value + 1 from numbers where value < 205)
     insert into events (id, team_id, type, email_id, delivery_id, recipient, data, created_at, webhook_id)
     select printf('ffffffff-0000-7000-8000-%012d', value), e.team_id, 'email.opened', e.email_id, e.delivery_id,
       e.recipient, '{"is_bot":false}', e.created_at, null
     from numbers, (select * from events where email_id = ?1 and type = 'email.delivered') e`,
    [id],
  );
  const page = await open(`/admin/emails/${id}`);
  await page.getByText("More has happened than is shown here.").waitFor();
  await see(page, "email-many-events");
  await page.getByRole("link", { name: "Older events" }).click();
  await page.waitForURL(/events=/);
  await page.getByText("delivered", { exact: true }).first().waitFor();
  expect(await page.getByRole("link", { name: "Older events" }).count()).toBe(0);
});

test("of an email that is kept no longer, its page says what was removed and why", async () => {
  const id = await send({ subject: "Long ago" });
  await has(id, "delivered");
  using db = new Database(database);
  db.run("pragma busy_timeout = 5000");
  db.run("update emails set content_removed_at = ? where id = ?", [Date.parse("2026-03-01T12:00:00Z"), id]);
  db.run("delete from events where email_id = ?", [id]);
  const page = await open(`/admin/emails/${id}`);
  await page
    .getByText("Its events are not kept any more: retention.events says how long they are.")
    .waitFor();
  await page.getByText("as retention.content says").waitFor();
  expect(await page.getByRole("button", { name: "Send again" }).count()).toBe(0);
  await see(page, "email-removed");
  for (const name of ["HTML", "Text", "Headers", "Raw", "Attachments"]) {
    await tab(page, name);
    await page.getByText(/^The content of this email was removed/).waitFor();
  }
  await see(page, "email-removed-content");
});

test("what is not there, and what is another team's, is a page that says so", async () => {
  const page = await open("/admin/emails/019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b");
  await page.getByText("Email not found").waitFor();
  expect(key).toStartWith("re_");
});
