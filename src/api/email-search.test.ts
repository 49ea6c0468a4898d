import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";

const app = await testApp();
const { teamId, key } = await testTeam(app);
const domain = await testDomain(app, teamId, "example.com");
const { ask, sdk } = testServer(app);
const search = (query: Record<string, string>) =>
  ask("GET", `/emails?${new URLSearchParams(query)}`, { key });

test("emails are searched by what their list's address says, and a list without it is the contract's", async () => {
  const send = async (subject: string) => {
    const { data } = await sdk(key).emails.send({
      ...{
        from: "hello@example.com",
        to: "ada@example.org",
        subject,
        html: "x",
        tags: [{ name: "kind", value: subject }],
      },
    });
    return data!.id;
  };
  const [one, two] = [await send("one"), await send("two")];
  const ids = async (query: Record<string, string>) => {
    const { status, body } = await search(query);
    expect(status).toBe(200);
    return body.data.map(({ id }: { id: string }) => id);
  };
  expect(await ids({ q: "ada@example.org" })).toEqual([two, one]);
  expect(await ids({ q: "subject:one" })).toEqual([one]);
  expect(await ids({ tag: "kind:two" })).toEqual([two]);
  expect(await ids({ status: "queued", domain_id: domain.id.toUpperCase() })).toEqual([two, one]);
  expect(await ids({ status: "bounced" })).toEqual([]);
  expect(await ids({ created_before: "2020-01-01" })).toEqual([]);
  expect(await ids({ created_after: "2020-01-01T00:00:00Z" })).toEqual([two, one]);

  const { body: first } = await search({ q: "ada", limit: "1" });
  expect(first).toMatchObject({ object: "list", has_more: true, data: [{ id: two }], next: two });
  const { body: second } = await search({ q: "ada", limit: "1", after: first.next });
  expect(second.data.map(({ id }: { id: string }) => id)).toEqual([one]);
  expect(Object.keys((await ask("GET", "/emails", { key })).body)).toEqual(["object", "has_more", "data"]);
});

test.each([
  [{ status: "lost" }, "must be one of queued"],
  [{ domain_id: "example.com" }, "The `domain_id` must be a valid UUID."],
  [{ created_after: "yesterday" }, "The `created_after` must be a time"],
  [{ q: "ada", before: "01a22900-188c-75d4-8eb8-41f0105153d4" }, "it has no `before`"],
])("a search for %p is refused in words", async (query, message) => {
  const { status, body } = await search(query as Record<string, string>);
  expect(status).toBe(422);
  expect(body.message).toContain(message);
});
