import { expect, test } from "bun:test";
import { assetUrl, findAsset } from "../assets/index.ts";

const bytesOf = (name: string) => findAsset(assetUrl(name).slice("/assets/".length))!.body.length;

test("what every page of the admin loads is under 110 KB, which leaves 40 KB for the page itself", () => {
  const everyPage = ["admin.css", "htmx.js", "admin.js", "logo.svg"];
  const bytes = everyPage.reduce((sum, name) => sum + bytesOf(name), 0);
  expect(bytes).toBeLessThan(110_000);
  expect(bytesOf("editor.js")).toBeGreaterThan(110_000); // which is why only the two pages with an editor load it
});

test("an asset's address changes with what is in it, and no other name is served", () => {
  expect(assetUrl("admin.css")).toMatch(/^\/assets\/admin\.[0-9a-f]{12}\.css$/);
  for (const name of ["admin.css", "admin.000000000000.css", "__proto__", "../package.json"]) {
    expect(findAsset(name)).toBeUndefined();
  }
  expect(() => assetUrl("nothing.js")).toThrow();
});
