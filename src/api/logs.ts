import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { App } from "../app.ts";
import { readLogFilter } from "../logs/filter.ts";
import { findLogsPlace, getLog, getLogs } from "../logs/read.ts";
import type { Log } from "../logs/schema.ts";
import type { ListedLog } from "../logs/store.ts";
import { authenticated } from "./auth.ts";
import { readPage } from "./list.ts";
import {
  askedNumbers,
  numberedList,
  numberedNote,
  numberedPageQuery,
  searchHasNoNumbers,
} from "./numbered.ts";
import { answer, errorAnswers } from "./openapi.ts";

const filters = t.Object(
  {
    ...numberedPageQuery.properties,
    method: t.Optional(t.String({ examples: ["POST"] })),
    status: t.Optional(t.String({ description: "A number, 2xx to 5xx, or error for 400 and above." })),
    endpoint: t.Optional(
      t.String({
        description: "A path; with * at its end every path that begins so.",
        examples: ["/emails*"],
      }),
    ),
    api_key_id: t.Optional(t.String()),
    from: t.Optional(t.String({ description: "ISO 8601; asked at this time or later." })),
    to: t.Optional(t.String({ description: "ISO 8601; asked before this time." })),
  },
  { additionalProperties: true },
);

const orNull = Type.Union([Type.String(), Type.Null()]);
const fields = {
  id: Type.String({ format: "uuid", description: "The `x-request-id` of the answer." }),
  created_at: Type.String({ format: "date-time" }),
  endpoint: Type.String(),
  method: Type.String(),
  response_status: Type.Integer(),
  user_agent: orNull,
  duration_ms: Type.Integer(),
  api_key_id: Type.Union([Type.String({ format: "uuid" }), Type.Null()]),
  address: orNull,
};
const list = Type.Object({
  object: Type.Literal("list"),
  has_more: Type.Boolean(),
  next: Type.Optional(
    Type.String({
      format: "uuid",
      description:
        "What to pass next as `after` (or `before`, where that was passed): with a filter a page may be short though more follow.",
    }),
  ),
  data: Type.Array(Type.Object(fields)),
});
const body = Type.Unsafe({
  description: "JSON, or null. Secrets are masked, long strings cut, and no more than about 4 KB is kept.",
});
const log = Type.Object({
  object: Type.Literal("log"),
  ...fields,
  request_body: body,
  response_body: body,
});

export const logRoutes = (app: App) =>
  new Elysia({ prefix: "/logs" })
    .use(authenticated(app, "full_access"))
    .get(
      "",
      async ({ caller, query }) => {
        const filter = readLogFilter(query);
        const numbers = askedNumbers(query);
        if (numbers) {
          if (Object.values(filter).some((value) => value !== undefined)) throw searchHasNoNumbers();
          return numberedList(
            numbers,
            () => findLogsPlace(app, caller.teamId, numbers),
            async ({ limit, after }) =>
              (await getLogs(app, caller.teamId, filter, { limit: limit + 1, after })).rows,
            toItem,
          );
        }
        const page = readPage(query, "paged");
        const limit = page.limit ?? 20;
        const { rows, next } = await getLogs(app, caller.teamId, filter, { ...page, limit });
        return {
          object: "list" as const,
          has_more: next !== undefined,
          ...(next === undefined ? {} : { next }),
          data: rows.map(toItem),
        };
      },
      {
        query: filters,
        detail: {
          summary: "List what was asked of the API",
          description: numberedNote,
          tags: ["Logs"],
          responses: { 200: answer("A page, newest first", list), ...errorAnswers },
        },
      },
    )
    .get("/:id", async ({ caller, params }) => toAnswer(await getLog(app, caller.teamId, params.id)), {
      detail: {
        summary: "Get a request and its answer",
        tags: ["Logs"],
        responses: { 200: answer("The log", log), ...errorAnswers },
      },
    });

function toItem({ id, createdAt, path, method, status, userAgent, durationMs, keyId, address }: ListedLog) {
  return {
    id,
    created_at: createdAt.toISOString(),
    endpoint: path,
    method,
    response_status: status,
    user_agent: userAgent,
    duration_ms: durationMs,
    api_key_id: keyId,
    address,
  };
}

const parsed = (text: string | null): unknown => (text === null ? null : JSON.parse(text));

function toAnswer(log: Log) {
  return {
    object: "log" as const,
    ...toItem(log),
    request_body: parsed(log.requestBody),
    response_body: parsed(log.responseBody),
  };
}
