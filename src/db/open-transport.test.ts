import { expect, test } from "bun:test";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { closedAfterwards, temporaryFolder, temporaryHranaServer } from "../../test/support/transports.ts";
import { ConfigFault } from "../errors.ts";
import { openTransport } from "./open-transport.ts";

test("no URL and a file URL open the embedded database", async () => {
  const path = join(temporaryFolder(), "mailit.db");
  for (const url of [undefined, "", "file:", `file:${path}`, pathToFileURL(path).href]) {
    await openTransport({ url, path }).close();
    expect(await Bun.file(path).exists()).toBe(true);
    await Bun.file(path).delete();
  }
});

test("a file URL that leads elsewhere is refused", () => {
  const path = join(temporaryFolder(), "mailit.db");
  for (const url of ["file:/elsewhere/mailit.db", "file:///elsewhere/mailit.db"]) {
    expect(() => openTransport({ url, path })).toThrow(ConfigFault);
  }
});

test("an http URL opens the server it names and makes no file", async () => {
  const path = join(temporaryFolder(), "mailit.db");
  const transport = closedAfterwards(openTransport({ url: await temporaryHranaServer(), path }));
  expect((await transport.query("select 1", [], "get")).rows).toEqual([1]);
  expect(await Bun.file(path).exists()).toBe(false);
});
