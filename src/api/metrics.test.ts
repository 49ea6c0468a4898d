import { describe, expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { atomically } from "../app.ts";
import { type NewEvent, recordEvent } from "../events/record.ts";
import { newId } from "../ids.ts";
import { createKey } from "../keys/service.ts";
import { metricNames } from "../metrics/names.ts";

const app = await testApp({ now: new Date("2026-07-01T10:30:00Z") });
const server = testServer(app);
const team = await testTeam(app);
const domain = await testDomain(app, team.teamId);
const sdk = server.sdk(team.key);
const [emailId, broadcastId] = [newId(), newId()];

const happen = (type: NewEvent["type"], about: Partial<NewEvent> = {}) =>
  recordEvent(app, { teamId: team.teamId, emailId, domainId: domain.id, ...about, type });
await atomically(app, [
  ...happen("email.delivered"),
  ...happen("email.delivered", { emailId: newId(), broadcastId }),
  ...happen("email.opened", { counts: ["email.unique_opened"] }),
]);
app.clock.set(new Date("2026-07-03T12:00:00Z"));

const get = (query: string) => server.ask("GET", `/emails/metrics${query}`, { key: team.key });

describe("the official SDK", () => {
  test("gets the totals of all metrics over the last days when it asks for nothing", async () => {
    const { data, error } = await sdk.emails.metrics();
    expect(error).toBeNull();
    expect(data).toEqual({
      object: "metrics",
      start_date: "2026-06-27T12:00:00.000Z",
      end_date: "2026-07-03T12:00:00.000Z",
      metrics: [...metricNames],
      dimensions: [],
      granularity: "daily",
      totals: {
        ...(Object.fromEntries(metricNames.map((name) => [name, 0])) as Record<string, number>),
        ...{ delivered: 2, sent: 2, opened: 1, unique_opened: 1, delivery_rate: 100, open_rate: 50 },
      },
    });
  });

  test("gets rows by period and domain, of one domain", async () => {
    const { data } = await sdk.emails.metrics({
      startDate: "2026-07-01",
      endDate: "2026-07-08",
      timezone: "Europe/Berlin",
      metrics: ["sent", "delivered", "open_rate"],
      dimensions: ["period", "domain"],
      domainId: [domain.id],
    });
    expect(data).toEqual({
      object: "metrics",
      start_date: "2026-06-30T22:00:00.000Z",
      end_date: "2026-07-03T12:00:00.000Z",
      metrics: ["sent", "delivered", "open_rate"],
      dimensions: ["period", "domain"],
      granularity: "daily",
      totals: { sent: 2, delivered: 2, open_rate: 50 },
      data: [
        {
          ...{ period: "2026-07-01", domain_id: domain.id, domain_name: "example.com" },
          ...{ sent: 2, delivered: 2, open_rate: 50 },
        },
      ],
    });
  });

  test("gets rows by email", async () => {
    const asked = { metrics: ["delivered" as const, "opened" as const], granularity: "hourly" as const };
    const { data } = await sdk.emails.metrics({
      ...asked,
      dimensions: ["email", "period"],
      emailId: [emailId],
    });
    expect(data).toMatchObject({ granularity: "hourly", totals: { delivered: 1, opened: 1 } });
    expect(data!.data).toEqual([
      { period: "2026-07-01T10:00:00Z", email_id: emailId, delivered: 1, opened: 1 },
    ]);
  });

  test("gets rows by broadcast", async () => {
    const { data } = await sdk.emails.metrics({
      metrics: ["delivered"],
      dimensions: ["broadcast"],
      broadcastId: [broadcastId],
    });
    expect(data!.data).toEqual([{ broadcast_id: broadcastId, broadcast_name: null, delivered: 1 } as never]);
  });

  test("gets refusals as it knows them", async () => {
    const { data, error } = await sdk.emails.metrics({ domainId: ["example.com"] });
    expect(data).toBeNull();
    expect(error).toMatchObject({
      statusCode: 422,
      name: "invalid_parameter",
      message: "The `domain_id` must be a valid UUID.",
    });
  });
});

test.each([
  "?metrics=sent,delivered&dimensions=period,domain",
  "?metrics=sent&metrics=delivered&dimensions=period&dimensions=domain",
  "?metrics=sent,&metrics=delivered,sent&dimensions=period,%20domain",
  "?metrics[]=sent&metrics[]=delivered&dimensions%5B%5D=period,domain",
])("lists may be written as in %s", async (query) => {
  const { status, body } = await get(query);
  expect(status).toBe(200);
  expect(body).toMatchObject({ metrics: ["sent", "delivered"], dimensions: ["period", "domain"] });
});

test("what is empty or not known is as if it were not there", async () => {
  const { status, body } = await get("?metrics=&start_date=&timezone=&domain_id=&limit=5&nonsense=1");
  expect(status).toBe(200);
  expect(body).toMatchObject({ totals: { delivered: 2 }, metrics: [...metricNames] });
});

test("opens and clicks of machines are told to who asks for them, and only then", async () => {
  const teamId = team.teamId;
  const data = { is_bot: true };
  await atomically(app, recordEvent(app, { type: "email.clicked", teamId, emailId: newId(), data }));
  app.clock.advance(1);
  const { body } = await get("?metrics=clicked,clicked_machine,opened_machine&granularity=monthly");
  expect(body.totals).toMatchObject({ clicked_machine: 1, opened_machine: 0 });
  expect((await get("")).body.totals).not.toHaveProperty("clicked_machine");
});

test("tags are a dimension and a filter, by name or by name and value", async () => {
  const { teamId, key } = await testTeam(app);
  const tell = (value: string) =>
    recordEvent(app, {
      ...{ type: "email.delivered", teamId, emailId: newId() },
      tags: [{ name: "kind", value }],
    });
  await atomically(app, [...tell("invoice"), ...tell("welcome")]);
  app.clock.advance(1);
  const ask = async (query: string) =>
    (await server.ask("GET", `/emails/metrics?metrics=delivered&${query}`, { key })).body;
  expect(await ask("dimensions=tag")).toMatchObject({
    totals: { delivered: 2 },
    data: [
      { tag_name: "kind", tag_value: "invoice", delivered: 1 },
      { tag_name: "kind", tag_value: "welcome", delivered: 1 },
    ],
  });
  expect((await ask("tag=kind")).totals).toEqual({ delivered: 2 });
  expect((await ask("tag=kind:welcome")).totals).toEqual({ delivered: 1 });
  expect((await ask("tag=other")).totals).toEqual({ delivered: 0 });
});

const tooManyIds = Array.from({ length: 101 }, newId).join();
test.each([
  ["metrics=opens", "validation_error", "Invalid `metrics` parameter. Allowed: `received`,"],
  [
    "dimensions=tags",
    "validation_error",
    "Allowed: `period`, `domain`, `email`, `broadcast`, `provider`, `tag`.",
  ],
  ["tag=a&tag=b", "validation_error", "takes one tag"],
  ["tag=a&domain_id=01900000-0000-7000-8000-000000000000", "validation_error", "`period` alone"],
  ["granularity=yearly", "validation_error", "Allowed: `hourly`, `daily`, `weekly`, `monthly`."],
  ["timezone=Mars/Olympus", "validation_error", "It must be the name of an IANA time zone"],
  ["start_date=yesterday", "validation_error", "Invalid `start_date` parameter. It must be an ISO 8601"],
  ["start_date=2026-07-02&end_date=2026-07-01", "validation_error", "must be on or before the `end_date`"],
  ["start_date=1990-01-01&granularity=hourly&dimensions=period", "validation_error", "10000 hourly periods"],
  ["email_id=1", "invalid_parameter", "The `email_id` must be a valid UUID."],
  ["broadcast_id=%00", "invalid_parameter", "The `broadcast_id` must be a valid UUID."],
  [`domain_id=${tooManyIds}`, "validation_error", "The `domain_id` parameter takes 100 ids at most"],
  ["dimensions=email,broadcast", "validation_error", "ask for emails or for broadcasts"],
  ["dimensions=provider,domain", "validation_error", "can be combined with `period` alone"],
])("%s is refused", async (query, name, message) => {
  const { status, body } = await get(`?${query}`);
  expect(status).toBe(422);
  expect(body).toMatchObject({ statusCode: 422, name, message: expect.stringContaining(message) });
});

test("many periods are refused only where they would be listed", async () => {
  expect((await get("?start_date=1990-01-01&granularity=hourly")).status).toBe(200);
});

test("a key that only sends may not ask, nor may nobody", async () => {
  const { token } = await createKey(app, team.teamId, { name: "sends", permission: "sending_access" });
  expect((await server.ask("GET", "/emails/metrics", { key: token })).body).toMatchObject({
    name: "restricted_api_key",
  });
  expect((await server.ask("GET", "/emails/metrics")).status).toBe(401);
});
