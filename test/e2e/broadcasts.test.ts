/** Broadcasts on the executable: through a crash, a pause, and the robots that open every link. */
import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { startInternet } from "./internet.ts";
import { startMailit } from "./mailit.ts";
import { type Api, apiOf, folderOfTest, setUp, startSandbox, storyMs, until, verify } from "./story.ts";

setDefaultTimeout(storyMs);

const lanes = 50;

/** So many contacts in a segment, written past the server, which must not be running. */
function fillAudience(folder: string, count: number): { segmentId: string; addresses: string[] } {
  using database = new Database(join(folder, "data/mailit.db"));
  const [teamId] = database.query("select id from teams").values()[0] as [string];
  const segmentId = Bun.randomUUIDv7();
  const people = Array.from({ length: count }, (_, n) => [
    Bun.randomUUIDv7(),
    `user${n}@lane${n % lanes}.example`,
  ]);
  const list = JSON.stringify(people);
  database.run("insert into segments (id, team_id, name, members, created_at) values (?, ?, 'All', 0, 1)", [
    segmentId,
    teamId,
  ]);
  database.run(
    `insert into contacts (team_id, id, email, unsubscribed, properties, created_at, updated_at)
     select ?, value ->> 0, value ->> 1, 0, '{}', 1, 1 from json_each(?)`,
    [teamId, list],
  );
  database.run(
    "insert into segment_members (segment_id, contact_id) select ?, value ->> 0 from json_each(?)",
    [segmentId, list],
  );
  return { segmentId, addresses: people.map(([, address]) => address!) };
}

/** A server that sends to a mail host of the test's. */
async function prepare(count: number) {
  const internet = await startInternet("example.com");
  for (let lane = 0; lane < lanes; lane++) internet.set(`lane${lane}.example`, "MX", "10 mx.example.com");
  const env = { ...internet.env, MAILIT_SMTP_OUTBOUND_TLS: "off", MAILIT_RATE_LIMIT_ENABLED: "false" };
  const folder = await folderOfTest();
  const { api_key: key, domain } = await setUp(folder, env);
  internet.publish(domain.records);
  const audience = fillAudience(folder, count);
  const start = () => startMailit({ folder, args: ["serve"], env });
  const received = () => internet.mx.received.flatMap(({ to }) => to);
  return { folder, key, domain, ...audience, start, received };
}

const draft = (segmentId: string) => ({
  ...{ segment_id: segmentId, from: "Ada <hello@example.net>", subject: "News" },
  html: "<p>Hi {{{contact.first_name|there}}}</p>",
});
const send = async (api: Api, segmentId: string): Promise<string> => {
  const { status, body } = await api.post("/broadcasts", { ...draft(segmentId), send: true });
  expect([status, body.message]).toEqual([201, undefined]);
  return body.id;
};

test("a broadcast with three kill -9 in the middle reaches each contact once; twice only what was taken but not yet on disk", async () => {
  const { folder, key, domain, segmentId, addresses, start, received } = await prepare(2_000);
  const delivered = () => {
    using database = new Database(join(folder, "data/mailit.db"));
    return database.query("select recipient from deliveries where state = 'delivered'").values().flat();
  };
  const mayComeTwice = new Set<string>();
  let id = "";
  for (let life = 0; life <= 3; life++) {
    await using mailit = await start();
    const api = apiOf(mailit, key);
    if (life === 0) {
      await verify(api, domain.id);
      id = await send(api, segmentId);
    }
    if (life === 3) {
      await until(
        "it is sent",
        async () => ((await api.get(`/broadcasts/${id}`)).body.status === "sent" ? true : undefined),
        60,
      );
      break;
    }
    // The first kill comes while recipients are still being written, or right after it.
    const wanted = life === 0 ? 1 : received().length + 300;
    await until("some have arrived", async () => (received().length >= wanted ? true : undefined), 60);
    await mailit.kill9();
    const onDisk = new Set(delivered());
    for (const address of received()) if (!onDisk.has(address)) mayComeTwice.add(address);
  }
  using database = new Database(join(folder, "data/mailit.db"));
  const [written] = database.query("select count(*), count(distinct recipient) from deliveries").values();
  expect(written).toEqual([2_000, 2_000]);
  const copies = Map.groupBy(received(), (address) => address);
  expect(new Set(copies.keys())).toEqual(new Set(addresses));
  const twice = [...copies].filter(([, all]) => all.length > 1).map(([address]) => address);
  expect(twice.filter((address) => !mayComeTwice.has(address))).toEqual([]);
}, 180_000);

test("a pause stops a broadcast within a second, and resumed it reaches everybody once", async () => {
  const { key, domain, segmentId, addresses, start, received } = await prepare(2_000);
  await using mailit = await start();
  const api = apiOf(mailit, key);
  await verify(api, domain.id);
  const id = await send(api, segmentId);
  await until("some have arrived", async () => (received().length >= 100 ? true : undefined), 60);
  expect((await api.post(`/broadcasts/${id}/pause`)).body).toEqual({ object: "broadcast", id });
  const pausedAt = Date.now();
  const later = (ms: number) =>
    until("time has passed", async () => (Date.now() - pausedAt > ms ? true : undefined));
  await later(1_000);
  const afterASecond = received().length;
  await later(3_000);
  expect(received().length).toBe(afterASecond);
  expect(afterASecond).toBeLessThan(addresses.length);
  expect((await api.get(`/broadcasts/${id}`)).body.status).toBe("paused");

  expect((await api.post(`/broadcasts/${id}/resume`)).status).toBe(200);
  await until(
    "it is sent",
    async () => ((await api.get(`/broadcasts/${id}`)).body.status === "sent" ? true : undefined),
    90,
  );
  expect(received().toSorted()).toEqual(addresses.toSorted());
}, 180_000);

test("a scanner that follows every link of a broadcast unsubscribes nobody; one click does", async () => {
  await using story = await startSandbox();
  const { setup, mailit } = story;
  await mailit.stop();
  const { segmentId, addresses } = fillAudience(story.folder, 1);
  await using again = await startMailit({ folder: story.folder });
  const after = apiOf(again, setup.api_key);
  const id = await send(after, segmentId);
  await until("it is sent", async () =>
    (await after.get(`/broadcasts/${id}`)).body.status === "sent" ? true : undefined,
  );
  const { body: taken } = await after.get("/sandbox/messages");
  const { raw } = (await after.get(`/sandbox/messages/${taken.data[0].id}`)).body;
  const [, path] = /List-Unsubscribe:\s*<[^>]*(\/unsubscribe\?token=[^>]*)>/.exec(
    raw.replace(/\r\n[ \t]/g, ""),
  )!;
  const contact = async () => (await after.get(`/contacts/${addresses[0]}`)).body.unsubscribed;
  for (const method of ["GET", "HEAD", "GET", "OPTIONS"]) await fetch(again.url + path, { method });
  expect(await contact()).toBeFalse();
  const { status } = await fetch(again.url + path, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "List-Unsubscribe=One-Click",
  });
  expect([status, await contact()]).toEqual([200, true]);
});
