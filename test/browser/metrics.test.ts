import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { scene, see } from "./browser.ts";
import { addDomain, countMonth, sendTo } from "./sending.ts";

const here = await scene();
const { open } = here;

/** Lets something have been counted in this hour, which is ?1. */
function count(insert: string): void {
  const database = new Database(here.database);
  database.run("pragma busy_timeout = 5000");
  database.run(insert, [Math.floor(Date.now() / 3_600_000) * 3_600_000]);
  database.close();
}

test("nothing is shown as nothing", async () => {
  const page = await open("/admin/metrics?by=broadcast");
  await page.getByText("No broadcast was sent in this time.").waitFor();
  await see(page, "metrics-empty");
});

test("how sending went, by time and by what it is broken down by, on the page and as a file", async () => {
  const domainId = await addDomain(here);
  countMonth(here.database, domainId);
  const page = await open("/admin/metrics");
  await page.getByRole("img", { name: "Outcomes" }).first().waitFor();
  await see(page, "metrics");

  await page.getByLabel("Broken down by").selectOption("domain");
  const row = page.getByRole("row", { name: "example.com" });
  await row.waitFor();
  expect(new URL(page.url()).searchParams.get("by")).toBe("domain");
  await see(page, "metrics-by-domain");

  await page.getByLabel("Time", { exact: true }).selectOption("24h");
  await page.getByLabel("Each").selectOption("hourly");
  await page.getByText("Hour, UTC").first().waitFor({ state: "attached" });
  await page.getByLabel("Broken down by").selectOption("provider");
  await page.getByRole("row", { name: "gmail" }).waitFor();

  await sendTo(here, "bob@example.org", { tags: [{ name: "kind", value: "invoice" }] });
  await page.getByLabel("Broken down by").selectOption("tag");
  await page.getByRole("link", { name: "kind: invoice" }).waitFor();
  await see(page, "metrics-by-tag");
  await page.getByRole("link", { name: "kind: invoice" }).click();
  await page.locator(".stat", { hasText: "Sent" }).getByText("1", { exact: true }).waitFor();
  expect(await page.getByLabel("Tag", { exact: true }).inputValue()).toBe("kind:invoice");
  await page.getByLabel("Tag", { exact: true }).fill("<script>alert(1)</script>");
  await page.keyboard.press("Enter");
  await page.locator(".stat", { hasText: "Sent" }).getByText("0", { exact: true }).waitFor();
  await page.getByLabel("Tag", { exact: true }).fill("");
  await page.getByLabel("Broken down by").selectOption("provider");
  await page.getByRole("row", { name: "gmail" }).waitFor();

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download CSV" }).click(),
  ]);
  const lines = (await Bun.file(await download.path()).text()).trim().split("\r\n");
  expect(lines[0]).toStartWith("period,provider,received,delivered");
  expect(lines[1]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:00:00Z,gmail,/);
});

test("what can't be asked is said beside its field, and the rest stays", async () => {
  const page = await open("/admin/metrics?range=custom&start_date=2026-01-01&timezone=Mars/Olympus");
  await page.locator("#timezone-mistake").waitFor();
  expect(await page.getByLabel("Time zone").inputValue()).toBe("Mars/Olympus");
  await see(page, "metrics-mistake");
  await page.getByLabel("Time zone").fill("Europe/Berlin");
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByRole("img", { name: "Outcomes" }).first().waitFor();
  expect(await page.getByLabel("From").inputValue()).toBe("2026-01-01");

  await page.goto(`${here.mailit.url}/admin/metrics?range=custom&start_date=2026-02-30`);
  await page.locator("#start_date-mistake").waitFor();
  await page.goto(
    `${here.mailit.url}/admin/metrics?by=provider&domain_id=01900000-0000-7000-8000-000000000000`,
  );
  await page.getByText("can be combined with periods alone").waitFor();
});

test("several dimensions at once: a domain's broadcasts, and a domain by day", async () => {
  count(
    `insert into counters (team_id, hour, domain_id, broadcast_id, event, total)
     select team_id, ?1, id, '01900000-0000-7000-8000-000000000000', 'email.delivered', 5 from domains`,
  );
  const page = await open("/admin/metrics?range=7d");
  await page.getByLabel("Broken down by").selectOption("Domain and broadcast");
  await page.getByRole("row", { name: "example.com A broadcast that is gone 5" }).waitFor();
  await page.getByLabel("Broken down by").selectOption("Sending domain");
  await page.getByLabel("By day as well").check();
  const table = page.getByRole("region", { name: "By day and domain" });
  await table.waitFor();
  expect(await table.getByRole("row", { name: "example.com" }).count()).toBeGreaterThan(3);
  await see(page, "metrics-by-day-and-domain");

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download CSV" }).click(),
  ]);
  expect(await Bun.file(await download.path()).text()).toStartWith("period,domain,received,");
});

test("the metrics of what a search among emails finds, email by email", async () => {
  await sendTo(here, "grace@example.org", { subject: "Numbers of Grace" });
  await sendTo(here, "grace@example.org", { subject: "More numbers of Grace" });
  const page = await open("/admin/emails?q=grace");
  await page.getByRole("link", { name: "Metrics of these 2 emails" }).click();
  const table = page.getByRole("region", { name: "By email" });
  await table.getByRole("link", { name: "More numbers of Grace" }).waitFor();
  expect(await table.getByRole("row").count()).toBe(3);
  await page.locator(".stat", { hasText: "Sent" }).getByText("2", { exact: true }).waitFor();
  await page.getByText("Only of 2 emails").waitFor();
  await see(page, "metrics-of-emails");

  await page.getByLabel("Emails", { exact: true }).fill("nobody");
  await page.keyboard.press("Enter");
  await page.locator("#email_id-mistake").waitFor();
});

test("the metrics of some domains alone", async () => {
  const page = await open("/admin/metrics?by=domain");
  await page.getByText("Only of some domains").click();
  await page.getByLabel("example.com").check();
  await page.getByText("Only of 1 domain").waitFor();
  await page.getByRole("row", { name: "example.com" }).waitFor();
  await see(page, "metrics-of-domains");
});

test("of many tags the most used are told one by one, and the others of each name together", async () => {
  count(
    `with recursive n(i) as (select 1 union all select i + 1 from n where i < 60)
     insert into tag_counters (team_id, name, hour, value, event, total)
     select (select id from teams), 'order', ?1, 'order-' || i, 'email.delivered', 1 + i from n`,
  );
  const page = await open("/admin/metrics?by=tag");
  await page.getByRole("link", { name: "order: order-60" }).waitFor();
  await see(page, "metrics-others");
  await page.getByRole("link", { name: /^order: \d+ others$/ }).click();
  await page.getByRole("link", { name: "order: order-1", exact: true }).waitFor();
  expect(await page.getByLabel("Tag", { exact: true }).inputValue()).toBe("order");
});

test("of a month of hours the last two weeks are drawn, with the newest numbers, and it says so", async () => {
  const page = await open("/admin/metrics?granularity=hourly");
  await page.getByRole("img", { name: "Outcomes" }).first().waitFor();
  await page.getByText("Numbers", { exact: true }).first().click();
  await page
    .getByText(/The last 60 of \d+\. The CSV file has all of them\./)
    .first()
    .waitFor();
  await page.getByText("By the hour the last two weeks are shown").waitFor();
  await see(page, "metrics-hourly");
});
