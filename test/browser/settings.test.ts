import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import type { BrowserContext } from "playwright-core";
import { account, type Page, scene, see, signIn } from "./browser.ts";

// Each looks at several pages in three ways, which takes long on a busy machine.
setDefaultTimeout(300_000);

const { open, mailit, api, stranger, database } = await scene({
  env: { MAILIT_RATE_LIMIT_LOGINS_PER_MINUTE: "1000" },
});
const hostile = `<img src=x onerror=alert(1)>`;
const password = "correct horse battery staple";

const settings = {
  team: "/admin/settings",
  members: "/admin/settings/members",
  invitations: "/admin/settings/invitations",
  sending: "/admin/settings/sending",
  audit: "/admin/settings/audit-log",
  account: "/admin/settings/account",
};

/** Lets somebody into Ada's team, and gives a browser that is theirs. */
async function join(email: string, role: string, name = role): Promise<BrowserContext> {
  const { url } = await api("POST", "/team/invitations", { email, role: role === "owner" ? "admin" : role });
  const token = url === null ? await mailedToken(email) : new URL(url).searchParams.get("token")!;
  const joined = await fetch(`${mailit.url}/admin/invitation`, {
    method: "POST",
    body: new URLSearchParams({ token, name, password }),
    redirect: "manual",
  });
  expect(joined.status).toBe(303);
  const context = await stranger();
  await signIn(context, mailit.url, { email, password, name });
  return context;
}

/** The token in the mail that the sandbox took for an address, once it has. */
async function mailedToken(email: string): Promise<string> {
  for (;;) {
    const { data } = await api("GET", "/sandbox/messages");
    const message = data.find(({ to }: { to: string[] }) => to.includes(email));
    if (!message) continue;
    const { raw } = await api("GET", `/sandbox/messages/${message.id}`);
    const text = String(raw).replaceAll("=\r\n", "").replaceAll("=3D", "=");
    return /\/admin\/invitation\?token=([\w-]{43})/.exec(text)![1]!;
  }
}

const says = (page: Page, text: string) => page.getByRole("status").getByText(text).waitFor();

test("without a verified domain an invitation's link is shown once, and lets one person in", async () => {
  const page = await open(settings.invitations);
  await see(page, "invitations-empty");
  await page.getByLabel("Email").fill("nobody");
  await page.getByLabel("Email").evaluate((field) => field.setAttribute("type", "text"));
  await page.getByRole("button", { name: "Send the invitation" }).click();
  await page.locator("#email-mistake").waitFor();
  await see(page, "invitations-mistake");
  await page.getByLabel("Email").fill("grace@example.org");
  await page.getByRole("button", { name: "Send the invitation" }).click();
  await page.getByText("no domain of this team is verified yet").waitFor();
  const link = (await page.locator(".copyable code").textContent())!;
  expect(link).toStartWith(`${mailit.url}/admin/invitation?token=`);
  await see(page, "invited");
  await page.getByRole("link", { name: "Done" }).click();
  await page.getByRole("row", { name: "grace@example.org" }).waitFor();
  await see(page, "invitations");
  expect(await page.content()).not.toContain(link.slice(-43));

  // Ada can't take it herself.
  const hers = await open(link.slice(mailit.url.length));
  await hers.getByText(`You are signed in as ${account.email}`).waitFor();
  await see(hers, "invitation-other");

  const grace = await (await stranger()).newPage();
  await grace.goto(link);
  await see(grace, "invitation-new");
  await grace.getByLabel("Your name").fill(hostile);
  await grace.getByLabel("Choose a password").fill(password);
  await grace.getByRole("button", { name: "Join the team" }).click();
  await grace.waitForURL(`${mailit.url}/admin`);
  await grace.goto(`${mailit.url}${settings.team}`);
  await grace.getByText("You are developer of Engines.").waitFor();

  await page.goto(link);
  await page.getByRole("heading", { name: "This invitation does not work any more" }).waitFor();
  await see(page, "invitation-none");
});

test("from a verified domain it is mailed; whoever has an account joins with it", async () => {
  const theirs = new Database(database, { readonly: true });
  // In a browser of its own: the other stories stay in the team they are in.
  const context = await stranger();
  await signIn(context, mailit.url);
  const page = await context.newPage();
  await page.goto(`${mailit.url}${settings.team}`);
  await page.getByLabel("Name of the new team").fill("Wheels");
  await page.getByRole("button", { name: "Create the team" }).click();
  await says(page, "This is Wheels, of which you are the owner.");
  await see(page, "team-new");
  await page.goto(`${mailit.url}/admin/first-run/domain`);
  await page.getByLabel("Domain").fill("wheels.example");
  await page.getByRole("button", { name: "Add the domain" }).click();
  await page.getByRole("link", { name: "Continue" }).waitFor();

  await page.goto(`${mailit.url}${settings.invitations}`);
  await page.getByLabel("Email").fill("grace@example.org");
  await page.getByLabel("Role").selectOption("admin");
  await page.getByRole("button", { name: "Send the invitation" }).click();
  await says(page, "The invitation is on its way to grace@example.org.");
  await page.reload(); // what is told is told once
  await page.getByRole("button", { name: "Send again to grace@example.org" }).click();
  await says(page, "The invitation is on its way to grace@example.org.");
  const mailed = theirs.query<{ n: number }, []>("select count(*) as n from emails").get()!.n;
  expect(mailed).toBe(2);
  const { text } = theirs
    .query<{ text: string }, []>("select text from contents order by id desc limit 1")
    .get()!;
  theirs.close();
  const link = /http\S+token=[\w-]{43}/.exec(text)![0];

  const grace = await (await stranger()).newPage();
  await grace.goto(link);
  await see(grace, "invitation-password");
  await grace.getByLabel("Your password").fill("wrong horse");
  await grace.getByRole("button", { name: "Join the team" }).click();
  await grace.getByRole("alert").getByText("Wrong email or password.").waitFor();
  await grace.getByLabel("Your password").fill(password);
  await grace.getByRole("button", { name: "Join the team" }).click();
  await grace.waitForURL(`${mailit.url}/admin`);
  await grace.goto(`${mailit.url}${settings.team}`);
  await grace.getByText("You are admin of Wheels.").waitFor();

  // Somebody who is signed in as whom it is for joins with one press.
  await page.goto(`${mailit.url}${settings.members}`);
  await page.getByRole("row", { name: "grace@example.org" }).getByRole("button", { name: "Remove" }).click();
  await page.getByRole("button", { name: "Remove from the team" }).click();
  await says(page, "is no longer in this team.");
  await grace.reload();
  expect(new URL(grace.url()).pathname).toBe("/admin/sign-in");
  await page.goto(`${mailit.url}${settings.invitations}`);
  await page.getByLabel("Email").fill("grace@example.org");
  await page.getByRole("button", { name: "Send the invitation" }).click();
  await says(page, "The invitation is on its way");
  const again = new Database(database, { readonly: true });
  const sent = again.query<{ text: string }, []>("select text from contents order by id desc limit 1").get()!;
  again.close();
  await signIn(grace.context(), mailit.url, { email: "grace@example.org", password, name: "Grace" });
  await grace.goto(/http\S+token=[\w-]{43}/.exec(sent.text)![0]);
  await see(grace, "invitation-join");
  await grace.getByRole("button", { name: "Join the team" }).click();
  await grace.waitForURL(`${mailit.url}/admin`);
  await grace.goto(`${mailit.url}${settings.team}`);
  await grace.getByText("You are developer of Wheels.").waitFor();
});

test("an invitation is taken back", async () => {
  await api("POST", "/team/invitations", { email: "gone@example.org", role: "viewer" });
  const page = await open(settings.invitations);
  await page
    .getByRole("row", { name: "gone@example.org" })
    .getByRole("button", { name: "Take back" })
    .click();
  await see(page, "invitation-take-back");
  await page.getByRole("button", { name: "Take it back" }).click();
  await says(page, "The invitation is taken back");
  expect(await page.getByRole("row", { name: "gone@example.org" }).count()).toBe(0);
});

test("a team is renamed, and keeps its name where the new one is none", async () => {
  const page = await open(settings.team);
  await see(page, "team");
  await page.getByLabel("Name", { exact: true }).fill("   ");
  await page.getByRole("button", { name: "Rename" }).click();
  await page.locator("#name-mistake").waitFor();
  await see(page, "team-mistake");
  await page.getByLabel("Name", { exact: true }).fill(hostile);
  await page.getByRole("button", { name: "Rename" }).click();
  await says(page, "The team is renamed.");
  await page.getByLabel("Name", { exact: true }).fill("Engines");
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByText("You are owner of Engines.").waitFor();
});

test("another team is made, and one goes from team to team at the head of the page", async () => {
  const page = await (await join("founder@example.org", "viewer")).newPage();
  await page.goto(`${mailit.url}${settings.team}`);
  const theirs = (await page.locator(".team").first().textContent())!;
  await page.getByLabel("Name of the new team").fill(hostile);
  await page.getByRole("button", { name: "Create the team" }).click();
  const head = page.locator("button.team");
  await head.getByText(hostile).click();
  await see(page, "teams");
  await page.locator("#teams").getByRole("button", { name: theirs }).click();
  await head.getByText(theirs).waitFor();
});

test("a viewer opens every page and changes nothing", async () => {
  const context = await join("viewer@example.org", "viewer", "Vera");
  const page = await context.newPage();
  const paths = [...Object.values(settings), "/admin/api-keys", "/admin/first-run/domain"];
  for (const path of [...paths, "/admin/first-run/key", "/admin/first-run/email"]) {
    const answer = await page.goto(`${mailit.url}${path}`);
    expect({ path, status: answer!.status() }).toEqual({ path, status: 200 });
  }
  await page.goto(`${mailit.url}${settings.members}`);
  expect(await page.getByRole("button", { name: /Remove|Change the role/ }).count()).toBe(0);
  await page.goto(`${mailit.url}${settings.invitations}`);
  expect(await page.getByRole("button", { name: "Send the invitation" }).count()).toBe(0);
  const sentence = "Your role in this team is viewer, and this takes";
  for (const [path, fields] of await writesOf()) {
    expect(await send(context, path, fields)).toMatchObject({ text: expect.stringContaining(sentence) });
  }
});

test("a developer can't touch people, nor make a key that could", async () => {
  const context = await join("developer@example.org", "developer", "Dora");
  const sentence = "Your role in this team is developer, and this takes admin";
  for (const [path, fields] of await writesOf()) {
    if (path === "/admin/first-run/key") continue;
    expect(await send(context, path, fields)).toMatchObject({ text: expect.stringContaining(sentence) });
  }
  expect((await send(context, "/admin/first-run/key", { name: "Sends" })).status).toBe(201);
});

test("an admin looks after people and can't touch owners; the last owner stays", async () => {
  const context = await join("admin@example.org", "admin", "Anna");
  const page = await context.newPage();
  await page.goto(`${mailit.url}${settings.members}`);
  const ada = page.getByRole("row", { name: account.email });
  expect(await ada.getByRole("button").count()).toBe(0);
  await see(page, "members-admin");
  const viewer = page.getByRole("row", { name: "viewer@example.org" });
  await viewer.getByRole("combobox").selectOption("developer");
  await viewer.getByRole("button", { name: "Change the role" }).click();
  await says(page, "Vera is developer from now on.");
  const { data } = await api("GET", "/team/members?limit=100");
  const owner = data.find(({ role }: { role: string }) => role === "owner").id;
  const sentence = "Your role in this team is admin, and this takes owner";
  for (const [path, fields] of [
    [`${settings.members}/${owner}/remove`, {}],
    [`${settings.members}/${owner}/role`, { role: "viewer" }],
  ] as const) {
    expect(await send(context, path, fields)).toMatchObject({
      status: 403,
      text: expect.stringContaining(sentence),
    });
  }

  const own = await open(settings.members);
  await see(own, "members");
  const adas = own.getByRole("row", { name: account.email });
  await adas.getByRole("combobox").selectOption("viewer");
  await adas.getByRole("button", { name: "Change the role" }).click();
  await own.getByText("last owner: make somebody else an owner first").waitFor();
  await own.goto(`${mailit.url}${settings.members}`);
  await adas.getByRole("button", { name: "Leave" }).click();
  await see(own, "members-leave");
  await own.getByRole("button", { name: "Leave the team" }).click();
  await own.getByText("last owner: make somebody else an owner first").waitFor();
  // Who is removed is out at once.
  await own.goto(`${mailit.url}${settings.members}`);
  await own.getByRole("row", { name: "admin@example.org" }).getByRole("button", { name: "Remove" }).click();
  await own.getByRole("button", { name: "Remove from the team" }).click();
  await says(own, "Anna is no longer in this team.");
  await page.reload();
  expect(new URL(page.url()).pathname).toBe("/admin/sign-in");
});

test("what was done is in the audit log, page after page", async () => {
  const context = await join("busy@example.org", "admin", hostile);
  for (let n = 0; n < 60; n++) {
    await api("PATCH", "/team", { name: "Engines" });
  }
  expect((await send(context, settings.team, { name: "Engines" })).status).toBe(200);
  const page = await open(settings.audit);
  await page.getByRole("row", { name: "busy@example.org Renamed the team to “Engines”" }).waitFor();
  await page
    .getByRole("row", { name: "busy@example.org Joined the team as admin" })
    .waitFor({ state: "detached" });
  await page.locator("tr.more").scrollIntoViewIfNeeded();
  await page.getByRole("row", { name: "busy@example.org Joined the team as admin" }).waitFor();
  await page.evaluate(() => window.scrollTo(0, 0));
  await see(page, "audit-log");
});

test("what to write into programs is there to copy, and no secret with it", async () => {
  const page = await open(settings.sending);
  await page.getByRole("row", { name: "retention.content" }).getByText("90d").waitFor();
  await page.getByRole("button", { name: "Copy the user name" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  await see(page, "sending");
});

test("one's own account: name, password, and the browsers one is signed in with", async () => {
  const context = await join("own@example.org", "viewer", "Olga");
  const page = await context.newPage();
  await page.goto(`${mailit.url}${settings.account}`);
  await page.getByLabel("Name").fill(hostile);
  await page.getByRole("button", { name: "Change the name" }).click();
  await says(page, "Your name is changed.");
  await page.getByRole("button", { name: `Account of ${hostile}` }).waitFor();

  const other = await (await stranger()).newPage();
  await signIn(other.context(), mailit.url, { email: "own@example.org", password, name: "Olga" });
  await page.reload();
  await see(page, "account");
  await page
    .getByRole("button", { name: /^Sign out Chrome on Linux at/ })
    .first()
    .click();
  await says(page, "That browser is signed out.");

  await page.getByLabel("Password now").fill("wrong horse");
  await page.getByLabel("New password").fill("another horse battery");
  await page.getByRole("button", { name: "Change the password" }).click();
  await page.locator("#old_password-mistake").waitFor();
  await see(page, "account-mistake");
  await signIn(other.context(), mailit.url, { email: "own@example.org", password, name: "Olga" });
  await page.getByLabel("Password now").fill(password);
  await page.getByLabel("New password").fill("another horse battery");
  await page.getByRole("button", { name: "Change the password" }).click();
  await says(page, "Your password is changed.");
  await other.goto(`${mailit.url}${settings.account}`);
  expect(new URL(other.url()).pathname).toBe("/admin/sign-in");
});

test("somebody is invited with the keyboard alone", async () => {
  const page = await open(settings.members);
  const press = async (name: string) => {
    for (let n = 0; n < 60; n++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((text) => document.activeElement?.textContent?.trim() === text, name)) break;
    }
    await page.keyboard.press("Enter");
  };
  await press("Invitations");
  await page.waitForURL(`${mailit.url}${settings.invitations}`);
  await page.getByLabel("Email").focus();
  await page.keyboard.type("keys@example.org");
  await page.keyboard.press("Tab");
  await page.keyboard.press("v"); // viewer
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Copy the link now" }).waitFor();
});

/** Every write of these pages that is about the team, as forms send it. */
async function writesOf(): Promise<(readonly [string, Record<string, string>])[]> {
  const { data } = await api("GET", "/team/members?limit=100");
  const member = data.find(({ role }: { role: string }) => role !== "owner").id;
  const { data: open } = await api("GET", "/team/invitations");
  const invitation =
    open[0]?.id ?? (await api("POST", "/team/invitations", { email: "kept@example.org", role: "viewer" })).id;
  return [
    [settings.team, { name: "Theirs" }],
    [`${settings.members}/${member}/role`, { role: "admin" }],
    [`${settings.members}/${member}/remove`, {}],
    [settings.invitations, { email: "eve@example.org", role: "admin" }],
    [`${settings.invitations}/${invitation}/resend`, {}],
    [`${settings.invitations}/${invitation}/take-back`, {}],
    ["/admin/api-keys", { name: "All", permission: "full_access" }],
    ["/admin/first-run/key", { name: "Sends" }],
  ];
}

/** Sends a form as a browser that is signed in does. */
async function send(context: BrowserContext, path: string, fields: Record<string, string>) {
  const page = await context.newPage();
  await page.goto(`${mailit.url}${settings.account}`);
  const csrf = await page.locator('input[name="csrf"]').first().inputValue();
  await page.close();
  const answer = await context.request.post(`${mailit.url}${path}`, { form: { ...fields, csrf } });
  return { status: answer.status(), text: await answer.text() };
}
