/** @jsxImportSource preact */
import type { LogQuery } from "../src/logs/filter.ts";
import type { Log } from "../src/logs/schema.ts";
import type { ListedLog } from "../src/logs/store.ts";
import { Badge, type Tone } from "./parts/badge.tsx";
import { Code } from "./parts/code.tsx";
import { SelectField, TextField } from "./parts/form.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Ago, Time } from "./parts/time.tsx";

export interface LogRowsProps {
  logs: ListedLog[];
  /** Names by id. */
  keys: Record<string, string>;
  /** Where the list goes on. */
  more: string | undefined;
  /** How far it was looked: with a filter few rows may be found on the way. */
  lookedBackTo: Date | undefined;
  now: Date;
}

const columns = [
  "Request",
  "Status",
  { name: "Key", isWide: true },
  { name: "Took", isNumber: true },
  { name: "From", isWide: true },
  "When",
] as const;

const labels: Partial<Record<keyof LogQuery, string>> = {
  endpoint: "Path",
  method: "Method",
  status: "Status",
  api_key_id: "Key",
  from: "From (UTC)",
  to: "Until (UTC)",
};

export function LogsPage({
  asked,
  mistakes,
  ...list
}: LogRowsProps & { asked: LogQuery; mistakes: Partial<Record<keyof LogQuery | "form", string>> }) {
  const isFiltered = Object.keys(asked).length > 0;
  return (
    <>
      <PageHead title="Logs" lead="What was asked of the API, and what it answered. Secrets are masked." />
      <form
        method="get"
        action="/admin/logs"
        class="filters many"
        hx-get="/admin/logs"
        hx-trigger="input delay:250ms, change"
        hx-target="#logs"
        hx-select="#logs"
        hx-swap="outerHTML"
        hx-replace-url="true"
      >
        <TextField
          name="endpoint"
          label="Path"
          value={asked.endpoint}
          placeholder="/emails, or /emails* for all below"
          spellcheck={false}
        />
        <SelectField
          name="method"
          label="Method"
          value={asked.method ?? ""}
          options={[
            ["", "Any"],
            ...["GET", "POST", "PATCH", "PUT", "DELETE"].map((each) => [each, each] as const),
          ]}
        />
        <SelectField
          name="status"
          label="Status"
          value={asked.status ?? ""}
          options={[
            ["", "Any"],
            ["2xx", "2xx: done"],
            ["error", "4xx and 5xx"],
            ["4xx", "4xx: refused"],
            ["5xx", "5xx: our fault"],
            ...["401", "403", "404", "409", "422", "429"].map((each) => [each, each] as const),
          ]}
        />
        <SelectField
          name="api_key_id"
          label="Key"
          value={asked.api_key_id ?? ""}
          options={[["", "Any"], ...Object.entries(list.keys)]}
        />
        <TextField name="from" label="From (UTC)" type={typeOf(asked.from)} value={asked.from} />
        <TextField name="to" label="Until (UTC)" type={typeOf(asked.to)} value={asked.to} />
        <noscript>
          <button type="submit">Search</button>
        </noscript>
      </form>
      <div id="logs">
        {Object.entries(mistakes).map(([field, mistake]) => (
          <p class="mistake" role="alert">
            {field in labels && `${labels[field as keyof LogQuery]}: `}
            {mistake}
          </p>
        ))}
        {list.logs.length === 0 && !list.more ? (
          <Empty icon="log" title={isFiltered ? "No such request" : "Nothing was asked yet"}>
            <p>
              {isFiltered ? (
                <a href="/admin/logs">See all requests</a>
              ) : (
                <>
                  Each request to the API is here within a second. The <a href="/admin/docs">documentation</a>{" "}
                  has one to copy.
                </>
              )}
            </p>
          </Empty>
        ) : (
          <Table label="Requests" columns={columns}>
            <LogRows {...list} />
          </Table>
        )}
      </div>
    </>
  );
}

export function LogRows({ logs, keys, more, lookedBackTo, now }: LogRowsProps) {
  return (
    <>
      {logs.map((log) => (
        <tr id={`log-${log.id}`}>
          <td class="long">
            <code class="method">{log.method}</code>{" "}
            <a href={`/admin/logs/${log.id}`}>
              <code>{log.path}</code>
            </a>
          </td>
          <td>
            <Status code={log.status} />
          </td>
          <td class="quiet wide">{keyOf(log.keyId, keys)}</td>
          <td class="quiet number">{log.durationMs} ms</td>
          <td class="quiet wide">{log.address}</td>
          <td class="quiet">
            <Ago at={log.createdAt} now={now} />
          </td>
        </tr>
      ))}
      {more && logs.length === 0 && lookedBackTo && (
        <tr>
          <td colspan={columns.length} class="quiet">
            Nothing after <Time at={lookedBackTo} isShort />.
          </td>
        </tr>
      )}
      {more && <More href={more} columns={columns.length} />}
    </>
  );
}

/** A day is picked; of an address with a time of day in it nothing is lost. */
const typeOf = (asked: string | undefined) => (/^(\d{4}-\d\d-\d\d)?$/.test(asked ?? "") ? "date" : "text");

function Status({ code }: { code: number }) {
  const tone: Tone = code < 300 ? "good" : code < 400 ? "info" : code < 500 ? "warn" : "bad";
  return <Badge tone={tone}>{String(code)}</Badge>;
}

const keyOf = (id: string | null, keys: Record<string, string>) =>
  id === null ? "a session" : (keys[id] ?? `${id.slice(0, 8)}…`);

export function LogPage({
  log,
  keys,
  publicUrl,
}: {
  log: Log;
  keys: Record<string, string>;
  publicUrl: string;
}) {
  return (
    <>
      <PageHead title={`${log.method} ${log.path}`} up={{ path: "/admin/logs", name: "Logs" }} />
      <section class="card">
        <dl class="facts">
          <dt>Status</dt>
          <dd>
            <Status code={log.status} />
          </dd>
          <dt>Asked at</dt>
          <dd>
            <Time at={log.createdAt} />
          </dd>
          <dt>Took</dt>
          <dd>{log.durationMs} ms</dd>
          <dt>Key</dt>
          <dd>{keyOf(log.keyId, keys)}</dd>
          <dt>From</dt>
          <dd>{log.address ?? "not known"}</dd>
          <dt>Program</dt>
          <dd>{log.userAgent ?? "it did not say"}</dd>
          <dt>Request id</dt>
          <dd>
            <code>{log.id}</code>
          </dd>
        </dl>
      </section>
      <Code title="Request" text={pretty(log.requestBody) ?? "No body was sent."} />
      <Code title="Answer" text={pretty(log.responseBody) ?? "It had no body."} />
      <Code
        title="As a curl command"
        text={curlOf(log, publicUrl)}
        note="Put a key of yours in the place of $MAILIT_API_KEY. What was masked or cut in the log is so here too."
      />
    </>
  );
}

/** A body is kept as JSON text. */
function pretty(text: string | null): string | undefined {
  return text === null ? undefined : JSON.stringify(JSON.parse(text), null, 2);
}

/** In single quotes nothing means anything to a shell but the single quote itself. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

function curlOf({ method, path, requestBody }: Log, publicUrl: string): string {
  const body = pretty(requestBody);
  return [
    `curl -X ${method} ${quoted(`${publicUrl}${path}`)}`,
    '  -H "Authorization: Bearer $MAILIT_API_KEY"',
    ...(body === undefined ? [] : ["  -H 'Content-Type: application/json'", `  -d ${quoted(body)}`]),
  ].join(" \\\n");
}
