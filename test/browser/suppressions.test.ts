import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { type Page, scene, see } from "./browser.ts";

const { open, mailit, api, database } = await scene();

test("an address is added with a reason and an end, and sent to again", async () => {
  const page = await open("/admin/suppressions");
  await page.getByText("Nobody is suppressed").waitFor();
  await see(page, "suppressions-empty");
  await page.getByRole("link", { name: "Add an address" }).click();
  await page.getByLabel("Address").fill("<script>alert(1)</script>");
  await page.getByLabel("Reason").selectOption("complaint");
  await page.getByRole("button", { name: "Suppress the address" }).click();
  await page.locator("#email-mistake").getByText("email@example.com").waitFor();
  expect(await page.getByLabel("Reason").inputValue()).toBe("complaint");
  await see(page, "suppressions-new-mistake");
  await page.getByLabel("Address").fill("Ada@Example.com");
  await page.getByLabel("For how long").selectOption("30d");
  await page.getByRole("button", { name: "Suppress the address" }).click();
  await page.getByRole("status").getByText("The address is suppressed.").waitFor();
  expect(await api("GET", "/suppressions/ada@example.com")).toMatchObject({
    reason: "complaint",
    expires_at: expect.any(String),
  });
  const row = page.getByRole("row", { name: /^ada@example\.com complained/ });
  await row.getByRole("button", { name: "Remove" }).click();
  await page.getByText("Its holder has reported your mail as spam.").waitFor();
  await see(page, "suppressions-remove");
  await page.getByRole("button", { name: "Send to it again" }).click();
  await page.getByRole("status").getByText("ada@example.com is sent to again.").waitFor();
  expect(await row.count()).toBe(0);
});

test("an address is suppressed until a time, which has to come yet", async () => {
  const page = await open("/admin/suppressions/new");
  await page.getByLabel("Address").fill("until@example.com");
  await page.getByLabel("Until (UTC)").fill("2020-08-05T12:00");
  await page.getByRole("button", { name: "Suppress the address" }).click();
  await page.locator("#expires_at-mistake").getByText("It must be in the future").waitFor();
  await page.getByLabel("Until (UTC)").fill("2099-08-05T12:00");
  await page.getByRole("button", { name: "Suppress the address" }).click();
  await page.getByRole("status").getByText("The address is suppressed.").waitFor();
  expect(await api("GET", "/suppressions/until@example.com")).toMatchObject({
    expires_at: "2099-08-05T12:00:00.000Z",
  });
  await api("DELETE", "/suppressions/until@example.com");
});

test("a file is imported, with what became of its lines, and the list exported", async () => {
  const page = await open("/admin/suppressions/import");
  await see(page, "suppressions-import");
  const lines = [
    "email,reason",
    "bob@example.com,bounce",
    "carol@example.com,",
    "<img src=x onerror=alert(2)>,",
    "bob@example.com,",
  ];
  await page.getByLabel("Reason").selectOption("unsubscribe");
  await page.getByLabel("For how long").selectOption("7d");
  await page.getByLabel("File").setInputFiles({
    name: "<script>alert(3)</script>.csv",
    mimeType: "text/csv",
    buffer: Buffer.from(lines.join("\n")),
  });
  await page.getByRole("button", { name: "Import" }).click();
  await page.getByRole("heading", { name: "Imported" }).waitFor();
  expect(await page.locator(".stat dd").allTextContents()).toEqual(["4", "2", "1", "1"]);
  await page.getByRole("row", { name: "4 <img src=x onerror=alert(2)> is not an email address" }).waitFor();
  await see(page, "suppressions-imported");
  await page.getByRole("link", { name: "Done" }).click();
  await page.getByRole("row", { name: /^bob@example\.com bounced/ }).waitFor();
  await page.getByRole("row", { name: /^carol@example\.com unsubscribed/ }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Export" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("suppressions.csv");
  const text = await Bun.file((await download.path())!).text();
  expect(text).toMatch(/^email,origin,source_id,created_at,expires_at\r\n/);
  expect(text).toContain("carol@example.com,unsubscribe,");
});

test("what is no list of addresses is refused, and nothing of it is kept", async () => {
  const page = await open("/admin/suppressions/import");
  await page.getByLabel("File").setInputFiles({
    name: "a.csv",
    mimeType: "text/csv",
    buffer: Buffer.from("name,city\nAda,London\n"),
  });
  await page.getByRole("button", { name: "Import" }).click();
  await page.getByRole("alert").getByText("CSV missing required email column").waitFor();
  await see(page, "suppressions-import-mistake");
});

test("a file that another site sends is not read", async () => {
  const page = await open("/admin/suppressions/import");
  const status = await page.evaluate(async () => {
    const body = new FormData();
    body.set("file", new File(["evil@example.com"], "a.csv"));
    const path = "/admin/suppressions/import?streamed=1";
    const wrong = await fetch(`${path}&csrf=wrong`, { method: "POST", body });
    const none = await fetch(path, { method: "POST", body });
    return [wrong.status, none.status];
  });
  expect(status).toEqual([403, 403]);
});

test("a list that is long is searched as one types, and goes on as one scrolls", async () => {
  for (let at = 0; at < 120; at += 60) {
    const emails = Array.from({ length: 60 }, (_, n) => `long${String(at + n).padStart(3, "0")}@example.com`);
    await api("POST", "/suppressions/batch/add", { emails });
  }
  // An address as a stranger's server may have written it into a report.
  using db = new Database(database);
  db.run("pragma busy_timeout = 5000"); // the server writes too
  db.run(
    `insert into suppressions (id, team_id, address, reason, created_at)
     select '01a22921-0000-7000-8000-000000000001', team_id, ?1, 'bounce', ?2 from suppressions limit 1`,
    [`"<img src=x onerror=alert(4)>"@example.com`, Date.now()],
  );
  const page = await open("/admin/suppressions?reason=manual");
  await page.getByText("long119@example.com", { exact: true }).waitFor();
  await page.locator("tr.more").scrollIntoViewIfNeeded();
  await page.getByText("long060@example.com", { exact: true }).waitFor();
  await see(page, "suppressions");
  await page.getByLabel("Reason").selectOption("");
  await page.getByLabel("Address begins with").pressSequentially("LONG0");
  await page.getByText("long000@example.com", { exact: true }).waitFor();
  await page.getByText("long119@example.com", { exact: true }).waitFor({ state: "hidden" });
  await page.locator("tr.more").scrollIntoViewIfNeeded();
  await page.getByText("long099@example.com", { exact: true }).waitFor();
  expect(await page.locator("tbody tr").count()).toBe(100);
  await page.getByLabel("Reason").selectOption("bounce");
  await page.getByText("No such suppression").waitFor();
  await see(page, "suppressions-none");
  await page.getByLabel("Address begins with").fill('"<img');
  await page.getByText('"<img src=x onerror=alert(4)>"@example.com').first().waitFor();
  expect(new URL(page.url()).searchParams.get("reason")).toBe("bounce");
});

test("an address is suppressed with the keyboard alone", async () => {
  const page = await open("/admin/suppressions");
  await page.getByRole("link", { name: "Add an address" }).focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Address").focus();
  await page.keyboard.type("keys@example.com");
  await focus(page, "Suppress the address");
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("The address is suppressed.").waitFor();
  expect(await api("GET", "/suppressions/keys@example.com")).toMatchObject({
    reason: "manual",
    expires_at: null,
  });
  expect(page.url()).toBe(`${mailit.url}/admin/suppressions`);
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
