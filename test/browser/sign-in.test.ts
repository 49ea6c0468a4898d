import { expect, test } from "bun:test";
import { account, scene, see, signIn } from "./browser.ts";

const { mailit, stranger, open } = await scene();

test("a stranger is led to sign in, and then to where they wanted to go", async () => {
  const context = await stranger();
  const page = await context.newPage();
  await page.goto(`${mailit.url}/admin/api-keys`);
  expect(new URL(page.url()).pathname).toBe("/admin/sign-in");
  await see(page, "sign-in");
  await page.getByLabel("Email").fill(account.email);
  await page.getByLabel("Password").fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("Wrong email or password.").waitFor();
  await see(page, "sign-in-wrong");
  await page.getByLabel("Password").fill(account.password);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${mailit.url}/admin/api-keys`);
  await page.getByRole("button", { name: `Account of ${account.name}` }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto(`${mailit.url}/admin/api-keys`);
  expect(new URL(page.url()).pathname).toBe("/admin/sign-in");
});

test("a form that another site sends changes nothing", async () => {
  const context = await stranger();
  await signIn(context, mailit.url);
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const send = (headers: Record<string, string>, fields: Record<string, string>) =>
    fetch(`${mailit.url}/admin/api-keys`, {
      method: "POST",
      headers: { cookie, "content-type": "application/x-www-form-urlencoded", ...headers },
      body: new URLSearchParams({ name: "Theirs", permission: "full_access", ...fields }),
    });
  expect((await send({ origin: "https://elsewhere.example" }, {})).status).toBe(403);
  expect((await send({ "sec-fetch-site": "cross-site" }, {})).status).toBe(403);
  expect((await send({}, { csrf: "guessed" })).status).toBe(403);
  const page = await open("/admin/api-keys");
  expect(await page.getByRole("row", { name: "Theirs" }).count()).toBe(0);
});

test("the switch of colours holds from page to page", async () => {
  const page = await open("/admin/api-keys");
  await page.emulateMedia({ colorScheme: "light" });
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.getByRole("button", { name: "Colours" }).click();
  await page.getByRole("button", { name: "Dark" }).click();
  await page.waitForFunction((was) => getComputedStyle(document.body).backgroundColor !== was, light);
  await page.reload();
  expect(await paper()).not.toBe(light);
  await page.getByRole("button", { name: "Colours" }).click();
  await page.getByRole("button", { name: "As the system" }).click();
  await page.waitForFunction((was) => getComputedStyle(document.body).backgroundColor === was, light);
});
