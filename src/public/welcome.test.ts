import { expect, test } from "bun:test";
import { Elysia } from "elysia";
import { testApp } from "../../test/support/test-app.ts";
import { welcomeRoutes } from "./welcome.ts";

const app = await testApp();
const server = new Elysia().use(welcomeRoutes(app, "1.2.3"));
const get = (path: string) => server.handle(new Request(`http://mailit.test${path}`));

test("a browser at the server's address learns what runs there, without any script", async () => {
  const response = await get("/");
  const html = await response.text();
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(html).toStartWith("<!doctype html><html");
  expect(html).toContain("Version 1.2.3");
  expect(html).toContain("http://mailit.test");
  expect(html).not.toMatch(/<script|<style|style=/);
});

test("everything the page links to under /assets is there", async () => {
  const html = await (await get("/")).text();
  const links = [...html.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path]) => path!);
  expect(links.length).toBeGreaterThan(0);
  for (const path of links) expect((await get(path)).status).toBe(200);
});

test("no other name under /assets leads anywhere", async () => {
  for (const path of ["/assets/../package.json", "/assets/__proto__", "/assets/nope.css"]) {
    expect((await get(path)).status).not.toBe(200);
  }
});
