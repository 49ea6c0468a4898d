import { afterAll, describe, expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";
import { verifyingClaim } from "../domains/claim-jobs.ts";
import { createDomain } from "../domains/create.ts";
import { verifyingDomain } from "../domains/jobs.ts";
import { newId } from "../ids.ts";
import { startDispatcher } from "../jobs/dispatcher.ts";
import { createKey } from "../keys/service.ts";
import { domainClaimRoutes } from "./domain-claims.ts";
import { domainRoutes } from "./domains.ts";
import { makeServer } from "./server.ts";

const app = await testApp();
const holder = await testTeam(app);
const claimant = await testTeam(app);
const server = makeServer(app).use(domainRoutes(app)).use(domainClaimRoutes(app));
const dispatcher = await startDispatcher(app, [verifyingDomain, verifyingClaim], { node: "a" });
afterAll(() => dispatcher.stop());

let made = 0;
const heldName = async () =>
  (await createDomain(app, holder.teamId, { name: `c${++made}.example.com` })).name;

interface Body {
  id: string;
  domain_id: string;
  status: string;
  record: { host: string; type: string; value: string };
}

async function call(method: string, path: string, body?: unknown, headers: object = claimant.headers) {
  const response = await server.handle(
    new Request(`http://mailit.test/domains${path}`, {
      method,
      headers: { "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    }),
  );
  return { status: response.status, body: (await response.json()) as Body };
}

test("a team's claims are listed, newest first, and nobody else's", async () => {
  const own = await testTeam(app);
  const names = [await heldName(), await heldName()];
  for (const name of names) await call("POST", "/claims", { name }, own.headers);
  const { status, body } = await call("GET", "/claims", undefined, own.headers);
  expect(status).toBe(200);
  expect<unknown>(body).toMatchObject({
    object: "list",
    has_more: false,
    data: names.toReversed().map((name) => ({ object: "domain_claim", name, status: "pending" })),
  });
});

describe.each(["claim", "claims"])("as SDKs spell it, /domains/%s", (word) => {
  test("begins a claim with 201, and with 200 where it is under way already", async () => {
    const name = await heldName();
    const begun = await call("POST", `/${word}`, { name, region: "eu-west-1", open_tracking: null });
    expect(begun.status).toBe(201);
    expect<unknown>(begun.body).toEqual({
      object: "domain_claim",
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name,
      status: "pending",
      domain_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      region: "eu-west-1",
      record: {
        type: "TXT",
        name: name.replace(".example.com", ""),
        host: name,
        value: expect.stringMatching(/^mailit-domain-verification=[0-9a-f]{32}$/),
        ttl: "Auto",
      },
      blocked_reason: null,
      failure_reason: null,
      created_at: "2026-03-01T12:00:00.000Z",
      expires_at: "2026-03-08T12:00:00.000Z",
    });
    expect(await call("POST", `/${word}`, { name, region: "eu-west-1" })).toEqual({
      status: 200,
      body: begun.body,
    });
  });

  test("tells of a claim and verifies it, by its id and by that of its domain", async () => {
    const { body: begun } = await call("POST", `/${word}`, { name: await heldName() });
    for (const id of [begun.id, begun.domain_id]) {
      expect(await call("GET", `/${id}/${word}`, {})).toEqual({ status: 200, body: begun });
      expect(await call("POST", `/${id}/${word}/verify`)).toEqual({ status: 200, body: begun });
    }
    await dispatcher.drained();
    expect((await call("GET", `/${begun.id}/${word}`)).body).toMatchObject({
      status: "pending",
      failure_reason: expect.stringContaining("No Claim TXT record is published"),
    });
  });

  test.each([
    ["GET", ""],
    ["POST", "/verify"],
  ])(`does not find another team's claim: %s /domains/{id}/${word}%s`, async (method, path) => {
    const { body: begun } = await call("POST", `/${word}`, { name: await heldName() });
    for (const id of [begun.id, begun.domain_id, newId(), "nonsense"]) {
      const asked = await call(method, `/${id}/${word}${path}`, {}, holder.headers);
      expect<unknown>(asked.body).toEqual({
        statusCode: 404,
        name: "not_found",
        message: "Domain claim not found",
      });
    }
  });
});

describe("POST /domains/claim", () => {
  test.each([
    [{}, 422, "missing_required_field", "Missing `name` field."],
    [{ name: 5 }, 422, "validation_error", "Invalid `name` field."],
    [{ name: "nobody.example.com" }, 422, "validation_error", "add it with POST /domains."],
  ])("refuses %j", async (request, status, name, message) => {
    const refused = await call("POST", "/claim", request);
    expect<unknown>(refused).toEqual({
      status,
      body: { statusCode: status, name, message: expect.stringContaining(message) },
    });
  });

  test("refuses a domain of one's own, and invalid regions", async () => {
    const name = await heldName();
    expect(await call("POST", "/claim", { name }, holder.headers)).toMatchObject({ status: 409 });
    expect(await call("POST", "/claim", { name, region: "mars" })).toMatchObject({
      status: 422,
      body: { name: "invalid_region" },
    });
  });

  test("is not for keys that may only send, nor for nobody", async () => {
    const { token } = await createKey(app, claimant.teamId, { name: "sends", permission: "sending_access" });
    for (const [method, path] of [
      ["POST", "/claim"],
      ["GET", `/${newId()}/claim`],
      ["POST", `/${newId()}/claim/verify`],
    ] as const) {
      const sending = await call(method, path, {}, { authorization: `Bearer ${token}` });
      expect(sending).toMatchObject({ status: 401, body: { name: "restricted_api_key" } });
      expect(await call(method, path, {}, {})).toMatchObject({ body: { name: "missing_api_key" } });
    }
  });
});

test("DELETE /domains/{domain_id} takes a claim back", async () => {
  const { body: begun } = await call("POST", "/claim", { name: await heldName() });
  expect<unknown>((await call("DELETE", `/${begun.domain_id}`, {})).body).toEqual({
    object: "domain",
    id: begun.domain_id,
    deleted: true,
  });
  expect((await call("GET", `/${begun.id}/claim`)).body.status).toBe("canceled");
  expect((await call("POST", `/${begun.id}/claim/verify`)).status).toBe(422);
});

test("the official SDK claims a domain: refused, claimed, proven, its own", async () => {
  const name = await heldName();
  const { domains } = testServer(app).sdk(claimant.key);
  const refused = await domains.create({ name });
  expect(refused.error).toMatchObject({
    message: expect.stringContaining("claim it with POST /domains/claim"),
  });

  const begun = (await domains.claims.create({ name, customReturnPath: "out", trackingSubdomain: "go" }))
    .data!;
  expect(begun).toMatchObject({ object: "domain_claim", name, status: "pending", region: "us-east-1" });
  app.dns.set(`${name} TXT`, begun.record.value);
  expect((await domains.claims.verify(begun.domain_id!)).error).toBeNull();
  await dispatcher.drained();
  const claimed = (await domains.claims.get(begun.domain_id!)).data;
  expect(claimed).toMatchObject({ id: begun.id, status: "completed", domain_id: begun.domain_id });
  const domain = (await domains.get(begun.domain_id!)).data!;
  expect(domain).toMatchObject({ name, status: "pending", tracking_subdomain: "go" });
  expect(domain.records.map((each) => each.record)).toEqual(["SPF", "SPF", "DKIM", "DKIM", "Tracking"]);
});
