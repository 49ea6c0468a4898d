import { expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020, { type AnySchema } from "ajv/dist/2020";
import addFormats from "ajv-formats";
import { testApp } from "../../test/support/test-app.ts";
import { apiRoutes } from "./routes.ts";

const server = apiRoutes(await testApp({ sandbox: true }), "1.2.3");

type JsonSchema = { type?: string; properties?: Record<string, unknown>; examples?: unknown[] };
interface Content {
  content: Record<string, { schema: JsonSchema; example?: unknown }>;
}
interface Operation {
  summary?: string;
  tags?: string[];
  security?: unknown[];
  parameters?: { name: string; in: string; schema: unknown; required?: boolean }[];
  requestBody?: Content;
  responses: Record<string, Content & { description: string }>;
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  security: unknown[];
  components: { securitySchemes: Record<string, unknown> };
  paths: Record<string, Record<string, Operation>>;
}

const ask = (path: string) => server.handle(new Request(`http://mailit.test${path}`));
const document = (await (await ask("/openapi/json")).json()) as Document;

const routes = server.routes.filter(({ path }) => !path.startsWith("/openapi"));
const operations = routes.map(({ method, path }): [string, string, Operation | undefined] => {
  const written = path.replace(/:(\w+)/g, "{$1}");
  const found = document.paths[written] ?? document.paths[written.replace(/\/$/, "")];
  return [`${method} ${path}`, path, found?.[method.toLowerCase()]];
});

test("the document is OpenAPI 3, with a key as a bearer token", () => {
  expect(document.openapi).toMatch(/^3\.1\.\d+$/);
  expect(document.info).toMatchObject({ title: "MailIt", version: "1.2.3" });
  expect(document.security).toEqual([{ bearer: [] }]);
  expect(document.components.securitySchemes).toEqual({ bearer: { type: "http", scheme: "bearer" } });
});

test.each(operations)("%s is described: a summary, its parameters, what it answers", (_, path, operation) => {
  expect(operation?.summary).toBeString();
  expect(operation?.tags).toBeArrayOfSize(1);
  const { parameters = [], responses } = operation!;
  const inPath = parameters.filter((parameter) => parameter.in === "path");
  expect(inPath.map(({ name }) => name)).toEqual([...path.matchAll(/:(\w+)/g)].map(([, name]) => name!));
  expect(inPath.every(({ required }) => required)).toBeTrue();

  const statuses = Object.keys(responses);
  expect(statuses.filter((status) => status.startsWith("2"))).not.toBeEmpty();
  expect(statuses).toContainValues(["401", "422", "500", "503"]);
  for (const [status, { description, content }] of Object.entries(responses)) {
    expect(description).not.toBe("");
    const file =
      status === "200" && (content["text/csv"] ?? content["message/rfc822"] ?? content["text/plain"]);
    expect(file || content["application/json"]).toMatchObject({
      schema: { type: file ? "string" : "object" },
    });
  }
});

const reading = operations.filter(
  ([name]) =>
    /^(POST|PATCH) /.test(name) &&
    !/\/(verify|cancel|resend|rotate|webhooks\/:id\/test|events\/:eventId\/replay|publish|duplicate|restore|teams\/:id\/token)$/.test(
      name,
    ) &&
    !/\/(segments\/:segmentId|broadcasts\/:id\/(pause|resume))$/.test(name),
);
test.each(reading)("%s says what its body is and how it is refused", (_, __, operation) => {
  const { content } = operation!.requestBody!;
  const form = content["application/json"] ?? content["multipart/form-data"];
  expect(form?.schema.type).toBeOneOf(["object", "array"]);
  expect(Object.keys(operation!.responses)).toContainValues(["400", "413", "415"]);
});

const lists = operations.filter(
  ([name, , list]) =>
    name !== "GET /emails/:id/deliveries" && // all of them, always: there are fifty recipients at most
    !name.includes("/domains/:id/routes") && // the same: two hundred at most
    name !== "GET /domains/:id/dkim" && // the same: a few
    name !== "GET /webhooks/event-types" && // the same
    name !== "GET /contacts/:idOrEmail/dynamic-segments" && // the same: of the newest fifty
    name !== "GET /emails/receiving/:id/webhook-events" && // the same: one for each webhook
    name !== "GET /inbound/emails" && // by numbers, as the original had it
    name !== "GET /account/teams" && // all that a person is in, by name
    name !== "GET /queue/lanes" && // lanes have names, not ids: they are paged forwards only
    list?.responses[200]?.content["application/json"]?.schema.properties?.has_more !== undefined,
);
test.each(lists)("%s says how it is paged", (_, __, list) => {
  const inQuery = list!.parameters!.filter((parameter) => parameter.in === "query");
  expect(inQuery.map(({ name }) => name)).toEqual(expect.arrayContaining(["after", "before", "limit"]));
});

test("the document is what OpenAPI 3.1 asks for", async () => {
  expect(await new Validator().validate(structuredClone(document) as never)).toEqual({ valid: true });
});

const ajv = addFormats(new Ajv2020({ strict: false, logger: false }));

/** What is asked and answered in JSON, each with its example. */
const shapes = operations.flatMap(([name, , operation]) => [
  ...[operation?.requestBody?.content["application/json"]].flatMap((body) =>
    body ? [[`the request of ${name}`, body.schema, body.example ?? body.schema.examples?.[0]] as const] : [],
  ),
  ...Object.entries(operation?.responses ?? {}).flatMap(([status, { content }]) => {
    const body = content["application/json"];
    return body ? [[`the answer ${status} of ${name}`, body.schema, body.example] as const] : [];
  }),
]);
test.each(shapes)("%s has an example that is one, down to each field", (_, schema, example) => {
  ajv.validate(schema as AnySchema, example);
  expect(ajv.errors ?? []).toEqual([]);
  expect(JSON.stringify(example)).not.toContain('"string"'); // what a field without an example would hold
});

test("only signing in asks for no key", () => {
  const open = operations.filter(([, , operation]) => operation?.security?.length === 0);
  expect(open.map(([name]) => name)).toEqual([
    "POST /auth/register",
    "POST /auth/login",
    "POST /auth/accept-invite",
  ]);
});
