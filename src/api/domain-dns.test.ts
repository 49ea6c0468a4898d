import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { rotateKeys } from "../domains/rotate.ts";

const app = await testApp();
const { teamId, key } = await testTeam(app);
const stranger = await testTeam(app);
const { ask, url } = testServer(app);
const domain = await testDomain(app, teamId);
await rotateKeys(app, teamId, domain.id);

const zoneOf = (id: string, token: string) =>
  fetch(`${url}/domains/${id}/zone`, { headers: { authorization: `Bearer ${token}` } });

test("the keys of a domain are told with where they are published and whether they sign, and no private half", async () => {
  const { body } = await ask("GET", `/domains/${domain.id}/dkim`, { key });
  expect(body.data.map((each: Record<string, unknown>) => [each.selector, each.state, each.signs])).toEqual([
    ["mailit", "active", true],
    ["mailit-ed25519", "active", true],
    ["mailit-2", "pending", false],
    ["mailit-2-ed25519", "pending", false],
  ]);
  expect(body.data[0]).toEqual({
    object: "dkim_key",
    id: expect.any(String),
    ...{ selector: "mailit", host: "mailit._domainkey.example.com", algorithm: "rsa" },
    public_key: domain.keys.rsa.publicKey,
    ...{ state: "active", signs: true, created_at: app.now().toISOString(), keep_until: null },
  });
});

test("all records of a domain are a zone file, a line each", async () => {
  const answer = await zoneOf(domain.id, key);
  expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  const lines = (await answer.text()).trimEnd().split("\n");
  expect(lines[0]).toStartWith("send.example.com. IN MX 10 ");
  expect(lines.filter((line) => line.includes("._domainkey.example.com. IN TXT "))).toHaveLength(4);
});

test("the keys and records of another team's domain are not there", async () => {
  expect((await ask("GET", `/domains/${domain.id}/dkim`, { key: stranger.key })).status).toBe(404);
  expect((await zoneOf(domain.id, stranger.key)).status).toBe(404);
});
