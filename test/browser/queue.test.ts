import { expect, test } from "bun:test";
import { scene, see } from "./browser.ts";
import { addDomain, sendTo, until } from "./sending.ts";

const here = await scene({ env: { MAILIT_SMTP_OUTBOUND_RETRY_DELAYS: "1h" } });
const { open, api } = here;
const hostile = "<script>alert(1)</script>";
await addDomain(here);

test("an empty queue says so", async () => {
  const page = await open("/admin/queue");
  await page.getByRole("heading", { name: "Nothing waits" }).waitFor();
  await see(page, "queue-empty");
});

test("all sending is paused and resumed, by keys alone", async () => {
  const page = await open("/admin/queue");
  await page.getByText("Pause all sending").first().focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.type(`maintenance ${hostile}`);
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("All sending is paused").waitFor();
  await page.getByText(`maintenance ${hostile}`).waitFor();
  await see(page, "queue-paused");
  expect((await api("GET", "/queue")).sending).toBe("paused");
  await page.getByRole("button", { name: "Resume sending" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("Mail is being sent again.").waitFor();
  expect((await api("GET", "/queue")).sending).toBe("active");
});

test("a lane appears as soon as something waits in it, is paused, and opened", async () => {
  const page = await open("/admin/queue");
  await sendTo(here, "deferred@slow.test");
  const row = page.locator("#lanes tbody tr").first();
  await row.waitFor();
  await see(page, "queue");
  await row.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Pause the lane" }).click();
  await page.getByRole("status").getByText("is paused").waitFor();
  await row.getByText("Paused until somebody resumes it: paused in the admin.").waitFor();
  await row.getByRole("button", { name: "Resume" }).click();
  await see(page, "queue-open-lane");
  await page.getByRole("button", { name: "Open the lane" }).click();
  await page.getByRole("status").getByText("is open").waitFor();
});

test("a page is live once htmx has come, however late its other scripts are", async () => {
  const page = await open("/admin/properties");
  const live = page.waitForRequest(/\/admin\/queue\/live$/);
  await page.route("**/assets/*.js", async (route) => {
    if (!route.request().url().includes("/htmx.")) await live;
    await route.continue();
  });
  await page.goto(`${here.mailit.url}/admin/queue`);
  await live;
});

test("a page that could not be live at first becomes so by itself, says so meanwhile, and has missed nothing", async () => {
  await sendTo(here, "ada@example.net", { subject: "Before" }); // a list that is empty is not live
  const page = await here.elsewhere(); // it logs each of its failures, as it should
  let isUp = false;
  let refused = 0;
  await page.route("**/admin/emails/live*", (route) => {
    if (isUp) return route.continue();
    refused += 1;
    return refused % 2 === 1 ? route.abort() : route.fulfill({ status: 503, body: "A proxy's own words" });
  });
  await page.goto("/admin/emails");
  const sign = page.getByRole("status").getByText("Not live");
  await sign.waitFor();
  await until(async () => refused >= 2);
  await see(page, "not-live");
  await sendTo(here, "ada@example.net", { subject: "While it was away" });
  expect(await page.getByText("While it was away").count()).toBe(0);
  expect(await page.getByText("A proxy's own words").count()).toBe(0);
  isUp = true;
  await page.getByText("While it was away").waitFor();
  await sign.waitFor({ state: "hidden" });
  await sendTo(here, "ada@example.net", { subject: "Afterwards" });
  await page.getByText("Afterwards").waitFor();
  await page.context().close();
});

const selection = "/admin/queue/selection?tag=kind%3Anews";
const waiting = { tags: [{ name: "kind", value: "news" }], subject: hostile };

test("deliveries are counted and seen before anything is done, and mistakes are said beside their field", async () => {
  await sendTo(here, "deferred@slow.test", waiting);
  const page = await open("/admin/queue");
  await page.getByLabel("Older than").fill("soon");
  await page.getByRole("button", { name: "Count them" }).click();
  await page.locator("#older_than-mistake").waitFor();
  await see(page, "queue-mistake");
  await page.getByLabel("Older than").fill("");
  await page.getByLabel("Tag").fill("kind:news");
  await page.getByLabel("Reason").fill(hostile);
  await page.getByRole("button", { name: "Count them" }).click();
  await page.getByRole("heading", { name: "1 delivery" }).first().waitFor();
  const row = page.getByRole("row", { name: "deferred@slow.test" });
  expect(await row.getByRole("link").textContent()).toBe(hostile);
  await page.getByRole("button", { name: "Bounce" }).click();
  await see(page, "queue-selection");
});

test("deliveries are held, and resumed", async () => {
  const page = await open(selection);
  await page.getByRole("button", { name: "Hold", exact: true }).click();
  await page.getByRole("button", { name: "Hold 1 delivery" }).click();
  await page.getByRole("status").getByText("Held 1 delivery.").waitFor();
  await page.goto(`${here.mailit.url}${selection}`);
  await page.getByRole("row", { name: "deferred@slow.test" }).getByText("when resumed").waitFor();
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await page.getByRole("button", { name: "Resume 1 delivery" }).click();
  await page.getByRole("status").getByText("Let go on 1 delivery.").waitFor();
});

test("what has changed since it was counted is left alone; then it is bounced", async () => {
  const page = await open(selection);
  await page.getByRole("heading", { name: "1 delivery" }).first().waitFor();
  await sendTo(here, "deferred@slow.test", waiting);
  await page.getByRole("button", { name: "Bounce" }).click();
  await page.getByRole("button", { name: "Bounce 1 delivery" }).click();
  await page
    .getByText("The filter matches 2 deliveries and not 1. Nothing was changed; count again.")
    .waitFor();
  await page.goto(`${here.mailit.url}${selection}`);
  await page.getByRole("button", { name: "Bounce" }).click();
  await page.getByRole("button", { name: "Bounce 2 deliveries" }).click();
  await page.getByRole("status").getByText("Bounced 2 deliveries.").waitFor();
  await page.goto(`${here.mailit.url}${selection}`);
  await page.getByRole("heading", { name: "Nothing waits that is so" }).waitFor();
  await see(page, "queue-selection-empty");
});
