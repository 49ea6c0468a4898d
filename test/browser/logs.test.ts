import { expect, test } from "bun:test";
import { scene, see } from "./browser.ts";
import { until } from "./sending.ts";

const here = await scene();
const { open, api, mailit, key } = here;
const hostile = "<script>alert(1)</script>";

test("before anything was asked the page says what will be here", async () => {
  const page = await open("/admin/logs?endpoint=/never");
  await page.getByRole("heading", { name: "No such request" }).waitFor();
  await see(page, "logs-none");
});

test("requests are found by what they were, and the list goes on as one scrolls", async () => {
  const headers = {
    authorization: `Bearer ${key}`,
    "user-agent": hostile,
    "content-type": "application/json",
  };
  for (let n = 0; n < 70; n++) await fetch(`${mailit.url}/domains`, { headers });
  const body = JSON.stringify({ from: "x", to: hostile, subject: "It's", api_key: "re_secret" });
  await fetch(`${mailit.url}/emails`, { method: "POST", headers, body });
  await until(async () => (await api("GET", "/logs?status=error")).data.length > 0);

  const page = await open("/admin/logs");
  const rows = page.locator("#logs tbody tr[id]");
  await rows.first().waitFor();
  await see(page, "logs");
  expect(await rows.count()).toBeGreaterThanOrEqual(50);
  await page.locator("tr.more").scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelectorAll("#logs tbody tr[id]").length > 70);

  await page.getByLabel("Method").selectOption("POST");
  await page.waitForFunction(() =>
    [...document.querySelectorAll("#logs .method")].every(({ textContent }) => textContent === "POST"),
  );
  await page.getByLabel("Status").selectOption("error");
  await page.getByLabel("Path").fill("/emails*");
  await page.waitForFunction(() => document.querySelectorAll("#logs tbody tr[id]").length === 1);
  expect(new URL(page.url()).searchParams.get("status")).toBe("error");

  await page.getByRole("link", { name: "/emails" }).click();
  await page.getByRole("heading", { name: "POST /emails" }).waitFor();
  await see(page, "log");
  const text = await page.locator("main").textContent();
  expect(text).toContain(`"to": "${hostile}"`);
  expect(text).toContain(`Program${hostile}`);
  expect(text).toContain('"api_key": "[masked]"');
  const curl = await page.getByRole("button", { name: "Copy: As a curl command" }).getAttribute("data-copy");
  expect(curl).toContain(`curl -X POST '${mailit.url}/emails'`);
  expect(curl).toContain(`"subject": "It'\\''s"`);
  expect(curl).not.toContain(key);
});

test("a filter that means nothing is refused in a sentence", async () => {
  const page = await open("/admin/logs?endpoint=emails");
  await page.getByRole("alert").getByText("It must be a path such as /emails").waitFor();
  await see(page, "logs-mistake");
  const unknown = await open("/admin/logs/01900000-0000-7000-8000-000000000000");
  await unknown.getByText("Log not found").waitFor();
});

test("whoever comes back to a list that had gone on is where they were in it", async () => {
  const page = await open("/admin/logs");
  const rows = page.locator("#logs tbody tr[id]");
  await page.locator("tr.more").scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelectorAll("#logs tbody tr[id]").length > 70);
  const place = rows.nth(65);
  const id = (await place.getAttribute("id"))!;
  await place.locator("a").click();
  await page.waitForURL(/\/admin\/logs\/[0-9a-f-]{36}$/);
  await page.goBack();
  await page.waitForFunction((id) => {
    const top = document.getElementById(id)?.getBoundingClientRect().top;
    return top !== undefined && top > 0 && top < window.innerHeight;
  }, id);
});

test("until a day is with that day", async () => {
  await fetch(`${mailit.url}/domains`, { headers: { authorization: `Bearer ${key}` } });
  await until(async () => (await api("GET", "/logs")).data.length > 0);
  const day = (await api("GET", "/logs")).data[0].created_at.slice(0, 10);
  const page = await open("/admin/logs");
  await page.getByLabel("From (UTC)").fill(day);
  await page.waitForURL(new RegExp(`from=${day}`));
  await page.getByLabel("Until (UTC)").fill(day);
  await page.waitForURL(new RegExp(`to=${day}`));
  await page.locator("#logs tbody tr[id]").first().waitFor();
});

test("an address may name a time of day, and keeps it as something else is filtered", async () => {
  const from = "2026-01-01T12:30:00Z";
  const page = await open(`/admin/logs?${new URLSearchParams({ from })}`);
  expect(await page.getByLabel("From (UTC)").inputValue()).toBe(from);
  expect(await page.getByLabel("Until (UTC)").getAttribute("type")).toBe("date");
  await page.getByLabel("Method").selectOption("POST");
  await page.waitForURL(/method=POST/);
  expect(new URL(page.url()).searchParams.get("from")).toBe(from);
});
