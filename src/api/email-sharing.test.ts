import { describe, expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { findSharedEmail } from "../emails/share.ts";
import { newId } from "../ids.ts";
import { createKey } from "../keys/service.ts";

const app = await testApp();
const server = testServer(app);
const team = await testTeam(app);
await testDomain(app, team.teamId);
const other = await testTeam(app, "Another team");
const { key } = team;
const sdk = server.sdk(key);

const { data: sent } = await sdk.emails.send({
  from: "ada@example.com",
  to: "bob@recipient.test",
  subject: "Hi",
  text: "Hi",
});
const { id } = sent!;

/** For how many minutes a link shows the email. */
async function lifeOf(url: string | undefined): Promise<number | undefined> {
  const token = new URL(url!).searchParams.get("token")!;
  const shared = await findSharedEmail(app, token);
  return shared && (shared.expiresAt.getTime() - app.now().getTime()) / 60_000;
}

test("the official SDK gets a link, good for 48 hours", async () => {
  const { data, error } = await sdk.emails.share(id);
  expect(error).toBeNull();
  expect<unknown>(data).toEqual({
    object: "email",
    id,
    url: expect.stringMatching(/^http:\/\/mailit\.test\/shared\?token=[\w.~-]+$/),
  });
  expect(await lifeOf(data!.url)).toBe(48 * 60);
});

test.each([
  ["10m", 10],
  ["2 hours", 120],
  ["1 day", 1_440],
  ["48h", 2_880],
  ["90 minutes", 90],
])("a link for %s lasts that long", async (expiresIn, minutes) => {
  const { data } = await sdk.emails.share(id, { expiresIn });
  expect(await lifeOf(data!.url)).toBe(minutes);
});

test("no body, {} and null all mean the longest", async () => {
  for (const body of [undefined, {}, { expires_in: null }]) {
    const answer = await server.ask("POST", `/emails/${id}/share`, { key, body });
    expect([answer.status, await lifeOf(answer.body.url)]).toEqual([200, 48 * 60]);
  }
});

describe("is refused:", () => {
  const duration = "Invalid `expires_in` field. Use a duration such as `10m`, `2 hours` or `1 day`.";
  const cases: [string, unknown, string][] = [
    ["more than 48 hours", "49h", "expires_in must not exceed 48 hours"],
    ["a minute more", "2 days 1 minute", "expires_in must not exceed 48 hours"],
    ["three days", "3 days", "expires_in must not exceed 48 hours"],
    ["what is no duration", "soon", duration],
    ["nothing", "", duration],
    ["no time at all", "0m", duration],
    ["a number", 60, "Invalid `expires_in` field. It must be a duration"],
  ];
  test.each(cases)("%s", async (_name, expires_in, message) => {
    const answer = await server.ask("POST", `/emails/${id}/share`, { key, body: { expires_in } });
    expect(answer).toMatchObject({ status: 422, body: { statusCode: 422, name: "validation_error" } });
    expect(answer.body.message).toStartWith(message);
  });

  test("another team's email, and one that is not there", async () => {
    for (const [path, who] of [
      [id, other.key],
      [newId(), key],
      ["x", key],
    ] as const) {
      expect(await server.ask("POST", `/emails/${path}/share`, { key: who })).toMatchObject({
        status: 404,
        body: { name: "not_found", message: "Email not found" },
      });
    }
  });

  test("a key that may only send", async () => {
    const { token } = await createKey(app, team.teamId, { name: "s", permission: "sending_access" });
    expect((await server.ask("POST", `/emails/${id}/share`, { key: token })).body.name).toBe(
      "restricted_api_key",
    );
  });
});
