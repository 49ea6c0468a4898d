import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { type Page, scene, see } from "./browser.ts";

const { open, mailit, api, database } = await scene({ env: { MAILIT_AUTH_REGISTRATION: "open" } });

test("a domain is added, verified while one looks on, and sends", async () => {
  const page = await open("/admin/domains");
  await page.getByText("No domain yet").waitFor();
  await see(page, "domains-empty");
  await page.getByRole("link", { name: "Add a domain" }).first().click();
  await page.getByLabel("Domain", { exact: true }).fill("Example.COM");
  await page.getByText("Return path, tracking and TLS").click();
  await page.getByLabel("Track clicks").check();
  await see(page, "domains-new");
  await page.getByRole("button", { name: "Add the domain" }).click();

  await page.getByRole("heading", { name: "example.com", exact: true }).waitFor();
  await page.locator("#domain-standing").getByText("You can send from it.").waitFor();
  await page.locator("#domain-keys").getByText("signs", { exact: true }).first().waitFor();
  const tracking = page.locator(".record", { hasText: "Tracked links then stand under your own name" });
  expect(await tracking.getByText("links", { exact: true }).count()).toBe(1);
  await see(page, "domain-verified");

  await page.getByText("All records as a zone file").click();
  expect(await page.locator(".zone pre").textContent()).toContain(
    'send.example.com. IN TXT "v=spf1 a:mailit.test ~all"\n',
  );
  await see(page, "domain-zone");
  await page.goto(`${mailit.url}/admin/domains`);
  await page.getByRole("row", { name: "example.com verified nothing" }).waitFor();
  await see(page, "domains");
});

test("what was found is beside what is expected, whatever a stranger has published there", async () => {
  const { id } = await api("POST", "/domains", { name: "found.example.com" });
  const page = await open(`/admin/domains/${id}`);
  await page.getByText("Publish the records below, then have them looked up.").waitFor();
  const hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>";
  using db = new Database(database);
  db.run("pragma busy_timeout = 5000"); // the server writes too
  db.run(
    `insert into domain_checks (domain_id, host, type, status, found, reason, checked_at)
     values (?1, 'send.found.example.com', 'TXT', 'failed', ?2, ?3, ?4)`,
    [id, JSON.stringify([hostile]), `Found ${hostile}: publish the value shown instead.`, Date.now()],
  );
  const record = page.locator(".record", { hasText: "v=spf1 a:mailit.test ~all" });
  await record.getByText("wrong or missing").waitFor(); // without loading the page again
  expect(await record.locator(".found").textContent()).toBe(hostile);
  await see(page, "domain-wrong");
  await page.getByRole("button", { name: "Look up the records" }).click();
  await page.locator("#domain-standing").getByText("You can send from it.").waitFor();
});

test("keys are rotated: the new ones sign once they are found, and the old ones stay published", async () => {
  const { id } = await api("POST", "/domains", { name: "rotate.example.com" });
  await api("POST", `/domains/${id}/verify`);
  const page = await open(`/admin/domains/${id}`);
  await page.locator("#domain-standing").getByText("You can send from it.").waitFor();
  await page.reload(); // what rotation says depends on whether anything was signed
  await page.getByRole("button", { name: "Rotate the keys" }).click();
  await page.getByText("You get two more records to publish.").waitFor();
  await see(page, "domain-rotate");
  await page.getByRole("button", { name: "Make new keys" }).click();
  await page.getByRole("status").getByText("New keys are made.").waitFor();
  const keys = page.locator("#domain-keys");
  await keys.getByRole("row", { name: /^mailit-2 RSA 2048 signs/ }).waitFor();
  await keys.getByRole("row", { name: /^mailit RSA 2048 retired/ }).waitFor();
  await see(page, "domain-rotated");
});

test("settings are kept, and a mistake in them is said beside its field", async () => {
  const { id } = await api("POST", "/domains", { name: "settings.example.com" });
  const page = await open(`/admin/domains/${id}`);
  const settings = page.locator("#settings");
  await settings.getByLabel("Track opens").check();
  await settings.getByLabel("Tracking subdomain").fill("send");
  await settings.getByRole("button", { name: "Save" }).click();
  await page.locator("#tracking_subdomain-mistake").getByText("return path").waitFor();
  expect(await settings.getByLabel("Track opens").isChecked()).toBe(true);
  await see(page, "domain-mistake");
  await settings.getByLabel("Tracking subdomain").fill("go");
  await settings.getByLabel("TLS").selectOption("enforced");
  await settings.getByLabel("Receiving").check();
  await settings.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").getByText("The settings are saved.").waitFor();
  expect(await api("GET", `/domains/${id}`)).toMatchObject({
    open_tracking: true,
    tracking_subdomain: "go",
    tls: "enforced",
    capabilities: { sending: "enabled", receiving: "enabled" },
  });
  await settings.getByLabel("Receiving").uncheck();
  await settings.getByLabel("Sending").uncheck();
  await settings.getByRole("button", { name: "Save" }).click();
  await settings.getByText("At least one of sending and receiving must be enabled").waitFor();
});

test("a domain goes with the keys that are held to it, and says so before", async () => {
  const { id } = await api("POST", "/domains", { name: "gone.example.com" });
  const name = "<img src=x onerror=alert(3)>";
  await api("POST", "/api-keys", { name, permission: "sending_access", domain_id: id });
  const page = await open(`/admin/domains/${id}`);
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await page.getByText(`One API key that may send from it alone is revoked: ${name}.`).waitFor();
  await see(page, "domain-remove");
  await page.getByRole("button", { name: "Remove the domain" }).click();
  await page.getByRole("status").getByText("gone.example.com is removed.").waitFor();
  expect(await page.getByRole("link", { name: "gone.example.com" }).count()).toBe(0);
});

test("a name that is no domain is refused beside its field", async () => {
  const page = await open("/admin/domains/new");
  await page.getByLabel("Domain", { exact: true }).fill("<script>alert(4)</script>");
  await page.getByRole("button", { name: "Add the domain" }).click();
  await page.locator("#name-mistake").getByText("It must be a domain name such as example.com").waitFor();
  expect(await page.getByLabel("Domain", { exact: true }).inputValue()).toBe("<script>alert(4)</script>");
  await see(page, "domains-new-mistake");
});

test("a domain that another team has is claimed, and the claim taken back, with the keyboard alone", async () => {
  const rivals = await registerOthers();
  await addAs(rivals, "claimed.example.com");
  const page = await open("/admin/domains/new");
  await page.getByLabel("Domain", { exact: true }).focus();
  await page.keyboard.type("claimed.example.com");
  await page.keyboard.press("Enter");
  await page.getByText("Another team on this server has added").waitFor();
  await see(page, "domains-claimable");
  await focus(page, "Claim the domain");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Claim to claimed.example.com" }).waitFor();
  await page.getByText(/^mailit-domain-verification=/).waitFor();
  await see(page, "domain-claim");
  await page.goto(`${mailit.url}/admin/domains`);
  await page.getByRole("link", { name: "claimed.example.com" }).focus();
  await page.keyboard.press("Enter");
  await focus(page, "Take back");
  await page.keyboard.press("Enter");
  await see(page, "domain-claim-cancel");
  await focus(page, "Take the claim back");
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("The claim to claimed.example.com is taken back.").waitFor();
  await page.goto(`${mailit.url}/admin/domains/claims`);
  await page.getByRole("row", { name: "claimed.example.com canceled" }).waitFor();
  await see(page, "domain-claims");
});

test("a claim is completed while one looks on, where its holder does not use the domain", async () => {
  await addAs(await registerOthers(), "idle.example.com");
  const page = await open("/admin/domains/new");
  await page.getByLabel("Domain", { exact: true }).fill("idle.example.com");
  await page.getByRole("button", { name: "Add the domain" }).click();
  await page.getByRole("button", { name: "Claim the domain" }).click();
  await page.getByRole("button", { name: "Look for the record" }).click();
  await page.getByText("The domain is yours.").waitFor();
  await page.getByRole("link", { name: "See its records" }).click();
  await page.getByRole("heading", { name: "idle.example.com", exact: true }).waitFor();
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

let others = 0;
async function registerOthers(): Promise<string> {
  const answer = await fetch(`${mailit.url}/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      email: `rival${++others}@example.com`,
      password: "another horse battery staple",
      name: "Rival",
      team_name: "Rivals",
    }),
  });
  return ((await answer.json()) as { token: string }).token;
}

async function addAs(token: string, name: string): Promise<void> {
  const answer = await fetch(`${mailit.url}/domains`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ name }),
  });
  expect(answer.status).toBe(201);
}
