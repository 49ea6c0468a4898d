import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { MxScript } from "../support/mx-host.ts";
import { type Internet, startInternet } from "./internet.ts";
import { type Mailit, startMailit } from "./mailit.ts";
import {
  type Api,
  apiOf,
  everythingOf,
  firstEmail,
  folderOfTest,
  setUp,
  storyMs,
  until,
  verify,
} from "./story.ts";

setDefaultTimeout(storyMs);

const emailCount = 100;
const recipientsPerEmail = 50;
/** How many jobs one node has under way at most: what a crash may have to do twice. */
const mostInFlight = 256;

/** A folder whose domain is verified, and the outside world it sends to. */
async function prepare(script: MxScript = {}) {
  const internet = await startInternet("example.com", script);
  // Every domain has a lane of its own, so that all the permits are in use when the power goes.
  for (let lane = 0; lane < recipientsPerEmail; lane++) {
    internet.set(`lane${lane}.example`, "MX", "10 mx.example.com");
  }
  // More requests a second than a key may make, so that the kill meets many of them.
  const env = { ...internet.env, MAILIT_SMTP_OUTBOUND_TLS: "off", MAILIT_RATE_LIMIT_ENABLED: "false" };
  const folder = await folderOfTest();
  const { api_key, domain } = await setUp(folder, env);
  internet.publish(domain.records);
  const start = () => startMailit({ folder, args: ["serve"], env });
  return { internet, folder, start, apiKey: api_key, domainId: domain.id };
}

/** Answers once so many messages have arrived, or throws when it takes too long. */
async function arrived({ mx }: Internet, count: number, mailit: Mailit): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      late.reject(new Error(`${mx.received.length} of ${count} arrived:\n${mailit.stderr().slice(-2_000)}`)),
    40_000,
  );
  await Promise.race([mx.waitForMessages(count), late.promise]).finally(() => clearTimeout(timer));
}

/** What is left to do, read past the running server. */
function deliverJobsLeft(folder: string): number {
  using database = new Database(join(folder, "data/mailit.db"), { readonly: true });
  const row = database.query("select count(*) as count from jobs where kind = 'deliver'").get();
  return (row as { count: number }).count;
}

/** The recipients whose delivery is on disk as done. */
function recordedAsDelivered(folder: string): Set<string> {
  using database = new Database(join(folder, "data/mailit.db"));
  const rows = database.query("select recipient from deliveries where state = 'delivered'").values();
  return new Set(rows.flat() as string[]);
}

const lastEvents = async (api: Api): Promise<string[]> =>
  (await everythingOf<{ id: string; last_event: string }>(api, "/emails")).map(
    ({ last_event }) => last_event,
  );

test("kill -9 in the middle of 5,000 jobs, start again: every job has run, none is left", async () => {
  const { internet, folder, start, apiKey, domainId } = await prepare();
  const recipients = new Set<string>();
  {
    await using mailit = await start();
    const api = apiOf(mailit, apiKey);
    await verify(api, domainId);
    const requests = Array.from({ length: emailCount }, (_, email) => {
      const to = Array.from({ length: recipientsPerEmail }, (_, lane) => `user${email}@lane${lane}.example`);
      for (const address of to) recipients.add(address);
      return api.post("/emails", { ...firstEmail, to });
    });
    const answers = await Promise.all(requests);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    await arrived(internet, 300, mailit);
    await mailit.kill9();
  }
  const before = internet.mx.received.length;
  expect(before).toBeLessThan(recipients.size);

  await using mailit = await start();
  const api = apiOf(mailit, apiKey);
  await until("no job is left", async () => (deliverJobsLeft(folder) === 0 ? true : undefined), 40);

  const received = internet.mx.received.flatMap(({ to }) => to);
  expect(new Set(received)).toEqual(recipients);
  expect(received.length - recipients.size).toBeLessThanOrEqual(mostInFlight);
  expect(await lastEvents(api)).toEqual(new Array(emailCount).fill("delivered"));
}, 90_000);

test("whatever was answered 200 before a kill -9 is there after it, and is delivered", async () => {
  const { internet, folder, start, apiKey, domainId } = await prepare();
  const accepted: string[] = [];
  {
    await using mailit = await start();
    const api = apiOf(mailit, apiKey);
    await verify(api, domainId);
    const enough = Promise.withResolvers<void>();
    const hammer = async (lane: number) => {
      for (let email = 0; ; email++) {
        const to = `user${email}@lane${lane}.example`;
        // The connection that breaks has no answer, and so no promise.
        const answer = await api.post("/emails", { ...firstEmail, to }).catch(() => undefined);
        if (!answer) return;
        expect(answer.status).toBe(200);
        if (accepted.push(answer.body.id) === 500) enough.resolve();
      }
    };
    const hammers = Array.from({ length: 16 }, (_, lane) => hammer(lane));
    await Promise.race([enough.promise, ...hammers]);
    await mailit.kill9();
    await Promise.all(hammers);
  }

  await using mailit = await start();
  const api = apiOf(mailit, apiKey);
  const there = new Set((await everythingOf<{ id: string }>(api, "/emails")).map(({ id }) => id));
  expect(accepted.filter((id) => !there.has(id))).toEqual([]);
  expect(await api.get(`/emails/${accepted.at(-1)}`)).toMatchObject({ status: 200 });
  await until("no job is left", async () => (deliverJobsLeft(folder) === 0 ? true : undefined), 40);
  expect(new Set(await lastEvents(api))).toEqual(new Set(["delivered"]));
  expect(internet.mx.received.length).toBeGreaterThanOrEqual(there.size);
}, 60_000);

const kills = 20;

test("kill -9 during delivery, twenty times: nothing is lost, and twice comes only what was taken but not yet on disk", async () => {
  // A little slower than it could be, so that every kill finds messages at every step.
  const { internet, folder, start, apiKey, domainId } = await prepare({
    message: { slowly: "250 2.0.0 OK\r\n", everyMs: 1 },
  });
  const wanted = new Set<string>();
  const mayComeTwice = new Set<string>();
  for (let kill = 0; kill <= kills; kill++) {
    await using mailit = await start();
    const api = apiOf(mailit, apiKey);
    if (kill === 0) await verify(api, domainId);
    if (kill === kills) {
      await until("no job is left", async () => (deliverJobsLeft(folder) === 0 ? true : undefined), 40);
      break;
    }
    const to = Array.from({ length: 50 }, (_, lane) => `user${kill}@lane${lane}.example`);
    for (const address of to) wanted.add(address);
    expect(await api.post("/emails", { ...firstEmail, to })).toMatchObject({ status: 200 });
    await arrived(internet, internet.mx.received.length + 20, mailit);
    await mailit.kill9();
    const recorded = recordedAsDelivered(folder);
    for (const address of internet.mx.received.flatMap((each) => each.to)) {
      if (!recorded.has(address)) mayComeTwice.add(address);
    }
  }
  const copies = Map.groupBy(
    internet.mx.received.flatMap(({ to }) => to),
    (address) => address,
  );
  expect(new Set(copies.keys())).toEqual(wanted);
  const twice = [...copies].filter(([, each]) => each.length > 1).map(([address]) => address);
  expect(twice.filter((address) => !mayComeTwice.has(address))).toEqual([]);
  expect(recordedAsDelivered(folder)).toEqual(wanted);
}, 120_000);
