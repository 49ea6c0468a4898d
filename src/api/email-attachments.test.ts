import { describe, expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { newId } from "../ids.ts";
import { createKey } from "../keys/service.ts";

const app = await testApp();
const server = testServer(app);
const team = await testTeam(app);
await testDomain(app, team.teamId);
const other = await testTeam(app, "Another team");
const { key } = team;
const sdk = server.sdk(key);

const email = { from: "ada@example.com", to: "bob@recipient.test", subject: "Hi", html: "<p>Hi</p>" };

async function send(...names: string[]): Promise<string> {
  const attachments = names.map((filename) => ({ filename, content: Buffer.from(filename) }));
  return (await sdk.emails.send({ ...email, attachments })).data!.id;
}

const inAnHour = new Date(app.now().getTime() + 3_600_000).toISOString();
const link = /^http:\/\/mailit\.test\/attachments\/download\?token=[\w.-]+$/;

describe("the official SDK", () => {
  test("lists and gets attachments, key by key", async () => {
    const { data: sent } = await sdk.emails.send({
      ...email,
      attachments: [
        { filename: "report.pdf", content: Buffer.from("a report") },
        { filename: "logo.png", content: Buffer.from("logo"), contentId: "logo", contentType: "image/x-own" },
        { content: Buffer.from("?") },
      ],
    });
    const emailId = sent!.id;
    const { data: list } = await sdk.emails.attachments.list({ emailId });
    const shared = {
      id: expect.any(String),
      download_url: expect.stringMatching(link),
      expires_at: inAnHour,
    };
    expect<unknown>(list).toEqual({
      object: "list",
      has_more: false,
      data: [
        {
          ...shared,
          filename: "report.pdf",
          size: 8,
          content_type: "application/pdf",
          content_disposition: "attachment",
          content_id: null,
        },
        {
          ...shared,
          filename: "logo.png",
          size: 4,
          content_type: "image/x-own",
          content_disposition: "inline",
          content_id: "logo",
        },
        {
          ...shared,
          filename: null,
          size: 1,
          content_type: "application/octet-stream",
          content_disposition: "attachment",
          content_id: null,
        },
      ],
    });
    const [first] = list!.data;
    const { data: got } = await sdk.emails.attachments.get({ emailId, id: first!.id });
    expect<unknown>(got).toEqual({ object: "attachment", ...first });
  });

  test("pages through attachments in the order they were given, both ways", async () => {
    const names = ["e.txt", "d.txt", "c.txt", "b.txt", "a.txt"];
    const emailId = await send(...names);
    const all = (await sdk.emails.attachments.list({ emailId })).data!.data;
    const page = async (options: { limit?: number; after?: string } | { before: string; limit?: number }) => {
      const { data } = await sdk.emails.attachments.list({ emailId, ...options });
      return [data!.data.map(({ filename }) => filename), data!.has_more];
    };
    expect(all.map(({ filename }) => filename)).toEqual(names);
    expect(await page({ limit: 2 })).toEqual([["e.txt", "d.txt"], true]);
    expect(await page({ limit: 2, after: all[1]!.id })).toEqual([["c.txt", "b.txt"], true]);
    expect(await page({ limit: 2, after: all[3]!.id })).toEqual([["a.txt"], false]);
    expect(await page({ limit: 2, before: all[4]!.id })).toEqual([["c.txt", "b.txt"], true]);
    expect(await page({ limit: 2, before: all[2]!.id })).toEqual([["e.txt", "d.txt"], false]);
    expect(await page({ after: newId() })).toEqual([[], false]);
  });
});

test("a list holds twenty unless asked for more", async () => {
  const emailId = await send(...Array.from({ length: 21 }, (_, n) => `${n}.txt`));
  const { data } = await sdk.emails.attachments.list({ emailId });
  expect([data!.data.length, data!.has_more]).toEqual([20, true]);
});

test("an email without attachments has an empty list", async () => {
  expect<unknown>((await sdk.emails.attachments.list({ emailId: await send() })).data).toEqual({
    object: "list",
    has_more: false,
    data: [],
  });
});

describe("is refused:", () => {
  test("another team's email, and one that is not there", async () => {
    const emailId = await send("a.txt");
    const { id } = (await sdk.emails.attachments.list({ emailId })).data!.data[0]!;
    for (const [path, who] of [
      [`${emailId}/attachments`, other.key],
      [`${emailId}/attachments/${id}`, other.key],
      [`${newId()}/attachments`, key],
      [`${newId()}/attachments/${id}`, key],
      ["x/attachments", key],
    ] as const) {
      expect(await server.ask("GET", `/emails/${path}`, { key: who })).toMatchObject({
        status: 404,
        body: { name: "not_found", message: "Email not found" },
      });
    }
  });

  test("an attachment that is not there, or is another email's", async () => {
    const emailId = await send("a.txt");
    const another = (await sdk.emails.attachments.list({ emailId: await send("b.txt") })).data!.data[0]!;
    for (const id of [another.id, newId(), "x"]) {
      expect(await server.ask("GET", `/emails/${emailId}/attachments/${id}`, { key })).toMatchObject({
        status: 404,
        body: { name: "not_found", message: "Attachment not found" },
      });
    }
  });

  test("a bad page, and a key that may only send", async () => {
    const path = `/emails/${await send("a.txt")}/attachments`;
    expect((await server.ask("GET", `${path}?limit=0`, { key })).status).toBe(422);
    expect((await server.ask("GET", `${path}?after=${newId()}&before=${newId()}`, { key })).status).toBe(422);
    const { token } = await createKey(app, team.teamId, { name: "s", permission: "sending_access" });
    expect((await server.ask("GET", path, { key: token })).body.name).toBe("restricted_api_key");
  });
});

test("attachments that were removed with what the email said are an empty list that says so", async () => {
  const [kept, removed, without] = [await send("a.txt"), await send("a.txt"), await send()];
  await atomically(app, [
    rawWrite("update emails set content_removed_at = 0 where id = ?", [removed]),
    rawWrite("delete from attachments where email_id = ?", [removed]),
  ]);
  const listed = async (id: string) => (await server.ask("GET", `/emails/${id}/attachments`, { key })).body;
  expect(await listed(removed)).toEqual({
    ...{ object: "list", has_more: false, data: [] },
    content_removed_at: "1970-01-01T00:00:00.000Z",
  });
  for (const id of [kept, without]) expect(await listed(id)).not.toHaveProperty("content_removed_at");
});
