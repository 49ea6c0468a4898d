import { expect, test } from "bun:test";
import { testSegment } from "../../test/support/audience-rows.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { addWaiting } from "../../test/support/waiting.ts";
import { issueToken } from "../accounts/sessions.ts";
import { atomically } from "../app.ts";
import { createBroadcast } from "../broadcasts/change.ts";
import { rawWrite } from "../db/write.ts";
import { newId } from "../ids.ts";
import { apiRoutes } from "./routes.ts";

// Every statement of these requests is looked at by test/support/query-plans.ts: that none reads a whole table is seen
// here even where no other test asks for a list with this cursor or that filter.

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema: { enum?: string[]; const?: string; anyOf?: { const?: string }[]; format?: string };
}

const app = await testApp({ sandbox: true, now: new Date(), config: { rateLimit: { enabled: false } } });
const server = testServer(app);
const { teamId, user, key, keyId } = await testTeam(app);
const personsToken = await issueToken(app, user, teamId);
const domain = await testDomain(app, teamId);
const [waiting] = await addWaiting(app, teamId, { domainId: domain.id }, {}, {});

const segmentId = (await testSegment(app, teamId)).id;
const { id: broadcastId } = await createBroadcast(app, teamId, {
  ...{ segmentId, from: "ada@example.com", subject: "News", text: "Hi" },
});
await atomically(app, [
  rawWrite("update broadcasts set email_id = ? where id = ?", [waiting!.emailId, broadcastId]),
]);

const document = await apiRoutes(app, "0.0.0-test").handle(
  new Request("http://mailit.test/openapi/json", { headers: { authorization: `Bearer ${key}` } }),
);
const { paths } = (await document.json()) as {
  paths: Record<string, Record<string, { parameters?: Parameter[] }>>;
};

/** Ids that are there, by the collection they are of: what is of nobody is refused before anything is listed. */
const ids: Record<string, string> = {
  emails: waiting!.emailId,
  domains: domain.id,
  "api-keys": keyId,
  broadcasts: broadcastId,
};
const lists = Object.entries(paths).flatMap(([path, { get }]) => {
  const query = (get?.parameters ?? []).filter((parameter) => parameter.in === "query");
  const isPaged = query.some(({ name }) => name === "limit" || name === "per_page");
  if (!get || !(isPaged || /\/(deliveries|routes)$/.test(path))) return [];
  const collection = path.split("/")[1]!;
  return [
    { path: path.replaceAll(/\{\w+\}/g, ids[collection] ?? newId()), query, hasId: path.includes("{") },
  ];
});

/** Values a filter takes, as far as its schema tells them. */
function valuesOf({ schema }: Parameter): string[] {
  const known = schema.enum ?? (schema.anyOf ?? [schema]).flatMap(({ const: value }) => value ?? []);
  return known.length > 0 ? known : ["x"];
}

/** Webhook events and their attempts have ids of a form of their own, and so have links. */
function cursorOf(path: string): string {
  if (path.endsWith("/clicked-links")) return "A".repeat(11);
  const prefix = /^\/webhooks\/.*\/events$/.test(path) ? "msg_" : path.endsWith("/attempts") ? "atmpt_" : "";
  return prefix === "" ? newId() : prefix + newId().replaceAll("-", "");
}

test("there are lists", () => {
  expect(lists.map(({ path }) => path)).toContain("/emails");
});

test.each(lists.map((list) => [list.path, list] as const))(
  "GET %s is answered for every cursor and filter",
  async (path, { query, hasId }) => {
    const cursor = cursorOf(path);
    const takes = (name: string) => query.some((parameter) => parameter.name === name);
    const pages = ["", "limit=2", `after=${cursor}&limit=2`, `before=${cursor}&limit=2`].filter((page) =>
      ["after", "before", "limit"].every((name) => !page.includes(`${name}=`) || takes(name)),
    );
    const filters = query
      .filter(({ name }) => !["after", "before", "limit"].includes(name))
      .flatMap((parameter) => valuesOf(parameter).map((value) => `${parameter.name}=${value}`));
    // What has to be there is there every time, with each of its values.
    const required = query.find((parameter) => parameter.required)?.name;
    const optional = filters.filter((filter) => !filter.startsWith(`${required}=`));
    const needed = required ? filters.filter((filter) => filter.startsWith(`${required}=`)) : [""];
    for (const page of pages.flatMap((each) =>
      needed.map((value) => [each, value].filter(Boolean).join("&")),
    )) {
      for (const filter of ["", ...optional]) {
        const { status } = await server.ask("GET", `${path}?${[page, filter].filter(Boolean).join("&")}`, {
          key: path.startsWith("/account/") ? personsToken : key,
        });
        // A filter whose values the document does not tell may refuse this one, and what is of an unknown id is not there.
        expect([200, ...(filter === "" ? [] : [422]), ...(hasId ? [404] : [])]).toContain(status);
      }
    }
  },
);

test("metrics are answered for every combination of dimensions and filters", async () => {
  const dimensions = [
    "",
    "period",
    "domain",
    "broadcast",
    "email",
    "email,domain,period",
    "broadcast,domain",
  ];
  const filters = ["", `domain_id=${domain.id}`, `email_id=${waiting!.emailId}`, `broadcast_id=${newId()}`];
  for (const chosen of dimensions) {
    for (const filter of filters) {
      const { status } = await server.ask("GET", `/emails/metrics?dimensions=${chosen}&${filter}`, { key });
      expect([200, 422]).toContain(status);
    }
  }
});
