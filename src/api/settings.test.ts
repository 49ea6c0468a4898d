import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { addUser } from "../accounts/service.ts";
import { issueToken } from "../accounts/sessions.ts";
import { atomically } from "../app.ts";
import { saveContact } from "../contacts/save.ts";
import { counters } from "../events/schema.ts";
import { createWebhook } from "../webhooks/service.ts";

const app = await testApp({
  config: {
    rateLimit: { enabled: false },
    smtpSubmission: { addr: "127.0.0.1:587", tlsAddr: "127.0.0.1:465" },
  },
});
const { ask } = testServer(app);
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);

test("the team is told with its people, and renamed", async () => {
  const { key, teamId, userId, email } = await testTeam(app, "Ada’s Éngines & Co.");
  const developer = { email: "dev@example.com", name: "Dev", role: "developer" as const };
  const { id } = await addUser(app, { teamId, password: "correct horse", ...developer });
  expect((await ask("GET", "/settings/team", { key })).body).toEqual({
    ...{ id: teamId, name: "Ada’s Éngines & Co.", slug: "ada-s-engines-co" },
    members: [
      { id, name: "Dev", email: "dev@example.com", role: "member" },
      { id: userId, name: "Owner", email, role: "owner" },
    ],
  });
  expect(await ask("PATCH", "/settings/team", { key, body: { name: "Wheels" } })).toMatchObject({
    status: 200,
    body: { message: "team updated" },
  });
  expect((await ask("GET", "/team", { key })).body.name).toBe("Wheels");
  expect((await ask("GET", "/audit-log", { key })).body.data[0].action).toBe("Renamed the team to “Wheels”");
});

test("a member is invited as a developer, and the link is shown where it can't be mailed", async () => {
  const { key, teamId } = await testTeam(app);
  const body = { email: "grace@example.org", role: "member" };
  const made = await ask("POST", "/settings/team/invite", { key, body });
  expect(made.status).toBe(201);
  expect(made.body).toEqual({
    ...{ id: expect.any(String), team_id: teamId, email: "grace@example.org", role: "member" },
    ...{ expires_at: time, created_at: time },
    url: expect.stringContaining("/admin/invitation?token="),
  });
  const invitations = (await ask("GET", "/team/invitations", { key })).body.data;
  expect(invitations).toMatchObject([{ id: made.body.id, role: "developer" }]);
  expect((await ask("POST", "/settings/team/invite", { key, body })).status).toBe(409);
  const owner = { email: "eve@example.org", role: "owner" };
  expect(await ask("POST", "/settings/team/invite", { key, body: owner })).toMatchObject({
    status: 422,
    body: { message: expect.stringContaining("`role`") },
  });
});

test("who may not look after people can't do so here either", async () => {
  const { teamId } = await testTeam(app);
  const user = await addUser(app, {
    ...{ teamId, role: "developer", email: "mere-dev@example.com", password: "correct horse", name: "Dev" },
  });
  const key = await issueToken(app, user, teamId);
  const invitation = { email: "grace@example.org", role: "member" };
  expect((await ask("POST", "/settings/team/invite", { key, body: invitation })).status).toBe(403);
  expect((await ask("PATCH", "/settings/team", { key, body: { name: "Theirs" } })).status).toBe(403);
});

test("usage is of today and of this month, and of this team", async () => {
  const { key, teamId } = await testTeam(app);
  const other = await testTeam(app);
  const sent = (at: string, total: number, whose = teamId) =>
    app.db.insert(counters).values({
      ...{ teamId: whose, hour: new Date(at), domainId: "", broadcastId: "" },
      ...{ event: "email.delivered" as const, total },
    });
  app.clock.set(new Date("2026-03-14T15:30:00Z"));
  await atomically(app, [
    sent("2026-02-28T23:00:00Z", 1),
    sent("2026-03-01T00:00:00Z", 10),
    sent("2026-03-14T00:00:00Z", 100),
    sent("2026-03-14T15:00:00Z", 1_000, other.teamId),
  ]);
  await testDomain(app, teamId, "usage.example");
  await saveContact(app, teamId, { email: "bob@recipient.test" });
  await createWebhook(app, teamId, { endpoint: "https://example.com/hook", events: ["*"] });
  expect((await ask("GET", "/settings/usage", { key })).body).toEqual({
    ...{ emails_sent_today: 100, emails_sent_month: 110 },
    ...{ domains: 1, api_keys: 1, webhooks: 1, contacts: 1 },
  });
});

test("a mail program is told where to hand in", async () => {
  const { key } = await testTeam(app);
  expect((await ask("GET", "/settings/smtp", { key })).body).toEqual({
    ...{ host: "mail.mailit.test", port: 587, tls_port: 465, encryption: "STARTTLS" },
    ...{ username: "resend", password: "Use any API key as the password" },
  });
});
