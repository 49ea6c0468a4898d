import { expect, setDefaultTimeout, test } from "bun:test";
import { startInternet } from "../e2e/internet.ts";
import { account, emptyScene, type Page, see } from "./browser.ts";

// The one story looks at nine pages in three ways, which takes long on a busy machine.
setDefaultTimeout(300_000);

const { mailit, stranger } = await emptyScene();
const hostile = `<img src=x onerror=alert(1)> "&'`;

async function fillAccount(page: Page, email = account.email): Promise<void> {
  await page.getByLabel("Your name").fill(hostile);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(account.password);
  await page.getByLabel("Team").fill("<script>alert(1)</script>");
  await page.getByRole("button", { name: "Create the account" }).click();
}

test("from an empty server to a delivered email", async () => {
  const context = await stranger();
  const page = await context.newPage();
  await page.goto(`${mailit.url}/`);
  await page.getByRole("link", { name: "Make the first account" }).click();
  await page.waitForURL(`${mailit.url}/admin/first-run`);
  await page.goto(`${mailit.url}/admin/settings`);
  expect(new URL(page.url()).pathname).toBe("/admin/first-run");
  await see(page, "first-run");

  const second = await (await stranger()).newPage();
  await second.goto(`${mailit.url}/admin/first-run`);

  await page.getByLabel("Password").evaluate((field) => field.removeAttribute("minlength"));
  await page.getByLabel("Your name").fill("Ada");
  await page.getByLabel("Email").fill(account.email);
  await page.getByLabel("Password").fill("short");
  await page.getByLabel("Team").fill("Engines");
  await page.getByRole("button", { name: "Create the account" }).click();
  await page.locator("#password-mistake").waitFor();
  expect(await page.getByLabel("Team").inputValue()).toBe("Engines");
  await see(page, "first-run-mistake");
  await fillAccount(page);
  await page.waitForURL(`${mailit.url}/admin/first-run/domain`);

  // Whoever had the page open comes too late.
  await fillAccount(second, "eve@example.com");
  await second.waitForURL(`${mailit.url}/admin/sign-in`);

  await see(page, "first-run-domain");
  await page.getByLabel("Domain").fill("not a domain");
  await page.getByRole("button", { name: "Add the domain" }).click();
  await page.locator(".mistake").waitFor();
  await page.getByLabel("Domain").fill("engines.example");
  await page.getByRole("button", { name: "Add the domain" }).click();
  await page.getByRole("link", { name: "Continue" }).waitFor(); // verified meanwhile, without loading it again
  await see(page, "first-run-domain-verified");
  await page.getByRole("link", { name: "Continue" }).click();

  await page.waitForURL(`${mailit.url}/admin/first-run/key`);
  await see(page, "first-run-key");
  await page.getByLabel("Name").fill("<b>Key</b>");
  await page.getByRole("button", { name: "Create the key" }).click();
  const token = (await page.locator(".copyable code").textContent())!;
  expect(token).toMatch(/^re_/);
  const command = (await page.locator("pre").textContent())!;
  await see(page, "first-run-key-made");
  const ran = Bun.spawnSync(["/bin/sh", "-c", `${command} -sS`]);
  expect(JSON.parse(ran.stdout.toString())).toEqual({ id: expect.any(String) });

  // Whoever leaves comes back to the step they are at.
  await page.goto(`${mailit.url}/admin/first-run`);
  await page.waitForURL(`${mailit.url}/admin/first-run/email`);
  await see(page, "first-run-email");
  await page.getByLabel("To").fill("delivered@elsewhere.example");
  await page.getByRole("button", { name: "Send it" }).click();
  await page.getByRole("heading", { name: "Delivered" }).waitFor();
  await see(page, "first-run-delivered");
  expect(await page.getByRole("link", { name: "Go to the overview" }).getAttribute("href")).toBe("/admin");

  const twice = await context.newPage();
  await twice.goto(`${mailit.url}/admin/first-run/email`);
  await twice.getByLabel("To").fill("bounced@elsewhere.example");
  await twice.getByRole("button", { name: "Send it" }).click();
  await twice.getByRole("heading", { name: "It came back" }).waitFor();
  await see(twice, "first-run-bounced");
});

test("once there is an account nobody makes the first one again", async () => {
  const page = await (await stranger()).newPage();
  await page.goto(`${mailit.url}/admin/first-run`);
  expect(new URL(page.url()).pathname).toBe("/admin/sign-in");
  await page.goto(`${mailit.url}/admin/register`);
  await page.getByRole("heading", { name: "You may not do that" }).waitFor();
});

test("where anybody may register, the next account begins as the first did", async () => {
  const open = await emptyScene({ env: { MAILIT_AUTH_REGISTRATION: "open" } });
  const page = await (await open.stranger()).newPage();
  await page.goto(`${open.mailit.url}/admin/first-run`);
  await fillAccount(page);
  await page.waitForURL("**/admin/first-run/domain");
  const next = await (await open.stranger()).newPage();
  await next.goto(`${open.mailit.url}/admin/sign-in`);
  await next.getByRole("link", { name: "Register" }).click();
  await next.getByRole("button", { name: "Create the account" }).waitFor();
  await see(next, "register");
  await fillAccount(next, account.email);
  await next.getByText("already has an account").waitFor();
  await fillAccount(next, "eve@example.com");
  await next.waitForURL("**/admin/first-run/domain");
});

test("outside the sandbox the first domain waits for its records, which are looked up when one asks", async () => {
  const internet = await startInternet("engines.example");
  const server = await emptyScene({ args: ["serve"], env: internet.env });
  const page = await (await server.stranger()).newPage();
  await page.goto(`${server.mailit.url}/admin/first-run`);
  await fillAccount(page);
  await page.getByLabel("Domain").fill("engines.example");
  await page.getByRole("button", { name: "Add the domain" }).click();
  await page.getByText("Publish these records where the domain's DNS is kept.").waitFor();
  await see(page, "first-run-domain-waits");
  const rows = await page
    .getByRole("row")
    .filter({ has: page.locator("code") })
    .all();
  const records = await Promise.all(
    rows.map(async (row) => {
      const [, type, name, value] = await row.getByRole("cell").all();
      const [word, priority] = (await type!.textContent())!.trim().split(/\s+/);
      return {
        type: word!,
        name: `${await name!.locator("code").textContent()}.engines.example`,
        value: (await value!.locator("code").textContent())!,
        ...(priority !== undefined && { priority: Number(priority) }),
      };
    }),
  );
  internet.publish(records);
  await page.getByRole("button", { name: "Look them up now" }).click();
  await page.getByRole("link", { name: "Continue" }).waitFor();
});
