import { expect, test } from "bun:test";
import { Elysia } from "elysia";
import { referenceRoutes } from "./reference.ts";

const hostile = "<script>alert(1)</script>";
const document = {
  info: { version: "1.2.3" },
  paths: {
    "/emails": {
      post: {
        summary: "Send an email",
        tags: ["Emails"],
        requestBody: {
          content: {
            "application/json": {
              schema: {
                allOf: [
                  {
                    properties: {
                      to: { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] },
                    },
                  },
                  { properties: { from: { type: "string", description: hostile } }, required: ["from"] },
                ],
              },
              example: { from: hostile },
            },
          },
        },
        responses: { 200: { description: "Sent" }, 422: { description: "A field is wrong" } },
      },
    },
    "/emails/{id}": {
      get: {
        summary: "Get an email",
        tags: ["Emails"],
        parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
      },
    },
  },
};

const server = new Elysia().use(referenceRoutes({ handle: () => Response.json(document) }));

test("every route of the document is there, with what it takes and answers", async () => {
  const page = await server.handle(new Request("http://mailit.test/openapi"));
  expect(page.headers.get("content-type")).toStartWith("text/html");
  expect(page.headers.get("content-security-policy")).toStartWith("default-src 'none'");
  const text = (await page.text()).replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
  for (const part of [
    "POST /emails Send an email",
    "to string or list of string",
    "from string, required",
    "200: Sent",
    "Or: 422 A field is wrong.",
    "GET /emails/{id} Get an email",
    "id string, in the path, required",
  ]) {
    expect(text).toContain(part);
  }
});

test("it asks nothing of another host, runs no script, and what it describes stays text", async () => {
  const page = await server.handle(new Request("http://mailit.test/openapi"));
  const html = await page.text();
  const asked = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address!);
  expect(asked.filter((address) => !/^[/#](?!\/)/.test(address))).toEqual([]);
  expect(html).not.toContain("<script");
});
