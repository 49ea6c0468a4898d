import { expect, spyOn, test } from "bun:test";
import { sql } from "drizzle-orm";
import { sendRaw } from "../../test/support/raw-http.ts";
import { addReceived } from "../../test/support/received-mail.ts";
import { type TestTeam, testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { findSignedIn, signIn } from "../accounts/sign-ins.ts";
import { insertMembership } from "../accounts/store.ts";
import { makeServer } from "../api/server.ts";
import { atomically } from "../app.ts";
import { uploadImport } from "../contacts/import-steps.ts";
import { IncomingFile } from "../contacts/imports.ts";
import { rawWrite } from "../db/write.ts";
import { listDeliveries } from "../emails/store.ts";
import { newId } from "../ids.ts";
import { invite } from "../invitations/service.ts";
import { flushKeyUse } from "../keys/authenticate.ts";
import { getLogs } from "../logs/read.ts";
import { flushLogs } from "../logs/record.ts";
import { startErasure } from "../people/erase.ts";
import { insertSandboxMessage } from "../sandbox/store.ts";
import { sendTestEvent } from "../webhooks/send-test.ts";
import { csrfToken } from "./csrf.ts";
import { adminPages, adminRoutes } from "./routes.ts";
import { isOfAnyTeam } from "./visit.ts";

// One team with one of everything, and another that knows all of its ids.
const app = await testApp({ sandbox: true, config: { rateLimit: { enabled: false } } });
const admin = adminPages(app).compile();
const { ask: askApi } = testServer(app);
const team = await testTeam(app);
const stranger = await testTeam(app);

type Person = { cookie: string; csrf: string };

function ask(path: string, who?: Person, body?: Record<string, string>, more: Record<string, string> = {}) {
  const form = body && new URLSearchParams(body).toString();
  const headers = {
    ...(who && { cookie: who.cookie }),
    ...(form !== undefined && {
      ...{ "content-type": "application/x-www-form-urlencoded", "content-length": String(form.length) },
    }),
    ...more,
  };
  const init = form === undefined ? { headers } : { method: "POST", headers, body: form };
  return app.acting.run({}, () => admin.handle(new Request(`http://mailit.test${path}`, init)));
}

async function personOf({ user, teamId }: TestTeam): Promise<Person> {
  const cookie = `mailit_session=${await signIn(app, user, teamId, { address: "192.0.2.1", userAgent: "" })}`;
  const page = await (await ask("/admin/settings", { cookie, csrf: "" })).text();
  return { cookie, csrf: /name="csrf" value="([^"]+)"/.exec(page)![1]! };
}

async function make(path: string, body: unknown): Promise<string> {
  const answer = await askApi("POST", path, { key: team.key, body });
  if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
  return answer.body.id;
}

async function makeImport(): Promise<string> {
  const file = await IncomingFile.open(app);
  try {
    await file.write(Buffer.from("email\nada@example.org\n"));
    return (await uploadImport(app, team.teamId, file, undefined)).id;
  } finally {
    await file.discard();
  }
}

const domain = await testDomain(app, team.teamId, "ours.example", { receiving: true });
await testDomain(app, stranger.teamId, "theirs.example");
const segment = await make("/segments", { name: "All" });
const contact = await make("/contacts", { email: "ada@example.org" });
const webhook = await make("/webhooks", { endpoint: "https://hooks.example.com/", events: ["*"] });
const template = await make("/templates", { name: "Welcome", subject: "Hi", html: "<p>Hi</p>" });
await make(`/templates/${template}/publish`, {});
const from = "hi@ours.example";
const email = await make("/emails", {
  from,
  to: "ada@example.org",
  subject: "Hi",
  html: "<p>Hi</p>",
  text: "Hi",
});
const [delivery] = await listDeliveries(app.db, team.teamId, email);
const broadcastFields = {
  segment_id: segment,
  from,
  subject: "News",
  html: "<p>News {{{RESEND_UNSUBSCRIBE_URL}}}</p>",
};
const sandboxed = newId();
await atomically(app, [
  insertSandboxMessage(app.db, {
    ...{ id: sandboxed, teamId: team.teamId, emailId: email, deliveryId: delivery!.id, isEncrypted: true },
    ...{ mailFrom: from, rcptTo: "ada@example.org", createdAt: app.now() },
    raw: Buffer.from(
      [
        'Subject: Hi\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n',
        "--b\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>\r\n--b",
        "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nHi\r\n--b--\r\n",
      ].join("\r\n"),
    ),
  }),
]);
await flushLogs(app);
const [log] = (await getLogs(app, team.teamId, {}, { limit: 1 })).rows;
const { invitation } = await invite(app, team.teamId, {
  ...{ email: "grace@example.org", role: "admin", invitedBy: team.email },
});
const suppression = await make("/suppressions", { email: "gone@example.org" });

/** By what an address begins with: the id of what it is about; the longest that fits counts. */
const subjects: Record<string, string> = {
  "/admin/api-keys/": team.keyId,
  "/admin/contacts/": contact,
  "/admin/contacts/imports/": await makeImport(),
  "/admin/contacts/erasures/": (await startErasure(app, team.teamId, "someone.else@example.org")).id,
  "/admin/segments/": segment,
  "/admin/topics/": await make("/topics", { name: "News", default_subscription: "opt_in" }),
  "/admin/properties/": await make("/contact-properties", { key: "city", type: "string" }),
  "/admin/emails/": email,
  "/admin/domains/": domain.id,
  "/admin/domains/claims/": await make("/domains/claims", { name: "theirs.example" }),
  "/admin/suppressions/": suppression,
  "/admin/webhooks/": webhook,
  "/admin/templates/": template,
  "/admin/broadcasts/": await make("/broadcasts", broadcastFields),
  "/admin/receiving/": await addReceived(app, team.teamId, {
    html: "<p>Hi</p>",
    text: "Hi",
  }),
  "/admin/receiving/routes/": await make(`/domains/${domain.id}/routes`, {
    match: "catch_all",
    action: "store",
  }),
  "/admin/sandbox/": sandboxed,
  "/admin/logs/": log!.id,
  "/admin/settings/members/": team.userId,
  "/admin/settings/invitations/": invitation.id,
};
// As of one that was sent: its recipient is the delivery below.
await atomically(app, [
  rawWrite("update broadcasts set email_id = ? where id = ?", [email, subjects["/admin/broadcasts/"]!]),
]);
const version = (await askApi("GET", `/templates/${template}/versions`, { key: team.key })).body.data[0].id;
const parts: Record<string, string> = {
  deliveryId: delivery!.id,
  eventId: await sendTestEvent(app, team.teamId, webhook),
  versionId: version,
  ...{ segmentId: segment, contactId: contact, index: "0" },
};

function addressOf(route: string): string {
  const start = Object.keys(subjects)
    .filter((each) => route.startsWith(`${each}:id`))
    .sort((one, other) => other.length - one.length)[0];
  if (start === undefined) throw new Error(`what is ${route} about?`);
  return route.replace(":id", subjects[start]!).replace(/:(\w+)/g, (_, name) => parts[name]!);
}

const routesOf = (method: string) => [
  ...new Set(admin.routes.filter((route) => route.method === method).map(({ path }) => path)),
];
const isAboutOne = (route: string) => route.includes("/:");

async function statusOf(answer: Response): Promise<number> {
  await answer.body?.cancel();
  return answer.status;
}

/** Everything there is in the database. */
async function everything(): Promise<string> {
  const tables = await app.db.all<[string]>(
    sql`select name from sqlite_master where type = 'table' and name not like 'email_search%' order by name`,
  );
  const rows = tables.map(([name]) => app.db.all(sql`select * from ${sql.identifier(name)}`));
  return JSON.stringify(await Promise.all(rows));
}

// Else they would be written meanwhile.
await Promise.all([flushLogs(app), flushKeyUse(app)]);
const owner = await personOf(team);
const other = await personOf(stranger);

/** These have nothing to show of what is there, or lead to where it is. */
const elsewhere = [
  "/admin/broadcasts/:id/live",
  "/admin/broadcasts/:id/recipients",
  "/admin/broadcasts/:id/links",
];

for (const route of routesOf("GET").filter(isAboutOne)) {
  test(`another team's page is not there: ${route}`, async () => {
    const path = `${addressOf(route)}?delivery=${delivery!.id}`;
    if (!elsewhere.includes(route)) expect(await statusOf(await ask(path, owner))).toBeLessThan(400);
    expect(await statusOf(await ask(path, other))).toBe(404);
    expect((await ask(path)).headers.get("location")).toStartWith("/admin/sign-in?to=");
  });

  test(`what is no id leads nowhere: ${route}`, async () => {
    for (const text of ["%E0%A4%A", "%00", "constructor", "__proto__", "..%2f..", "a".repeat(4000)]) {
      expect(await statusOf(await ask(route.replace(/:\w+/g, text), owner))).toBe(404);
    }
  });
}

const odd = {
  twice: "abc",
  long: "a".repeat(5_000),
  words: "a b ".repeat(2_000),
  zero: "a\u0000b",
  syntax: "%' OR 1=1 -- \" * ( ) [ ] { } : ^ NEAR \\",
  prototype: "__proto__",
  constructor: "constructor",
  date: "9999-99-99",
  number: "-1e309",
  id: newId(),
};
const asked =
  "after q status domain domain_id tag from until kind since reason state lane older_than newer_than contact step method endpoint api_key_id to range by granularity timezone start_date end_date segment token id sent delivery delivery_id version pictures address email scheduled_at counted events".split(
    " ",
  );

for (const route of routesOf("GET")) {
  test(`nothing in an address breaks it or writes: ${route}`, async () => {
    const path = isAboutOne(route) ? addressOf(route) : route;
    const before = await everything();
    for (const [name, value] of Object.entries(odd)) {
      const search = new URLSearchParams(asked.map((field) => [field, value]));
      if (name === "twice") for (const field of asked) search.append(field, value);
      expect([name, (await statusOf(await ask(`${path}?${search}`, owner))) < 500]).toEqual([name, true]);
    }
    expect(await everything()).toBe(before);
  });
}

/** Nobody is signed in where these are, so that they have no token: they ask where a form comes from. */
const beforeSignIn = ["/sign-in", "/theme", "/first-run", "/register", "/invitation"].map(
  (at) => `/admin${at}`,
);

/** What a page has that the owner opened while they looked at another team of theirs. */
const ofTheirOtherTeam = await (async () => {
  const { signInId } = (await findSignedIn(app, owner.cookie.split("=")[1]!))!;
  return csrfToken(app, { signInId, team: { id: stranger.teamId, name: "Other" } });
})();

for (const route of routesOf("POST")) {
  test(`a form of another site, of another team, or without its token, changes nothing: ${route}`, async () => {
    const path = isAboutOne(route.replace("browsers/:id", "")) ? addressOf(route) : route;
    const before = await everything();
    const foreign: Record<string, string>[] = [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { origin: "https://evil.test" },
    ];
    for (const headers of foreign) {
      expect(await statusOf(await ask(path, owner, { csrf: owner.csrf }, headers))).toBe(403);
    }
    if (!beforeSignIn.includes(route)) {
      for (const search of ["", "?streamed=1", `?streamed=1&csrf=${other.csrf}`]) {
        expect(await statusOf(await ask(`${path}${search}`, owner, { a: "b" }))).toBe(403);
      }
      expect(await statusOf(await ask(path, owner, { csrf: other.csrf }))).toBe(403);
      expect(await statusOf(await ask(path, owner, { a: "b" }, { "x-csrf-token": "" }))).toBe(403);
      if (!isOfAnyTeam(route)) {
        const answer = await ask(path, owner, { csrf: ofTheirOtherTeam });
        expect(answer.status).toBe(409);
        expect(await answer.text()).toContain("you have changed to the team");
      }
    }
    expect(await everything()).toBe(before);
  });
}

for (const route of routesOf("POST").filter((each) => isAboutOne(each) && !each.includes("browsers"))) {
  test(`what is another team's can't be changed: ${route}`, async () => {
    const before = await everything();
    const answer = await ask(addressOf(route), other, {
      csrf: other.csrf,
      role: "viewer",
      name: "x",
      subject: "x",
      expires_in: "1 hour",
    });
    expect(await statusOf(answer)).toBe(404);
    expect(await everything()).toBe(before);
  });
}

/** What is a person's own. */
const own = ["/sign-in", "/sign-out", "/theme", "/team", "/settings/teams"].map((at) => `/admin${at}`);
const isOwn = (route: string) => own.includes(route) || route.startsWith("/admin/settings/account");
const viewer = await (async () => {
  const person = await testTeam(app, "Viewers");
  await atomically(app, [
    insertMembership(app.db, {
      ...{ teamId: team.teamId, userId: person.userId, role: "viewer", createdAt: app.now() },
    }),
  ]);
  return personOf({ ...person, teamId: team.teamId });
})();

for (const route of routesOf("POST").filter((each) => !isOwn(each))) {
  test(`whoever may only look changes nothing: ${route}`, async () => {
    const before = await everything();
    const answer = await ask(isAboutOne(route) ? addressOf(route) : route, viewer, {
      ...{
        csrf: viewer.csrf,
        act: "constructor",
        role: "owner",
        name: "x",
        subject: "x",
        email: "x@example.org",
      },
    });
    expect(await statusOf(answer)).toBeLessThan(500);
    expect(await everything()).toBe(before);
  });
}

const typed =
  "about:0 act action alias all allowed_ips bcc cc click_tracking column.0 contact custom_return_path days:0 default_subscription delivery_id description domain domain_id email endpoint events expected_count expires_at expires_in fallback_0 fallback_value first_name from group headers html id include_body key key_0 kind label lane last_name match name new_name newer_than no_text old_password older_than on_conflict open_tracking operator:0 password permission pictures preview_text rate reason receiving reply reply_to role scheduled_at segment segment_id sending shown since state subject tag tags team team_name template_id test_to text then tls to token topic topic_id tracking_subdomain trial_0 type type_0 unsubscribed until value value:0 variables visibility webhook_id".split(
    " ",
  );

for (const route of routesOf("POST").filter((each) => !isOwn(each) && !/remove|delete|discard/.test(each))) {
  test(`nothing in a form breaks it: ${route}`, async () => {
    const path = isAboutOne(route) ? addressOf(route) : route;
    for (const [name, value] of Object.entries({
      ...odd,
      big: "1e300",
      dynamic: "dynamic",
      lines: "a\r\nb: c\n",
    })) {
      const fields = Object.fromEntries(typed.map((field) => [field, value.slice(0, 300)]));
      const answer = await ask(path, owner, { ...fields, csrf: owner.csrf, item: "0" });
      expect([name, (await statusOf(answer)) < 500]).toEqual([name, true]);
    }
  });
}

test("a Host header that is none is refused, and is no fault of ours", async () => {
  const faults = spyOn(app.log, "error");
  const server = makeServer(app).use(adminRoutes(app)).listen({ hostname: "127.0.0.1", port: 0 });
  try {
    for (const host of ["%%", ":::", "[", "a:99999999"]) {
      for (const cookie of ["", `\r\nCookie: ${owner.cookie}`]) {
        const asked = `GET /admin/settings HTTP/1.1\r\nHost: ${host}${cookie}\r\nConnection: close\r\n\r\n`;
        expect((await sendRaw(server.server!.port!, asked)).status).toBe(400);
      }
    }
    expect(faults).not.toHaveBeenCalled();
  } finally {
    await server.stop(true);
    faults.mockRestore();
  }
});
