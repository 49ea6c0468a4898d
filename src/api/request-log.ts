import { ElysiaCustomStatusResponse, StatusMap } from "elysia";
import { timeOfId } from "../ids.ts";
import type { Answered, Asked } from "../logs/record.ts";
import type { Caller } from "./auth.ts";
import { pathOf } from "./request-path.ts";

/** What a request asks, for its log: there once its caller is known, so that strangers fill nobody's log. */
export const nothingAsked = undefined as Asked | undefined;

/** Without the query: its values are searched for by nobody, and some are addresses of people. */
export function askedBy(caller: Caller, request: Request, id: string, address: string): Asked {
  return {
    teamId: caller.teamId,
    id,
    keyId: caller.keyId ?? null,
    method: request.method,
    path: pathOf(request.url),
    userAgent: request.headers.get("user-agent"),
    address,
    createdAt: timeOfId(id),
    body: undefined,
  };
}

/** What a route answered; its body where it is JSON, and not a file or a page. */
export function answeredWith(value: unknown, status: number | keyof StatusMap = 200): Answered {
  if (value instanceof ElysiaCustomStatusResponse) return answeredWith(value.response, value.code);
  if (value instanceof Response) return { status: value.status, body: undefined };
  const isJson = Array.isArray(value) || Object.prototype.toString.call(value) === "[object Object]";
  return {
    status: typeof status === "number" ? status : StatusMap[status],
    body: isJson ? value : undefined,
  };
}
