import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import { startMailit } from "./mailit.ts";
import { folderOfTest, setUp, storyMs } from "./story.ts";

setDefaultTimeout(storyMs);

test("the log of a request made just before the stop is on disk after it", async () => {
  const folder = await folderOfTest();
  const { api_key: key } = await setUp(folder);
  await using mailit = await startMailit({ folder });
  const answer = await fetch(`${mailit.url}/domains`, { headers: { authorization: `Bearer ${key}` } });
  const id = answer.headers.get("x-request-id");
  expect(await mailit.stop()).toBe(0);

  using database = new Database(`${folder}/data/mailit.db`, { readonly: true });
  expect(database.query("select id, path, status, address from logs").all()).toEqual([
    { id, path: "/domains", status: 200, address: "127.0.0.1" },
  ]);
});
