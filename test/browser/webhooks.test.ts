import { afterAll, expect, test } from "bun:test";
import { startHttpsHost } from "../support/https-host.ts";
import { type Page, scene, see } from "./browser.ts";

const receiver = await startHttpsHost({ isPlain: true });
afterAll(() => receiver[Symbol.asyncDispose]());
const endpoint = `http://127.0.0.1:${receiver.port}/hook`;
const hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>";

const { open, mailit, api } = await scene({
  env: { MAILIT_WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: "true", MAILIT_WEBHOOKS_RETRY_DELAYS: "100ms" },
});

const answering = (status: number, body: string) =>
  receiver.answer((_request, response) =>
    response.writeHead(status, { "content-type": "text/html" }).end(body),
  );

async function addWebhook(events = ["*"], path = ""): Promise<string> {
  return (await api("POST", "/webhooks", { endpoint: `${endpoint}${path}`, events })).id;
}

test("a webhook is added, its secret shown, and a test event told while one looks on", async () => {
  answering(200, `thanks ${hostile}`);
  const page = await open("/admin/webhooks");
  await page.getByText("No webhook yet").waitFor();
  await see(page, "webhooks-empty");
  await page.getByRole("link", { name: "Add a webhook" }).first().click();
  await page.getByLabel("Endpoint").fill("ftp://example.com");
  await page.getByLabel("All events").uncheck();
  await page.getByLabel("email.bounced").check();
  await page.getByRole("button", { name: "Add the webhook" }).click();
  await page.locator("#endpoint-mistake").waitFor();
  expect(await page.getByLabel("email.bounced").isChecked()).toBe(true);
  await see(page, "webhooks-new-mistake");
  await page.getByLabel("Endpoint").fill(endpoint);
  await page.getByRole("button", { name: "Add the webhook" }).click();
  expect(await page.locator(".copyable code").textContent()).toMatch(/^whsec_/);
  await see(page, "webhooks-secret");
  await page.getByRole("link", { name: "Done" }).click();
  await page.getByText("Nothing told yet").waitFor();
  await see(page, "webhook-empty");

  await page.getByRole("button", { name: "Send a test event" }).click();
  await page.getByRole("heading", { name: "webhook.test" }).waitFor();
  await page.locator("#event-standing").getByText("taken", { exact: true }).waitFor(); // without loading the page again
  expect(await page.locator(".attempts pre").textContent()).toBe(`thanks ${hostile}`);
  expect(await page.locator("pre").last().textContent()).toContain(
    "This is a test event. Nothing has happened.",
  );
  await see(page, "webhook-event");
  await page.goto(`${mailit.url}/admin/webhooks`);
  await page.getByRole("row", { name: /email\.bounced working/ }).waitFor();
  await see(page, "webhooks");
});

test("what is told comes into the list by itself, what fails is filtered, and told again", async () => {
  answering(503, hostile);
  const id = await addWebhook(["suppression.added"], "/list");
  const page = await open(`/admin/webhooks/${id}`);
  await page.getByText("Nothing told yet").waitFor();
  await api("POST", "/suppressions", { email: "listed@example.com" });
  const row = page.locator("#newest-events").getByRole("row", { name: /suppression\.added/ });
  await row.getByText("failed").waitFor();
  await page.locator("#webhook-standing").getByText("failing").waitFor();
  await see(page, "webhook-failing");
  await page.getByRole("link", { name: "Taken" }).click();
  await page.getByText("There is nothing here now.").waitFor();
  await see(page, "webhook-none");
  await page.getByRole("link", { name: "Failed" }).click();
  await row.getByRole("link").click();
  expect(await page.locator(".attempts pre").first().textContent()).toBe(hostile);
  await page.getByText("The endpoint answered 503; only 2xx says that an event was taken.").first().waitFor();
  await see(page, "webhook-event-failed");
  answering(200, "ok");
  await page.getByRole("button", { name: "Tell it again" }).click();
  await page.getByRole("status").getByText("It is being told again.").waitFor();
  await page.locator("#event-standing").getByText("taken", { exact: true }).waitFor();
});

test("all that failed since a time is told again", async () => {
  answering(500, "no");
  const id = await addWebhook(["suppression.added"], "/all");
  const page = await open(`/admin/webhooks/${id}?status=failed`);
  for (const n of [1, 2, 3]) await api("POST", "/suppressions", { email: `failed${n}@example.com` });
  const rows = page.locator("#newest-events").getByRole("row", { name: /suppression\.added failed/ });
  await rows.nth(2).waitFor();
  answering(200, "ok");
  await page.getByLabel("Since").selectOption("1");
  await page.getByRole("button", { name: "Tell again" }).click();
  await page.getByRole("status").getByText("It is being told again.").waitFor();
  await page.goto(`${mailit.url}/admin/webhooks/${id}?status=success`);
  const taken = page.locator("#newest-events").getByRole("row", { name: /suppression\.added taken/ });
  await taken.nth(2).waitFor();

  answering(200, "once more");
  await page.getByText("Which, exactly").click();
  await page.getByLabel("Event", { exact: true }).selectOption("suppression.added");
  await page.getByLabel("What came of it").selectOption("It was taken");
  await page.getByLabel("From (UTC)").fill("2020-01-01T12:00");
  await see(page, "webhook-replay");
  await page.getByRole("button", { name: "Tell again" }).click();
  await page.getByRole("status").getByText("It is being told again.").waitFor();
  await page.locator("#newest-events").getByRole("link").first().click();
  await page.locator(".attempts pre").first().getByText("once more").waitFor();
});

test("a list longer than a page goes on as one scrolls", async () => {
  answering(200, "ok");
  const id = await addWebhook(["suppression.added"], "/long");
  const emails = Array.from({ length: 70 }, (_, n) => `long${n}@example.com`);
  await api("POST", "/suppressions/batch/add", { emails });
  const page = await open(`/admin/webhooks/${id}`);
  await page.locator("tr.more").scrollIntoViewIfNeeded();
  await page.getByRole("link", { name: "suppression.added" }).nth(69).waitFor();
  expect(await page.getByRole("link", { name: "suppression.added" }).count()).toBe(70);
});

test("its settings are changed, its secret made anew, and it is turned off, on and deleted", async () => {
  const id = await addWebhook(["email.sent", "inbox.created"], "/settings");
  const page = await open(`/admin/webhooks/${id}`);
  await page.getByRole("link", { name: "Settings", exact: true }).first().waitFor();
  await page.goto(`${mailit.url}/admin/webhooks/${id}/settings`);
  await see(page, "webhook-settings");
  await page.getByLabel("email.clicked").check();
  await page.getByLabel("With the whole email").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").getByText("The settings are saved.").waitFor();
  const changed = await api("GET", `/webhooks/${id}`);
  expect(changed).toMatchObject({ include_body: true });
  expect(changed.events.toSorted()).toEqual(["email.clicked", "email.sent", "inbox.created"]);

  await page.goto(`${mailit.url}/admin/webhooks/${id}/settings`);
  await page.getByRole("button", { name: "Show the secret" }).click();
  expect(await page.locator(".copyable code").textContent()).toBe(changed.signing_secret);
  await page.goto(`${mailit.url}/admin/webhooks/${id}/settings`);
  await page.getByRole("button", { name: "Make a new one" }).click();
  await see(page, "webhook-rotate");
  await page.getByRole("button", { name: "Make a new secret" }).click();
  const secret = await page.locator(".copyable code").textContent();
  expect(secret).not.toBe(changed.signing_secret);
  expect((await api("GET", `/webhooks/${id}`)).signing_secret).toBe(secret);

  await page.goto(`${mailit.url}/admin/webhooks/${id}/settings`);
  await page.getByRole("button", { name: "Turn off" }).click();
  await page.getByRole("button", { name: "Turn it off" }).click();
  await page.getByText("It hears of nothing until it is turned on.").waitFor();
  await see(page, "webhook-off");
  await page.getByRole("button", { name: "Turn on" }).click();
  await page.getByRole("status").getByText("The webhook is on").waitFor();

  await page.goto(`${mailit.url}/admin/webhooks/${id}/settings`);
  await page.getByRole("button", { name: "Delete" }).click();
  await see(page, "webhook-delete");
  await page.getByRole("button", { name: "Delete the webhook" }).click();
  await page.getByRole("status").getByText("The webhook is deleted.").waitFor();
  expect(await page.getByRole("link", { name: `${endpoint}/settings` }).count()).toBe(0);
});

test("a test event is sent with the keyboard alone", async () => {
  answering(200, "ok");
  await addWebhook(["email.sent"], "/keys");
  const page = await open("/admin/webhooks");
  await page.getByRole("link", { name: `${endpoint}/keys` }).focus();
  await page.keyboard.press("Enter");
  await focus(page, "Send a test event");
  await page.keyboard.press("Enter");
  await page.locator("#event-standing").getByText("taken", { exact: true }).waitFor();
});

/** Tab by tab to a button, as somebody without a mouse comes to it. */
async function focus(page: Page, name: string): Promise<void> {
  const button = page.getByRole("button", { name, exact: true });
  await button.waitFor();
  for (let tabs = 0; tabs < 60; tabs++) {
    if (await button.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the keyboard does not come to ${name}`);
}

test("what each event carries is read before there is a receiver for it", async () => {
  const page = await open("/admin/webhooks");
  await page.getByRole("link", { name: "Events", exact: true }).click();
  await page.getByText("The recipient's mail server has refused it for good.").click();
  const example = page.locator("#event-email-bounced pre");
  expect(JSON.parse((await example.textContent())!)).toMatchObject({
    ...{ type: "email.bounced", data: { bounce: { type: "Permanent" } } },
  });
  await see(page, "webhook-event-types");
});
