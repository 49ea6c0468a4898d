import { expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { startHranaServer } from "../support/hrana-server.ts";
import { startMailit } from "./mailit.ts";
import {
  apiOf,
  everythingOf,
  firstEmail,
  folderOfTest,
  lastEventOf,
  setUp,
  storyMs,
  type TakenMessage,
  until,
  verify,
} from "./story.ts";

setDefaultTimeout(storyMs);

/** The settings of nodes that share one database: its address, and the one key that seals what is in it. */
async function sharedDatabase(): Promise<Record<string, string>> {
  const server = await startHranaServer();
  onTestFinished(() => server.close());
  return { MAILIT_DATABASE_URL: server.url, DKIM_MASTER_KEY: "5e".repeat(32) };
}

test("with a libSQL server for a database an email is set up, sent and delivered just so", async () => {
  const env = await sharedDatabase();
  const folder = await folderOfTest();
  const { api_key, domain } = await setUp(folder, env);
  await using mailit = await startMailit({ folder, env });
  const api = apiOf(mailit, api_key);
  await verify(api, domain.id);

  const { body } = await api.post("/emails", firstEmail);
  await lastEventOf(api, body.id, "delivered");

  const [message] = await everythingOf<TakenMessage>(api, "/sandbox/messages");
  expect(message!.dkim.map(({ result }) => result)).toEqual(["pass", "pass"]);
  expect(await mailit.stop()).toBe(0);
});

test("two nodes on one database deliver every email sent through either exactly once", async () => {
  const env = await sharedDatabase();
  const folders = [await folderOfTest(), await folderOfTest()] as const;
  const { api_key, domain } = await setUp(folders[0], env);
  await using one = await startMailit({ folder: folders[0], env });
  await verify(apiOf(one, api_key), domain.id);
  await using two = await startMailit({ folder: folders[1], env });
  const nodes = [apiOf(one, api_key), apiOf(two, api_key)];

  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, number) =>
      nodes[number % 2]!.post("/emails", { ...firstEmail, to: `user${number}@domain${number % 8}.example` }),
    ),
  );
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);

  const ids = answers.map(({ body }) => body.id).sort();
  for (const id of ids) await lastEventOf(nodes[0]!, id, "delivered");
  const taken = await everythingOf<TakenMessage>(nodes[1]!, "/sandbox/messages");
  expect(taken.map(({ email_id }) => email_id).sort()).toEqual(ids);

  // A node that goes leaves its work to the other.
  expect(await one.stop()).toBe(0);
  const { body } = await nodes[1]!.post("/emails", firstEmail);
  await lastEventOf(nodes[1]!, body.id, "delivered");
  await until("the other node still answers", async () =>
    (await fetch(`${two.url}/readyz`)).status === 200 ? true : undefined,
  );
});
