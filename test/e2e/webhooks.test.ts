import { Database } from "bun:sqlite";
import { expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { type HttpsHost, startHttpsHost } from "../support/https-host.ts";
import { startMailit } from "./mailit.ts";
import { type Api, apiOf, firstEmail, folderOfTest, setUp, storyMs, until, verify } from "./story.ts";

setDefaultTimeout(storyMs);

async function startReceiver(): Promise<HttpsHost> {
  const receiver = await startHttpsHost({ isPlain: true });
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  return receiver;
}

const env = { MAILIT_RATE_LIMIT_ENABLED: "false" };

async function prepare(receiver: HttpsHost, events: string[]) {
  const folder = await folderOfTest();
  const { api_key, domain } = await setUp(folder);
  const start = async () => {
    const mailit = await startMailit({ folder, env });
    return {
      mailit,
      api: apiOf(mailit, api_key),
      [Symbol.asyncDispose]: () => mailit[Symbol.asyncDispose](),
    };
  };
  const begin = async (api: Api) => {
    await verify(api, domain.id);
    const made = await api.post("/webhooks", { endpoint: `http://127.0.0.1:${receiver.port}/`, events });
    expect(made.status).toBe(201);
    return made.body.id as string;
  };
  return { folder, start, begin };
}

/** What was delivered, and what of it the receiver was told, each recipient once. */
const deliveredIn = (folder: string): string[] => {
  using database = new Database(join(folder, "data/mailit.db"));
  const rows = database.query(
    "select recipient from deliveries where state = 'delivered' order by recipient",
  );
  return rows.values().flat() as string[];
};
const toldTo = ({ requests }: HttpsHost): string[] => [
  ...new Set(requests.map(({ body }) => JSON.parse(body).data.recipient as string)),
];
const jobsLeft = (folder: string): number => {
  using database = new Database(join(folder, "data/mailit.db"), { readonly: true });
  const row = database.query("select count(*) as count from jobs where kind in ('deliver', 'webhook')").get();
  return (row as { count: number }).count;
};

test("kill -9 between an event and its call, again and again: every event is told", async () => {
  const receiver = await startReceiver();
  const { folder, start, begin } = await prepare(receiver, ["email.delivered"]);
  const kills = 6;
  for (let kill = 0; kill <= kills; kill++) {
    // Nobody answers while there are kills to come: what is told then is told in vain, and does not count.
    receiver.answer((_request, response) => void (kill === kills && response.end()));
    receiver.requests.length = 0;
    await using server = await start();
    if (kill === 0) await begin(server.api);
    if (kill === kills) {
      await until("no job is left", async () => (jobsLeft(folder) === 0 ? true : undefined), 100);
      break;
    }
    const before = deliveredIn(folder).length;
    const to = Array.from({ length: 50 }, (_, n) => `delivered+${kill}.${n}@lane${n}.example`);
    expect(await server.api.post("/emails", { ...firstEmail, to })).toMatchObject({ status: 200 });
    await until("some are delivered", async () =>
      deliveredIn(folder).length > before + 5 ? true : undefined,
    );
    await server.mailit.kill9();
  }
  expect(deliveredIn(folder)).toHaveLength(kills * 50);
  expect(toldTo(receiver).sort()).toEqual(deliveredIn(folder));
}, 180_000);

test("15,000 events reach one endpoint", async () => {
  const receiver = await startReceiver();
  receiver.answer((_request, response) => response.end());
  const { start, begin, folder } = await prepare(receiver, ["suppression.added"]);
  await using server = await start();
  const webhookId = await begin(server.api);
  const emails = Array.from({ length: 15_000 }, (_, n) => `user${n}@example.org`);
  for (let from = 0; from < emails.length; from += 100) {
    const answer = await server.api.post("/suppressions/batch/add", {
      emails: emails.slice(from, from + 100),
    });
    expect(answer.status).toBe(201);
  }
  await until("no call is left", async () => (jobsLeft(folder) === 0 ? true : undefined), 100);
  const told = receiver.requests.map(({ body }) => JSON.parse(body).data.email as string);
  expect(told.sort()).toEqual(emails.sort());
  const { body } = await server.api.get(`/webhooks/${webhookId}/events?limit=100`);
  expect(new Set(body.data.map((event: { status: string }) => event.status))).toEqual(new Set(["success"]));
}, 180_000);
