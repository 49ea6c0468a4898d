import { expect, test } from "bun:test";
import type { BrowserContext } from "playwright-core";
import { account, emptyScene, scene, see, signIn } from "./browser.ts";

const { api, mailit, stranger, elsewhere, open } = await scene({
  env: { MAILIT_RATE_LIMIT_LOGINS_PER_MINUTE: "1000" },
});

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

test("a session that has been revoked is over in every tab, and signing in makes a new one", async () => {
  const context = await stranger();
  await context.addCookies([
    { name: "mailit_session", value: "planted", url: `${mailit.url}/admin`, httpOnly: true },
  ]);
  await signIn(context, mailit.url);
  const [first] = await sessionsOf(context);
  expect(first!.value).not.toBe("planted"); // session fixation
  const page = await context.newPage();
  await page.goto(`${mailit.url}/admin/settings/account`);

  const other = await open("/admin/settings/account");
  await other.getByRole("button", { name: "Sign out all others" }).click();
  await other.getByRole("button", { name: "Sign them out" }).click();
  await other.getByRole("status").getByText("All other browsers are signed out.").waitFor();
  await page.reload();
  expect(new URL(page.url()).pathname).toBe("/admin/sign-in");

  await signIn(context, mailit.url);
  const [second] = await sessionsOf(context);
  expect(second!.value).not.toBe(first!.value);
  const old = await fetch(`${mailit.url}/admin/settings`, {
    headers: { cookie: `mailit_session=${first!.value}` },
    redirect: "manual",
  });
  expect(old.headers.get("location")).toStartWith("/admin/sign-in");
});

test("a live page whose sign-in has ended says so, and asks no more", async () => {
  const page = await elsewhere(); // it logs that it was refused, as it should
  await page.context().clearCookies();
  await signIn(page.context(), mailit.url);
  const live = page.waitForResponse(/\/admin\/queue\/live$/);
  await page.goto(`${mailit.url}/admin/queue`);
  await live;
  const other = await open("/admin/settings/account");
  await other.getByRole("button", { name: "Sign out all others" }).click();
  await other.getByRole("button", { name: "Sign them out" }).click();
  await page.getByRole("status").getByText("You are signed out").waitFor();
  expect(await page.getByText("Not live").count()).toBe(0);
  await see(page, "live-signed-out");
  await page.getByRole("link", { name: "Sign in again" }).click();
  await page.waitForURL(/\/admin\/sign-in\?to=%2Fadmin%2Fqueue$/);
  await page.context().close();
});

test("whoever is signed out while they write loses nothing of it, and nothing of what others saved meanwhile", async () => {
  const email = "written@example.org";
  const { id } = await api("POST", "/contacts", { email, first_name: "Ada", last_name: "Byron" });
  const context = await stranger();
  await signIn(context, mailit.url);
  const page = await context.newPage();
  await page.goto(`${mailit.url}/admin/contacts/${id}`);
  await page.getByLabel("First name").fill("Augusta Ada");
  await api("PATCH", `/contacts/${id}`, { last_name: "Lovelace" });
  await context.clearCookies();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
  await see(page, "signed-out");
  const [tab] = await Promise.all([
    context.waitForEvent("page"),
    page.getByRole("link", { name: "Sign in in another tab" }).click(),
  ]);
  await tab.getByRole("heading", { name: "Sign in" }).waitFor();
  await tab.close();
  await signIn(context, mailit.url);
  await page.goBack();
  expect(await page.getByLabel("First name").inputValue()).toBe("Augusta Ada");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("status").getByText("Saved.").waitFor();
  expect(await api("GET", `/contacts/${id}`)).toMatchObject({
    ...{ first_name: "Augusta Ada", last_name: "Lovelace" },
  });
});

test("a form of a page that shows another team than the one one looks at by now acts on neither", async () => {
  const page = await open("/admin/settings");
  await page.getByLabel("Name of the new team").fill("Wheels");
  await page.getByRole("button", { name: "Create the team" }).click();
  await page.getByRole("status").getByText("This is Wheels").waitFor();
  const other = await open("/admin/settings");
  await other.getByRole("button", { name: "Wheels", exact: true }).click();
  await other.locator("#teams button:not([aria-current])").click();
  await other.waitForURL(/\/admin$/);
  await page.getByLabel("Name", { exact: true }).fill("Not this one");
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByText("you have changed to the team").waitFor();
  await see(page, "other-team");
});

test.each([
  "//evil.example",
  "https://evil.example",
  "/\\evil.example",
  "/admin//evil.example",
  "/admin/../../evil",
  "javascript:alert(1)",
  "/admin\r\nSet-Cookie: a=b",
  "/emails",
])("after signing in nobody is led to %j", async (to) => {
  const answer = await fetch(`${mailit.url}/admin/sign-in`, {
    method: "POST",
    body: new URLSearchParams({ email: account.email, password: account.password, to }),
    redirect: "manual",
  });
  expect(answer.status).toBe(303);
  const led = new URL(answer.headers.get("location")!, mailit.url);
  expect(led.origin).toBe(mailit.url);
  expect(led.pathname).toMatch(/^\/admin($|\/)/);
  expect(answer.headers.getSetCookie()).toEqual([expect.stringMatching(/^mailit_session=/)]);
});

test("the session's cookie is out of reach for scripts and other sites, and goes over TLS where there is TLS", async () => {
  const cookieAt = async (url: string) => {
    const answer = await fetch(`${url}/admin/sign-in`, {
      method: "POST",
      body: new URLSearchParams({ email: account.email, password: account.password }),
      redirect: "manual",
    });
    return answer.headers.getSetCookie().find((each) => each.includes("mailit_session="))!;
  };
  const plain = await cookieAt(mailit.url);
  expect(plain).toMatch(/; Path=\/admin; HttpOnly; SameSite=Lax; Max-Age=\d+$/);

  const { mailit: secured } = await emptyScene({
    env: { MAILIT_SERVER_PUBLIC_URL: "https://mail.example.com", MAILIT_RATE_LIMIT_ENABLED: "false" },
  });
  const registered = await fetch(`${secured.url}/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...account, team_name: "Engines" }),
  });
  expect(registered.status).toBe(201);
  expect(await cookieAt(secured.url)).toMatch(
    /^__Host-mailit_session=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+; Secure$/,
  );
});

async function sessionsOf(context: BrowserContext) {
  return (await context.cookies(`${mailit.url}/admin`)).filter(({ name }) => name === "mailit_session");
}
