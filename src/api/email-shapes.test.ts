import { describe, expect, test } from "bun:test";
import { testTopic } from "../../test/support/audience-rows.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";

const app = await testApp();
const server = testServer(app);
const team = await testTeam(app);
await testDomain(app, team.teamId);
const sdk = server.sdk(team.key);

const createdAt = app.now().toISOString();
const scheduledAt = new Date(app.now().getTime() + 3_600_000).toISOString();
const topicId = (await testTopic(app, team.teamId)).id;

const bare = { from: "ada@example.com", to: "bob@recipient.test", subject: "Bare", text: "Hi" };
const full = {
  from: "Ada <ada@example.com>",
  to: ["Bob <bob@recipient.test>", "eve@recipient.test"],
  cc: ["carol@recipient.test"],
  bcc: ["dan@recipient.test"],
  replyTo: ["reply@example.com", "second@example.com"],
  subject: "Full",
  html: "<p>Hi</p>",
  tags: [{ name: "category", value: "welcome" }],
  scheduledAt,
  topicId,
};

async function send(email: typeof bare | typeof full): Promise<string> {
  const { data, error } = await sdk.emails.send(email);
  expect(error).toBeNull();
  return data!.id;
}

const bareItem = (id: string) => ({
  id,
  message_id: `<${id}@example.com>`,
  to: ["bob@recipient.test"],
  from: "ada@example.com",
  created_at: createdAt,
  subject: "Bare",
  bcc: null,
  cc: null,
  reply_to: null,
  last_event: "queued",
  scheduled_at: null,
  topic_id: null,
});

const fullItem = (id: string) => ({
  ...bareItem(id),
  to: full.to,
  from: full.from,
  subject: "Full",
  bcc: full.bcc,
  cc: full.cc,
  reply_to: full.replyTo,
  last_event: "scheduled",
  scheduled_at: scheduledAt,
  topic_id: topicId,
});

describe("as the official SDK sees it, key by key", () => {
  test("what was not given is null, and tags are a list", async () => {
    const id = await send(bare);
    const { data } = await sdk.emails.get(id);
    expect<unknown>(data).toEqual({ object: "email", ...bareItem(id), html: null, text: "Hi", tags: [] });
  });

  test("what was given comes back as it was", async () => {
    const id = await send(full);
    const { data } = await sdk.emails.get(id);
    const body = { html: full.html, text: null, tags: full.tags };
    expect<unknown>(data).toEqual({ object: "email", ...fullItem(id), ...body });
  });

  test("a list has the same without bodies, tags and object, the newest first", async () => {
    const [first, second] = [await send(bare), await send(full)];
    const { data } = await sdk.emails.list({ limit: 2 });
    expect<unknown>(data).toEqual({
      object: "list",
      has_more: true,
      data: [fullItem(second), bareItem(first)],
    });
  });

  test("pages lead from one end to the other and back", async () => {
    const pages = await testTeam(app, "With five emails");
    await testDomain(app, pages.teamId, "pages.test");
    const theirs = server.sdk(pages.key);
    const sent: string[] = [];
    for (let n = 0; n < 5; n++) {
      const { data } = await theirs.emails.send({ ...bare, from: "ada@pages.test" });
      sent.unshift(data!.id);
    }
    const page = async (options: { after: string } | { before: string } | object) => {
      const { data } = await theirs.emails.list({ limit: 2, ...options });
      return [data!.data.map(({ id }) => sent.indexOf(id)), data!.has_more];
    };
    expect(await page({})).toEqual([[0, 1], true]);
    expect(await page({ after: sent[1] })).toEqual([[2, 3], true]);
    expect(await page({ after: sent[3] })).toEqual([[4], false]);
    expect(await page({ before: sent[4] })).toEqual([[2, 3], true]);
    expect(await page({ before: sent[2] })).toEqual([[0, 1], false]);
    expect((await theirs.emails.list()).data!.data).toHaveLength(5);
  });
});

test("a list holds twenty unless asked for more, and a hundred at most", async () => {
  const many = await testTeam(app, "With many emails");
  await testDomain(app, many.teamId, "many.test");
  const email = { ...bare, from: "ada@many.test" };
  for (let n = 0; n < 21; n++) await server.ask("POST", "/emails", { key: many.key, body: email });
  const list = async (query: string) => server.ask("GET", `/emails${query}`, { key: many.key });
  const { body: standard } = await list("");
  expect([standard.data.length, standard.has_more]).toEqual([20, true]);
  const { body: all } = await list("?limit=100");
  expect([all.data.length, all.has_more]).toEqual([21, false]);
  expect((await list("?limit=101")).body).toMatchObject({
    statusCode: 422,
    name: "validation_error",
    message: expect.stringContaining("a number between 1 and 100"),
  });
});

test("an id in capitals is the same id", async () => {
  const id = await send(bare);
  expect((await sdk.emails.get(id.toUpperCase())).data?.id).toBe(id);
  expect((await sdk.emails.attachments.list({ emailId: id.toUpperCase() })).data?.data).toEqual([]);
});
