import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import type { LogFilter, StatusRange } from "./store.ts";

export type LogQuery = Partial<
  Record<"method" | "status" | "endpoint" | "api_key_id" | "from" | "to", string>
>;

/** Reads the filter of the list of logs. An empty value, as a form sends it, is none. */
export function readLogFilter(query: LogQuery): LogFilter {
  return {
    method: query.method ? readMethod(query.method) : undefined,
    status: query.status ? readStatus(query.status) : undefined,
    path: query.endpoint ? readEndpoint(query.endpoint) : undefined,
    keyId: query.api_key_id ? readKeyId(query.api_key_id) : undefined,
    from: query.from ? readTime("from", query.from) : undefined,
    to: query.to ? readTime("to", query.to) : undefined,
  };
}

function readMethod(text: string): string {
  const method = text.toUpperCase();
  if (/^(GET|HEAD|POST|PUT|PATCH|DELETE)$/.test(method)) return method;
  throw invalid("method", "It must be GET, HEAD, POST, PUT, PATCH or DELETE.");
}

function readStatus(text: string): StatusRange {
  if (text === "error") return { least: 400, end: 600 };
  const [, hundreds] = /^([1-5])xx$/i.exec(text) ?? [];
  if (hundreds !== undefined) return { least: Number(hundreds) * 100, end: Number(hundreds) * 100 + 100 };
  if (/^[1-5]\d\d$/.test(text)) return { least: Number(text), end: Number(text) + 1 };
  throw invalid("status", "It must be a status such as 422, a class such as 4xx or 5xx, or `error`.");
}

function readEndpoint(text: string): string {
  if (text.startsWith("/")) return text;
  throw invalid("endpoint", "It must be a path such as /emails, or the beginning of paths such as /emails*.");
}

function readKeyId(text: string): string {
  if (isId(text)) return text.toLowerCase();
  throw new Refusal("invalid_parameter", "The `api_key_id` must be a valid UUID.");
}

const isoTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/i;

function readTime(name: string, text: string): Date {
  const written = text.replace(/ (?=\d\d:?\d\d$)/, "+"); // what a plus in a query is, where nobody encoded it
  const [isTime, clock, zone] = isoTime.exec(written) ?? [];
  const time = isTime && isRealDate(written) ? new Date(clock && !zone ? `${written}Z` : written) : undefined;
  if (time && !Number.isNaN(time.getTime())) return time;
  throw invalid(name, "It must be a date or time in ISO 8601, such as 2026-03-01 or 2026-03-01T12:00:00Z.");
}

/** `Date` would go on from the 30th of February into March. */
const isRealDate = (text: string): boolean =>
  new Date(text.slice(0, 10)).getUTCDate() === Number(text.slice(8, 10));

const invalid = (name: string, rule: string): Refusal =>
  new Refusal("invalid_parameter", `Invalid \`${name}\` parameter. ${rule}`);
