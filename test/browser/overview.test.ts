import { expect, test } from "bun:test";
import { scene, see } from "./browser.ts";
import { addDomain, countMonth, sendTo } from "./sending.ts";

const here = await scene();
const { open } = here;
const hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>";

test("a new team is led to its first email, and sees live what becomes of it", async () => {
  const page = await open("/admin");
  await page.getByRole("heading", { name: "Send your first email" }).waitFor();
  const steps = page.locator("#first-steps");
  expect(await steps.getByRole("link").allTextContents()).toEqual([
    "Add a domain",
    "Verify it",
    "Send an email",
  ]);
  await see(page, "overview-empty");

  const domainId = await addDomain(here);
  await steps.getByText("Add a domain (done)").waitFor();
  await page.locator("#health").getByText("Every domain is verified").waitFor();
  await sendTo(here, "delivered@recipient.test");
  await page.waitForFunction(() => {
    const stats = [...document.querySelectorAll("#day .stat")].map(({ textContent }) => textContent);
    return stats.includes("Sent1") && stats.includes("Delivered1");
  });
  await page.locator("#first-steps").waitFor({ state: "hidden" });

  // What somebody has opened stays open while the numbers in it change.
  const numbers = page.locator("#day-chart details");
  await numbers.getByText("Numbers").click();
  await sendTo(here, "bounced@recipient.test", { subject: hostile });
  await page.locator("#problems").getByText("bounced").waitFor();
  await numbers.locator("tbody tr").last().getByRole("cell").nth(1).getByText("1").waitFor();
  expect(await numbers.getAttribute("open")).not.toBeNull();
  expect(await page.locator("#problems").textContent()).toContain(hostile);
  await numbers.getByText("Numbers").click();

  countMonth(here.database, domainId);
  await here.api("POST", "/domains", { name: "unverified.example" });
  await here.api("POST", "/webhooks", {
    endpoint: "https://hooks.example.com/mailit",
    events: ["email.sent"],
    status: "disabled",
  });
  await page.locator("#health").getByText("unverified.example is not verified").waitFor();
  await page.locator("#health").getByText("https://hooks.example.com/mailit is disabled").waitFor();
  await page.locator("#month-chart .wide .bad .fill").first().waitFor();
  await page.locator("#rates").getByText("good: below 2 %").waitFor();
  await see(page, "overview");
});

test("without scripts all of it can be read", async () => {
  const page = await open("/admin");
  const html = await (await page.request.get(page.url())).text();
  for (const part of ["By hour (UTC), the last 24 hours", "&lt;script>alert(1)"]) {
    expect({ part, isThere: html.includes(part) }).toEqual({ part, isThere: true });
  }
  expect(html.includes("<script>alert(1)")).toBeFalse();
});
