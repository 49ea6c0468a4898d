import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { addUser } from "../accounts/service.ts";
import { issueToken } from "../accounts/sessions.ts";
import { atomically } from "../app.ts";
import { counters } from "../events/schema.ts";
import { createKey } from "../keys/service.ts";
import { periodMetricsRoutes } from "./period-metrics.ts";
import { makeServer } from "./server.ts";

const app = await testApp({ now: new Date("2026-03-14T15:30:00Z") });
const server = makeServer(app).use(periodMetricsRoutes(app, async () => new Response("for Prometheus")));

async function ask(query: string, authorization?: string) {
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  const response = await server.handle(new Request(`http://mailit.test/metrics${query}`, { headers }));
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
}

const team = await testTeam(app);
const counted = (at: string, event: "email.delivered" | "email.bounced" | "email.opened", total: number) =>
  app.db.insert(counters).values({
    ...{ teamId: team.teamId, hour: new Date(at), domainId: "", broadcastId: "", event, total },
  });
await atomically(app, [
  counted("2026-03-08T10:00:00Z", "email.delivered", 8),
  counted("2026-03-14T10:00:00Z", "email.delivered", 7),
  counted("2026-03-14T10:00:00Z", "email.opened", 3),
  counted("2026-03-14T11:00:00Z", "email.bounced", 5),
]);
const nothing = { sent: 0, delivered: 0, bounced: 0, failed: 0, opened: 0, clicked: 0, complained: 0 };

test("a key is told its team's last day by the hour", async () => {
  const { status, body } = await ask("?period=24h", team.headers.authorization);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    ...{ period: "24h", from: "2026-03-13T16:00:00.000Z", to: "2026-03-14T15:30:00.000Z" },
    totals: {
      ...nothing,
      sent: 12,
      delivered: 7,
      bounced: 5,
      opened: 3,
      delivery_rate: 58.33,
      bounce_rate: 41.67,
    },
  });
  expect(body.data).toHaveLength(24);
  expect(body.data[0]).toEqual({ date: "16:00", ...nothing });
  expect(body.data[18]).toEqual({ date: "10:00", ...nothing, sent: 7, delivered: 7, opened: 3 });
});

test("a person is told the last week and month by the day; what is no period is a week", async () => {
  const person = { email: "ada@example.com", password: "correct horse", name: "Ada" };
  const user = await addUser(app, { teamId: team.teamId, role: "viewer", ...person });
  const bearer = `Bearer ${await issueToken(app, user, team.teamId)}`;
  const week = (await ask("?period=7d", bearer)).body;
  expect(week.data.map(({ date, sent }: { date: string; sent: number }) => [date, sent])).toEqual([
    ...[
      ["Mar 8", 8],
      ["Mar 9", 0],
      ["Mar 10", 0],
      ["Mar 11", 0],
      ["Mar 12", 0],
      ["Mar 13", 0],
      ["Mar 14", 12],
    ],
  ]);
  expect((await ask("?period=1y", bearer)).body).toEqual(week);
  expect((await ask("?period=30d", bearer)).body).toMatchObject({ period: "30d", totals: { sent: 20 } });
});

test("who asks for no period, or with nothing that is a key, is a Prometheus server", async () => {
  const prometheus = { status: 200, body: "for Prometheus" };
  expect(await ask("", team.headers.authorization)).toEqual(prometheus);
  expect(await ask("?period=7d")).toEqual(prometheus);
  expect(await ask("?period=7d", "Bearer the-metrics-token")).toEqual(prometheus);
});

test("a key that is none, and one that may only send, are refused", async () => {
  expect(await ask("?period=7d", "Bearer re_wrong")).toMatchObject({
    status: 403,
    body: { name: "invalid_api_key" },
  });
  const { token } = await createKey(app, team.teamId, { name: "Sender", permission: "sending_access" });
  expect(await ask("?period=7d", `Bearer ${token}`)).toMatchObject({
    status: 401,
    body: { name: "restricted_api_key" },
  });
});
