import { Elysia } from "elysia";
import { h } from "preact";
import { LogPage, LogRows, LogsPage } from "../../views/logs.tsx";
import type { App } from "../app.ts";
import { timeOfId } from "../ids.ts";
import { listTeamKeys } from "../keys/service.ts";
import { type LogQuery, readLogFilter } from "../logs/filter.ts";
import { getLog, getLogs } from "../logs/read.ts";
import { mistakesOf } from "./mistakes.ts";
import { dayAfter } from "./moment.ts";
import { keysetOf, signedIn, type Visit } from "./visit.ts";

const fields = ["method", "status", "endpoint", "api_key_id", "from", "to"] as const;

/** What was asked of the API, and one request whole. */
export const logPages = (app: App) =>
  new Elysia({ prefix: "/logs" })
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const asked = readAsked(query);
      const keys = await keyNames(app, visit);
      const place = { title: "Logs", place: "logs" } as const;
      try {
        const page = { ...keysetOf(query), limit: 50 };
        const filter = readLogFilter({ ...asked, to: asked.to && dayAfter(asked.to) });
        const { rows, next } = await getLogs(app, visit.teamId, filter, page);
        const more = next && `/admin/logs?${new URLSearchParams({ ...asked, after: next })}`;
        const list = {
          logs: rows,
          keys,
          more,
          lookedBackTo: next === undefined ? undefined : timeOfId(next),
          now: app.now(),
        };
        if (query.after !== undefined && visit.wantsPiece) return visit.piece(h(LogRows, list));
        return visit.page(place, h(LogsPage, { ...list, asked, mistakes: {} }));
      } catch (error) {
        const mistakes = mistakesOf(error, fields);
        const none = { logs: [], keys, more: undefined, lookedBackTo: undefined, now: app.now() };
        return visit.page({ ...place, status: 422 }, h(LogsPage, { ...none, asked, mistakes }));
      }
    })
    .get("/:id", async ({ visit, params }) => {
      const log = await getLog(app, visit.teamId, params.id);
      const keys = await keyNames(app, visit);
      const { publicUrl } = app.config.server;
      return visit.page(
        { title: `${log.method} ${log.path}`, place: "logs" },
        h(LogPage, { log, keys, publicUrl }),
      );
    });

function readAsked(query: Record<string, string | undefined>): LogQuery {
  const given = fields.flatMap((name) => {
    const value = query[name]?.trim();
    return value ? [[name, value] as const] : [];
  });
  return Object.fromEntries(given);
}

/** The newest of them; a request by another shows the beginning of the key's id. */
async function keyNames(app: App, { teamId }: Visit): Promise<Record<string, string>> {
  const keys = await listTeamKeys(app, teamId, { limit: 200 });
  return Object.fromEntries(keys.map(({ id, name }) => [id, name]));
}
