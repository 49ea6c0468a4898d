import { expect, test } from "bun:test";
import { join } from "node:path";
import { scene, see } from "./browser.ts";
import { addDomain } from "./sending.ts";

const stage = await scene();
const { open, api, mailit } = stage;
const hostile = "<img src=x onerror=alert(1)>";

await addDomain(stage, "shop.example");

/** New bodies may be another email's too for a while; of who was sent nothing there is nothing to wait for. */
const bodiesWait = "All but bodies of emails is erased.";

async function send(to: string) {
  await api("POST", "/emails", { from: "Shop <a@shop.example>", to, subject: hostile, html: "<p>Hi</p>" });
}

test("what is kept of a contact is taken along, and erased, but for the suppression", async () => {
  await api("POST", "/contacts", { email: "ada@example.com", first_name: hostile, unsubscribed: true });
  await send("ada@example.com");
  const page = await open("/admin/contacts");
  await page.getByRole("link", { name: "ada@example.com" }).click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download as JSON" }).click(),
  ]);
  expect(await Bun.file(await download.path()).json()).toMatchObject({
    ...{ object: "contact_data", email: "ada@example.com", contact: { first_name: hostile } },
    emails: [{ to: ["ada@example.com"], subject: hostile }],
  });
  await see(page, "contacts-one-data");

  await page.getByRole("button", { name: "Erase", exact: true }).click();
  await page.getByText("These stay: a suppression of the address").waitFor();
  await see(page, "contacts-erase");
  await page.getByRole("button", { name: "Erase their data" }).click();
  await page.getByRole("status").getByText("The erasure has begun.").waitFor();
  await page.locator(".stat", { hasText: "Emails erased" }).getByText("1", { exact: true }).waitFor();
  await page.getByText(bodiesWait).waitFor();
  await see(page, "erasure");
  await expect(api("GET", "/contacts/ada@example.com")).rejects.toThrow("404");
  expect(await api("GET", "/suppressions/ada@example.com")).toMatchObject({ email: "ada@example.com" });

  await page.goto(`${mailit.url}/admin/settings/audit-log`);
  await page.getByText("Began to erase all that is kept of a person").waitFor();
  await page.goto(`${mailit.url}/admin/contacts/erasures`);
  await page.getByRole("row", { name: "erasing" }).getByRole("link").waitFor();
  await see(page, "erasures");
});

test("somebody who is no contact is found by their address, and erased", async () => {
  await send("stranger@example.com");
  const page = await open("/admin/contacts/erasures");
  await page.getByLabel("Email address").evaluate((input: HTMLInputElement) => {
    input.type = "text";
  });
  await page.getByLabel("Email address").fill(hostile);
  await page.getByRole("button", { name: "Find their data" }).click();
  await page.locator("#address-mistake").waitFor();
  expect(await page.getByLabel("Email address").inputValue()).toBe(hostile);
  await see(page, "erasures-mistake");
  await page.getByLabel("Email address").fill("Stranger@Example.com");
  await page.getByRole("button", { name: "Find their data" }).click();
  await page.getByText("None of your contacts").waitFor();
  await see(page, "person-data");
  await page.getByRole("button", { name: "Erase", exact: true }).click();
  await page.getByRole("button", { name: "Erase their data" }).click();
  await page.locator(".stat", { hasText: "Emails erased" }).getByText("1", { exact: true }).waitFor();
  await page.getByText(bodiesWait).waitFor();
});

test("a file brings people back who have left, only where its form is told to", async () => {
  const path = join(mailit.folder, "back.csv");
  await Bun.write(path, "email,unsubscribed\nleft@example.com,false\n");
  await api("POST", "/contacts", { email: "left@example.com", unsubscribed: true });
  const page = await open("/admin/contacts/imports/new");
  for (const isTold of [false, true]) {
    await page.goto(`${mailit.url}/admin/contacts/imports/new`);
    await page.getByLabel("CSV file").setInputFiles(path);
    await page.getByRole("button", { name: "Upload" }).click();
    await page.getByText("writing to people who have left is spam").waitFor();
    await page.getByLabel("Bring back people who have left").setChecked(isTold);
    await page.getByRole("button", { name: "Begin the import" }).click();
    await page.getByText("Done: every row was taken.").waitFor();
    expect((await api("GET", "/contacts/left@example.com")).unsubscribed).toBe(!isTold);
  }
});

test("an erasure that has nothing to wait for ends while one looks", async () => {
  await api("POST", "/contacts", { email: "quick@example.com" });
  const page = await open("/admin/contacts/data?address=quick@example.com");
  await page.getByRole("button", { name: "Erase", exact: true }).click();
  await page.getByRole("button", { name: "Erase their data" }).click();
  await page.getByText("Done: nothing of them is kept").waitFor();
  await page.locator(".stat", { hasText: "Contacts" }).getByText("1", { exact: true }).waitFor();
  await see(page, "erasure-done");
});
