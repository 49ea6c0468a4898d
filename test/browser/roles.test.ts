import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import type { BrowserContext } from "playwright-core";
import { adminPages } from "../../src/admin/routes.ts";
import { placesOf } from "../../views/shell.tsx";
import { testApp } from "../support/test-app.ts";
import { scene, see, signIn } from "./browser.ts";
import { addDomain, sendTo, until } from "./sending.ts";

// Every page there is, one after the other, takes long on a busy machine.
setDefaultTimeout(300_000);

const here = await scene({ env: { MAILIT_RATE_LIMIT_LOGINS_PER_MINUTE: "1000" } });
const { api, mailit, stranger, open, database } = here;
const password = "correct horse battery staple";
const hostile = "<img src=x onerror=alert(1)>";

/** The same of everything, so that each kind of page has one to show. */
async function fill(): Promise<void> {
  const domainId = await addDomain(here);
  await api("PATCH", `/domains/${domainId}`, { capabilities: { sending: "enabled", receiving: "enabled" } });
  await api("POST", `/domains/${domainId}/verify`);
  await until(async () => (await api("GET", `/domains/${domainId}`)).status === "verified");
  const route = { match: "address", action: "store" };
  await api("POST", `/domains/${domainId}/routes`, { ...route, value: "first@example.com" });
  await api("POST", `/domains/${domainId}/routes`, { ...route, value: "second@example.com" });
  await api("POST", "/sandbox/inbound", { from: "eve@example.net", to: "x@example.com", subject: hostile });
  await until(async () => (await api("GET", "/emails/receiving")).data.length === 1);
  await sendTo(here, "bob@example.net", { subject: hostile });
  const later = new Date(Date.now() + 86_400_000).toISOString();
  const draft = { from: "Ada <ada@example.com>", to: "eve@example.net", subject: "Later", text: "Later" };
  await api("POST", "/emails", { ...draft, scheduled_at: later });
  await api("POST", "/contacts", { email: "carol@example.net", first_name: hostile });
  await api("POST", "/contacts", { email: "left@example.net", unsubscribed: true });
  await api("POST", "/contacts", { email: "erased@example.net" });
  const segment = await api("POST", "/segments", { name: "Friends" });
  await api("POST", `/contacts/carol@example.net/segments/${segment.id}`);
  const rules = { all: [{ field: "email", operator: "ends_with", value: "@example.net" }] };
  await api("POST", "/segments", { name: "By rules", rules });
  await api("POST", "/topics", { name: "News", default_subscription: "opt_in" });
  await api("POST", "/contact-properties", { key: "plan", type: "string" });
  await api("POST", "/suppressions", { email: "gone@example.net" });
  const text = { subject: hostile, html: "<p>Hello {{{name}}}</p>" };
  const variables = [{ key: "name", type: "string", fallback_value: "you" }];
  const template = await api("POST", "/templates", { name: "Welcome", ...text, variables });
  await api("POST", `/templates/${template.id}/publish`);
  await api("POST", "/broadcasts", {
    ...{ name: "May", segment_id: segment.id, from: "Ada <ada@example.com>", subject: hostile },
    html: "<p>Hello</p>",
  });
  await api("POST", "/webhooks", { endpoint: "https://hooks.example.com/", events: ["email.sent"] });
  await api("POST", "/team/invitations", { email: "asked@example.org", role: "viewer" });
  await api("DELETE", "/contacts/erased@example.net/data");
  // It takes logged requests away that pages would lead to.
  await until(async () => (await api("GET", "/contacts/erasures")).data[0].status === "completed");
  claim();
  const file = new FormData();
  file.set("begin", "false");
  file.set("file", new File(["email\nfile@example.net\n"], "people.csv"));
  const headers = { authorization: `Bearer ${here.key}` };
  await fetch(`${mailit.url}/contacts/imports`, { method: "POST", headers, body: file });
}

/** A claim of a domain that another team has; there is one team here. */
function claim(): void {
  const db = new Database(database);
  db.run("pragma busy_timeout = 5000"); // the server writes too
  db.run("pragma busy_timeout = 5000");
  db.run(
    `insert into domain_claims (id, team_id, name, token, status, wanted, domain_id, created_at, expires_at)
     select ?, team_id, 'claimed.example', 'token', 'pending', '{}', id, created_at, ? from domains limit 1`,
    [Bun.randomUUIDv7(), Date.now() + 86_400_000],
  );
  db.close();
}

/** Lets somebody look into Ada's team, and gives a browser that is theirs. */
async function letLook(email: string): Promise<BrowserContext> {
  const { url } = await api("POST", "/team/invitations", { email, role: "viewer" }); // no domain yet: not mailed
  const token = new URL(url).searchParams.get("token")!;
  const body = new URLSearchParams({ token, name: hostile, password });
  await fetch(`${mailit.url}/admin/invitation`, { method: "POST", body, redirect: "manual" });
  const context = await stranger();
  await signIn(context, mailit.url, { email, password, name: hostile });
  return context;
}

const looker = await letLook("vera@example.org");
await fill();

const uuid = /[0-9a-f]{8}-[0-9a-f-]{27}/g;
/** Addresses of one page with other things in it are one kind. */
const kindOf = (path: string) => path.replaceAll(uuid, ":id").replace(/msg_\w+/g, ":event");

/** Every kind of page that links lead to from the navigation on, each with one address. */
async function crawl(visit: (path: string) => Promise<string[]>): Promise<string[]> {
  const waiting = placesOf(true).map(({ path }) => path);
  const seen = new Map<string, string>();
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const kind = kindOf(path);
    // Of what was sent and what is scheduled, drafts and rules, pages differ: three of a kind are looked at.
    const times = [1, 2, 3].find((n) => !seen.has(`${kind}#${n}`));
    if (times === undefined || [...seen.values()].includes(path)) continue;
    seen.set(`${kind}#${times}`, path);
    waiting.push(...(await visit(path)));
  }
  return [...new Set([...seen.keys()].map((key) => key.split("#")[0]!))];
}

/** Which links of a page lead to pages of the admin, without what was asked of them. */
const linksIn = (hrefs: string[]) =>
  hrefs
    .map((href) => new URL(href))
    .flatMap(({ origin, pathname }) =>
      origin === mailit.url &&
      pathname.startsWith("/admin") &&
      !/export|download|\.eml|\/raw$|csv|errors$/.test(pathname)
        ? [pathname]
        : [],
    );

/** What changes only what is the person's own. */
const own = /^\/admin\/settings\/(account|teams)(\/|$)/;

test("who may only look sees every page, and on none of them a form or button that writes", async () => {
  const page = await looker.newPage();
  const kinds = await crawl(async (path) => {
    const answer = await page.goto(`${mailit.url}${path}`);
    if (!/^text\/html/.test(answer!.headers()["content-type"] ?? "")) return [];
    // What the sandbox took of an invitation has its link, which would make somebody else of whoever reads it.
    if (path.startsWith("/admin/sandbox/") && answer!.status() === 403) return [];
    expect({ path, status: answer!.status() }).toEqual({ path, status: 200 });
    const main = page.locator("main");
    const writes = await main
      .locator('form[method="post"]')
      .evaluateAll((forms) => forms.map((form) => new URL((form as HTMLFormElement).action).pathname));
    expect({ path, writes: writes.filter((each) => !own.test(each)) }).toEqual({ path, writes: [] });
    const buttons = await main
      .locator('button[type="submit"]:visible, [hx-post]:visible:not(:disabled), [hx-delete]:visible')
      .evaluateAll((found) =>
        found.filter((each) => !each.closest("form")).map((each) => each.outerHTML.slice(0, 100)),
      );
    expect({ path, buttons }).toEqual({ path, buttons: [] });
    const hrefs = await page
      .locator("a[href]")
      .evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).href));
    return linksIn(hrefs);
  });
  for (const each of [
    "api-keys/:id",
    "contacts/:id",
    "templates/:id",
    "broadcasts/:id",
    "segments/:id",
    "emails/:id",
  ]) {
    expect(kinds).toContain(`/admin/${each}`);
  }
  expect(kinds.filter((kind) => /\/new$/.test(kind))).toEqual([]);
  expect(kinds.length).toBeGreaterThan(45);

  for (const [table, path] of [
    ["templates", "templates"],
    ["segments", "segments"],
    ["contacts", "contacts"],
    ["domains", "domains"],
    ["broadcasts", "broadcasts"],
    ["api_keys", "api-keys"],
  ] as const) {
    const [id] = rowsOf(`select id from ${table} order by id desc limit 1`);
    await page.goto(`${mailit.url}/admin/${path}/${id}`);
    await see(page, `viewer-${path}`);
  }
  for (const path of ["contacts/new", "emails/new", "contacts"]) {
    await page.goto(`${mailit.url}/admin/${path}`);
    await see(page, `viewer-${path.replace("/", "-")}`);
  }
});

/** The first column of what a query finds. */
function rowsOf(query: string): string[] {
  const db = new Database(database, { readonly: true });
  const rows = db
    .query(query)
    .values()
    .map(([first]) => String(first));
  db.close();
  return rows;
}

/** All rows of the product's tables; not the machine's own, which go on by themselves. */
function everything(): Record<string, unknown[]> {
  const db = new Database(database, { readonly: true });
  const own =
    /^(sqlite_|jobs|logs|sign_ins|lanes|readiness|erasures|erased_|unnamed_blobs|email_search|idempotency)/;
  const tables = rowsOf("select name from sqlite_master where type = 'table'").filter(
    (name) => !own.test(name),
  );
  const all = Object.fromEntries(tables.map((name) => [name, db.query(`select * from "${name}"`).values()]));
  db.close();
  return all;
}

/** One id of each thing that addresses of writes name. */
function idFor(path: string, name: string): string {
  const first = (query: string) => rowsOf(query)[0] ?? crypto.randomUUID();
  if (name === "deliveryId") return first("select id from deliveries order by id limit 1");
  if (name === "eventId") return first("select id from webhook_events limit 1");
  if (name === "versionId") return first("select id from template_versions limit 1");
  if (name === "segmentId") return first("select id from segments where rules is null");
  if (name === "contactId") return first("select id from contacts");
  const tables: [RegExp, string][] = [
    [/^\/admin\/api-keys/, "api_keys"],
    [/^\/admin\/broadcasts/, "broadcasts"],
    [/^\/admin\/contacts\/imports/, "contact_imports"],
    [/^\/admin\/contacts/, "contacts"],
    [/^\/admin\/domains\/claims/, "domain_claims"],
    [/^\/admin\/domains/, "domains"],
    [/^\/admin\/emails\/:id\/(cancel|reschedule)/, "emails where scheduled_at is not null"],
    [/^\/admin\/emails/, "emails order by id limit 1"],
    [/^\/admin\/receiving\/routes\/:id\/up/, "inbound_routes order by position desc"],
    [/^\/admin\/receiving\/routes/, "inbound_routes order by position"],
    [/^\/admin\/receiving/, "inbound_emails"],
    [/^\/admin\/settings\/invitations/, "invitations"],
    [/^\/admin\/segments/, "segments where rules is null"],
    [/^\/admin\/properties/, "contact_properties"],
    [/^\/admin\/suppressions/, "suppressions"],
    [/^\/admin\/templates/, "templates"],
    [/^\/admin\/topics/, "topics"],
    [/^\/admin\/webhooks/, "webhooks"],
  ];
  if (path.startsWith("/admin/settings/members")) return first("select user_id from memberships");
  const table = tables.find(([prefix]) => prefix.test(path))?.[1];
  if (table === undefined) throw new Error(`say of what ${path} has the id`);
  return first(`select id from ${table}`);
}

/** Writes that are no writes, and those of what is the person's own: these a viewer may send. */
const allowed = [
  ...[
    "/admin/sign-in",
    "/admin/sign-out",
    "/admin/team",
    "/admin/theme",
    "/admin/register",
    "/admin/first-run",
  ],
  ...["/admin/invitation", "/admin/settings/teams", "/admin/segments/build", "/admin/segments/preview"],
  ...["/admin/templates/:id/preview", "/admin/templates/:id/preview/frame"],
  ...["/admin/broadcasts/:id/preview", "/admin/broadcasts/:id/preview/frame"],
];

/** What would be written, if it were. */
const fields = {
  ...{
    name: "Theirs",
    email: "eve@example.net",
    address: "eve@example.net",
    subject: "Theirs",
    html: "<p>x</p>",
  },
  ...{ from: "Ada <ada@example.com>", to: "eve@example.net", text: "x", key: "theirs", type: "string" },
  ...{
    endpoint: "https://eve.example.com/",
    event: "email.sent",
    events: "email.sent",
    permission: "full_access",
  },
  ...{
    default_subscription: "opt_in",
    visibility: "private",
    reason: "manual",
    role: "admin",
    unsubscribed: "true",
  },
  ...{
    scheduled_at: "in 2 days",
    expires_in: "1 hour",
    kind: "static",
    act: "cancel",
    lane: "eve",
    sending: "on",
  },
};
/** What only some of them take; the first route can't go up, nor the second down. */
const more: Record<string, Record<string, string>> = {
  "/admin/segments/:id/members": { email: "left@example.net" },
  "/admin/contacts/:id/segments": { segment: idFor("/admin/segments", "id") },
  "/admin/first-run/domain": { name: "theirs.example" },
  "/admin/first-run/domain/check": { id: idFor("/admin/domains", "id") },
  "/admin/receiving/routes": {
    ...{ domain: idFor("/admin/domains", "id"), match: "address", value: "c@example.com", action: "drop" },
  },
  "/admin/receiving/routes/:id": { match: "address", value: "c@example.com", action: "drop" },
  "/admin/broadcasts/:id": { segment_id: idFor("/admin/segments", "id") },
  "/admin/webhooks/:id/replay": { from: "", type: "" },
  "/admin/queue/act": { all: "1", expected_count: "0", act: "cancel" },
};

test("what a viewer sends to any write of the admin is refused, and changes nothing", async () => {
  const page = await looker.newPage();
  await page.goto(`${mailit.url}/admin/settings/account`);
  const csrf = await page.locator('main input[name="csrf"]').first().inputValue();
  await page.close();
  const routes = adminPages(await testApp()).routes.filter(({ method }) => method !== "GET");
  const paths = [...new Set(routes.map(({ path }) => path))].filter(
    (path) => !allowed.includes(path) && !path.startsWith("/admin/settings/account/"),
  );
  expect(paths.length).toBeGreaterThan(70);
  await until(async () => (await api("GET", "/emails?limit=1")).data.length === 1);
  const before = everything();
  const wrong: Record<string, string> = {};
  for (const path of paths) {
    const target = path.replaceAll(/:(\w+)/g, (_, name: string) => idFor(path, name));
    const answer = await looker.request.post(`${mailit.url}${target}`, {
      form: { ...fields, ...more[path], csrf },
      maxRedirects: 0,
    });
    const isSaid = /Your role in this team is viewer/.test(await answer.text());
    // Once there is a domain, that step shows it and no form beside which a mistake could be said.
    const isFine = [403, 422].includes(answer.status()) && (isSaid || path === "/admin/first-run/domain");
    if (!isFine) wrong[path] = `${answer.status()}${isSaid ? "" : ", and does not say why"}`;
  }
  expect(wrong).toEqual({});
  expect(everything()).toEqual(before);
});

test("an owner's pages have the buttons that a viewer's have not", async () => {
  for (const [path, name] of [
    ["/admin/contacts", "Add a contact"],
    ["/admin/emails", "New email"],
  ] as const) {
    const [page, theirs] = [await open(path), await looker.newPage()];
    await theirs.goto(`${mailit.url}${path}`);
    expect(await page.getByRole("link", { name }).count()).toBeGreaterThan(0);
    expect(await theirs.getByRole("link", { name }).count()).toBe(0);
    await theirs.close();
  }
});
