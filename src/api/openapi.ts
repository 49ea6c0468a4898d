import { type TSchema, Type as t } from "@sinclair/typebox";
import { exampleOf } from "./example.ts";

/** One answer of a route in the OpenAPI document. */
export const answer = (description: string, schema: TSchema) => ({
  description,
  content: { "application/json": { schema, example: exampleOf(schema) } },
});

/** A body in the OpenAPI document of a route that reads it by hand. */
export const requestBody = (schema: TSchema) => ({
  required: true,
  content: { "application/json": { schema, example: exampleOf(schema) } },
});

export const listOf = (item: TSchema) =>
  t.Object({ object: t.Literal("list"), has_more: t.Boolean(), data: t.Array(item) });

/** The same where it may be what a search found; `cursor` is the schema of what it goes on from. */
export const searchedListOf = (item: TSchema, cursor: TSchema) =>
  t.Object({
    ...listOf(item).properties,
    next: t.Optional({ ...cursor, description: "Of a search that goes on: what to give as `after`." }),
  });

const error = (description: string, statusCode: number, name: string, message: string) =>
  answer(
    description,
    t.Object(
      { statusCode: t.Integer(), name: t.String(), message: t.String() },
      { examples: [{ statusCode, name, message }] },
    ),
  );

/** What any route with a caller may answer instead. */
export const errorAnswers = {
  401: error("No key, or one that may not do this", 401, "missing_api_key", "Missing API key"),
  403: error(
    "An unknown key, or a domain that is not verified",
    403,
    "invalid_api_key",
    "API key is invalid",
  ),
  404: error("No such thing in this team", 404, "not_found", "Email not found"),
  422: error("A field is missing or wrong", 422, "missing_required_field", "Missing `to` field."),
  429: error("Too many requests", 429, "rate_limit_exceeded", "Too many requests."),
  500: error("A fault of ours", 500, "internal_server_error", "An unexpected error occurred."),
  503: error(
    "Nothing can be stored right now",
    503,
    "service_unavailable",
    "The server can't store anything right now.",
  ),
};

/** What a route that reads a body may answer besides. */
export const bodyErrorAnswers = {
  ...errorAnswers,
  400: error("The body is not JSON", 400, "validation_error", "Request body must be valid JSON."),
  409: error(
    "It is there already, or the idempotency key was used for another request",
    409,
    "validation_error",
    "The domain example.com is already added.",
  ),
  413: error("The body is too large", 413, "validation_error", "The request body is too large."),
  415: error(
    "The body says that it is something else than JSON",
    415,
    "validation_error",
    "The request body must be JSON.",
  ),
};
