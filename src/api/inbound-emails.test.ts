import { expect, test } from "bun:test";
import { addReceived } from "../../test/support/received-mail.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";
import { newId } from "../ids.ts";

const app = await testApp();
const server = testServer(app);
const { teamId, key } = await testTeam(app);
const other = await testTeam(app, "Other");
const ask = (path: string, who = key) => server.ask("GET", `/inbound/emails${path}`, { key: who });

test("the list is the original's: its page, its fields, no bodies and no path of the server's", async () => {
  const team = await testTeam(app, "Original");
  const attachments = [
    { filename: "a.pdf", contentType: "application/pdf", content: "pdf" },
    { content: "?" },
  ];
  const whole = {
    html: "<p>hi</p>",
    text: "hi",
    headers: { "x-a": "1" },
    cc: ["carol@example.com"],
    attachments,
  };
  const first = await addReceived(app, team.teamId, whole);
  const second = await addReceived(app, team.teamId, { subject: "" });
  await addReceived(app, team.teamId, { kind: "report" });
  await addReceived(app, team.teamId, { kind: "unread" });

  const shared = {
    team_id: team.teamId,
    from: "ada@sender.test",
    to: ["bob@example.com"],
    processed: true,
    created_at: app.now().toISOString(),
  };
  const item = {
    ...shared,
    id: first,
    cc: ["carol@example.com"],
    subject: "Hi",
    attachments: [
      { filename: "a.pdf", content_type: "application/pdf", size: 3 },
      { filename: "", content_type: "text/plain", size: 1 },
    ],
  };
  expect((await ask("", team.key)).body).toEqual({
    data: [{ ...shared, id: second, attachments: [] }, item],
    ...{ total: 2, page: 1, per_page: 20, total_pages: 1, has_more: false },
  });
  expect((await ask(`/${first}`, team.key)).body).toEqual({
    ...item,
    ...{ html_body: "<p>hi</p>", text_body: "hi", headers: { "x-a": "1" } },
  });
});

test("pages are counted from 1, hold 20 unless asked for up to 100, and no number is refused", async () => {
  const team = await testTeam(app, "Pages");
  const ids: string[] = [];
  for (let n = 0; n < 101; n++) ids.unshift(await addReceived(app, team.teamId));
  const page = async (query: string) => {
    const { body } = await ask(query, team.key);
    const { data, page: number, per_page, total_pages, has_more, total } = body;
    return [ids.indexOf(data[0]?.id), data.length, number, per_page, total_pages, has_more, total];
  };
  expect(await page("")).toEqual([0, 20, 1, 20, 6, true, 101]);
  expect(await page("?page=6")).toEqual([100, 1, 6, 20, 6, false, 101]);
  expect(await page("?page=2&per_page=50")).toEqual([50, 50, 2, 50, 3, true, 101]);
  expect(await page("?page=0&per_page=-5")).toEqual([0, 20, 1, 20, 6, true, 101]);
  expect(await page("?page=x&per_page=1000")).toEqual([0, 100, 1, 100, 2, true, 101]);
  expect(await page("?page=9")).toEqual([-1, 0, 9, 20, 6, false, 101]);
});

test("further back than 10,000 another list goes on", async () => {
  expect(await ask("?page=501")).toMatchObject({
    status: 422,
    body: { message: expect.stringContaining("GET /emails/receiving") },
  });
});

test("another team's email, an unread one and none are not found", async () => {
  const theirs = await addReceived(app, other.teamId);
  const unread = await addReceived(app, teamId, { kind: "unread" });
  for (const id of [theirs, unread, newId(), "x"]) {
    expect(await ask(`/${id}`)).toMatchObject({ status: 404, body: { message: "Email not found" } });
  }
});
