import { expect, test } from "bun:test";
import { adminForms, mistakesIn } from "../../test/support/admin-forms.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { createBroadcast } from "../broadcasts/change.ts";
import { getBroadcast } from "../broadcasts/read.ts";
import { createSegment } from "../contacts/segments.ts";
import { Refusal } from "../errors.ts";
import { createTemplate } from "../templates/service.ts";
import { mistakesOf } from "./mistakes.ts";

const app = await testApp();
const team = await testTeam(app);
const { teamId } = team;
const { name: domain } = await testDomain(app, teamId);
const { look, opened, send } = await adminForms(app, team);
const segment = await createSegment(app, teamId, { name: "All" });
const written = {
  ...{ name: "News", segment_id: segment.id, from: `news@${domain}`, subject: "News", html: "<p>Hi</p>" },
};
const draftFrom = (from: string) =>
  createBroadcast(app, teamId, {
    ...{ name: "News", segmentId: segment.id, from, subject: "News", html: "<p>Hi</p>" },
  });

test("all that is wrong in a new email is said at once, each beside its field", async () => {
  const path = "/admin/emails/new";
  const answer = await send(path, {
    ...(await opened(path)),
    ...{ from: "hi@elsewhere.example", to: "nobody", cc: "no one", subject: "", html: "", text: "" },
    ...{ scheduled_at: "some day", tags: "a b: c", headers: "no colon" },
  });
  expect(answer.status).toBe(422);
  expect(mistakesIn(answer.page)).toEqual({
    from: "The elsewhere.example domain is not verified. Add and verify it under Domains first.",
    to: expect.stringMatching(/^The email address needs/),
    cc: expect.stringMatching(/^The email address needs/),
    subject: "It can't be empty.",
    scheduled_at: expect.any(String),
    tags: "Tags should only contain ASCII letters, numbers, underscores, or dashes.",
    headers: expect.stringMatching(/^Write one a line/),
  });
});

test("an email that is wrong in one field is said to be wrong in no other", async () => {
  const path = "/admin/emails/new";
  const answer = await send(path, {
    ...(await opened(path)),
    ...{ from: `hi@${domain}`, to: "ada@example.org", subject: "Hi", html: "<p>Hi</p>", tags: "a b: c" },
  });
  expect(Object.keys(mistakesIn(answer.page))).toEqual(["tags"]);
});

test("all that is wrong in a draft is said at once, in the page's words, and nothing of it is saved", async () => {
  const { id } = await draftFrom(`news@${domain}`);
  const path = `/admin/broadcasts/${id}`;
  const answer = await send(path, {
    ...(await opened(path)),
    ...{ ...written, subject: "x".repeat(3000), from: "nobody", reply_to: "no one", rate: "fast" },
  });
  expect(mistakesIn(answer.page)).toEqual({
    from: expect.stringMatching(/^The email address needs/),
    reply_to: expect.stringMatching(/^The email address needs/),
    subject: "It can be at most 2000 characters long.",
    messages_per_minute: "It must be a whole number from 1 to 1000000.",
  });
  expect(await getBroadcast(app, teamId, id)).toMatchObject({ sender: `news@${domain}`, subject: "News" });
});

const template = await createTemplate(app, teamId, { name: "Order", html: "<p>Hi</p>" });
const badDomain = { name: "no domain", custom_return_path: "-", tracking_subdomain: "-" };
const badTemplate = { name: "", alias: "-", from: "nobody", reply_to: "no one", key_0: "a b" };
const badBroadcast = { name: "x".repeat(300), segment_id: segment.id, from: "nobody", subject: "" };

for (const [what, page, path, fields, wrong] of [
  ["a new broadcast", "/broadcasts/new", "/broadcasts", badBroadcast, ["from", "name", "subject"]],
  ["a new domain", "/domains/new", "/domains", badDomain, Object.keys(badDomain)],
  ["a new webhook", "/webhooks/new", "/webhooks", { endpoint: "nowhere" }, ["endpoint", "event-all"]],
  [
    ...(["a template", `/templates/${template.id}`, `/templates/${template.id}`, badTemplate] as const),
    ["alias", "from", "name", "reply_to", "variables"],
  ],
] as const) {
  test(`all that is wrong in ${what} is said at once`, async () => {
    const answer = await send(`/admin${path}`, { ...(await opened(`/admin${page}`)), ...fields });
    expect(answer.status).toBe(422);
    expect(Object.keys(mistakesIn(answer.page)).sort()).toEqual([...wrong].sort());
  });
}

test("a draft whose sender can't send says so, with the way to the domain, and is not offered to be sent", async () => {
  await testDomain(app, teamId, "waiting.example", { verifiedAt: null });
  const waiting = await draftFrom("news@waiting.example");
  const unknown = await draftFrom("news@unknown.example");
  for (const page of ["", "/send", "/send?counted=1"]) {
    expect(await look(`/admin/broadcasts/${waiting.id}${page}`)).toMatch(
      /from waiting\.example, which is not verified\. <a href="\/admin\/domains\/[0-9a-f-]{36}">Verify it/,
    );
    expect(await look(`/admin/broadcasts/${unknown.id}${page}`)).toMatch(
      /from unknown\.example, which is no domain of your team\. <a href="\/admin\/domains\/new">Add it/,
    );
  }
  const page = await look(`/admin/broadcasts/${waiting.id}/send?counted=1`);
  expect(page).not.toContain(`action="/admin/broadcasts/${waiting.id}/send"`);
  expect(await look(`/admin/broadcasts/${(await draftFrom(`a@${domain}`)).id}`)).not.toContain(
    "be sent from",
  );
  const { status } = await send(`/admin/broadcasts/${waiting.id}/send`, await opened("/admin/emails/new"));
  expect(status).toBe(422);
  expect(await getBroadcast(app, teamId, waiting.id)).toMatchObject({ status: "draft" });
});

test("numbers that can't be asked for together are refused in the words of the page", async () => {
  const { id } = await testDomain(app, teamId, "third.example");
  const page = await look(`/admin/metrics?by=provider&domain_id=${id}`);
  expect(mistakesIn(page)).toEqual({
    form: "The breakdown by provider can be combined with periods alone, and not with chosen domains, chosen emails or chosen broadcasts.",
  });
  const dates = await look("/admin/metrics?range=custom&start_date=2026-03-01&end_date=2026-01-01");
  expect(mistakesIn(dates)).toEqual({
    start_date: "It must be on or before the last day: a later one than now counts as now.",
  });
});

const said = (message: string) => mistakesOf(new Refusal("validation_error", message), ["name", "email"]);

test("a mistake beside its field does not say what the API calls the field", () => {
  expect(said("Invalid `name` field. A name has 1 to 100 characters.")).toEqual({
    name: "A name has 1 to 100 characters.",
  });
  expect(said("Invalid `email` field: the address has `@` in it twice.")).toEqual({
    email: "The address has @ in it twice.",
  });
  expect(said("Invalid `email` field. example.com is none of yours.")).toEqual({
    email: "example.com is none of yours.",
  });
  expect(said("Missing `email` field.")).toEqual({ email: "It can't be empty." });
});

test("a mistake in what the form does not have is said whole, at its head", () => {
  expect(said("Invalid `topic_id` field. It must be a topic of the team.")).toEqual({
    form: "Invalid topic_id field. It must be a topic of the team.",
  });
});

test("what is no refusal is no mistake of the person's", () => {
  expect(() => mistakesOf(new Error("disk full"), ["name"])).toThrow("disk full");
});
