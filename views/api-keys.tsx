/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ComponentChildren } from "preact";
import type { ApiKey } from "../src/keys/schema.ts";
import type { ListedLog } from "../src/logs/store.ts";
import { Acting, MayWrite, useMayWrite } from "./parts/acting.tsx";
import { Badge } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Copyable } from "./parts/copy.tsx";
import { Form, FormMistake, SelectField, TextArea, TextField } from "./parts/form.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Ago, Time } from "./parts/time.tsx";

export interface KeyRowsProps {
  keys: ApiKey[];
  /** The cursor of the next page. */
  next: string | undefined;
  /** Names by id. */
  domains: ReadonlyMap<string, string>;
  /** Whether whoever looks is an admin of the team or its owner. */
  isAdmin: boolean;
  now: Date;
  csrf: string;
}

const columns = [
  "Name",
  "Token",
  "Permission",
  { name: "From", isWide: true },
  { name: "Last used", isWide: true },
  { name: "Created", isWide: true },
  "",
] as const;

export function KeysPage({ form, ...list }: KeyRowsProps & { form: KeyFormProps }) {
  return (
    <>
      <PageHead
        title="API keys"
        lead="What a program shows to send mail here; also the password for SMTP submission."
      >
        <Acting>
          <a class="button primary" href="#new">
            New key
          </a>
        </Acting>
      </PageHead>
      {list.keys.length === 0 ? (
        <Empty icon="key" title="No API key yet">
          <p>Make one below, and give it to the program that is to send.</p>
        </Empty>
      ) : (
        <Table label="API keys" columns={columns}>
          <KeyRows {...list} />
        </Table>
      )}
      <KeyForm {...form} />
    </>
  );
}

export function KeyRows({ keys, next, domains, isAdmin, now, csrf }: KeyRowsProps) {
  return (
    <>
      {keys.map((key) => (
        <tr id={`key-${key.id}`}>
          <td>
            <a href={`/admin/api-keys/${key.id}`}>
              <strong>{key.name}</strong>
            </a>
          </td>
          <td>
            <code>{key.tokenStart}…</code>
          </td>
          <td>
            <Badge tone={key.permission === "full_access" ? "warn" : "quiet"}>
              {key.permission === "full_access" ? "full access" : "sending"}
            </Badge>{" "}
            {key.domainId && <span class="quiet">{domains.get(key.domainId)}</span>}
          </td>
          <td class="quiet wide">{key.allowedIps.length > 0 ? key.allowedIps.join(", ") : "anywhere"}</td>
          <td class="quiet wide">{key.lastUsedAt ? <Ago at={key.lastUsedAt} now={now} /> : "never"}</td>
          <td class="quiet wide">
            <Ago at={key.createdAt} now={now} />
          </td>
          <td class="act">
            <IfMayChange apiKey={key} isAdmin={isAdmin}>
              <RevokeKey apiKey={key} csrf={csrf} />
            </IfMayChange>
          </td>
        </tr>
      ))}
      {next && <More href={`/admin/api-keys?after=${next}`} columns={columns.length} />}
    </>
  );
}

/** The form again, with what is wrong in it. */
export function NewKeyPage(form: KeyFormProps) {
  return (
    <>
      <PageHead title="API keys" up={{ path: "/admin/api-keys", name: "API keys" }} />
      <KeyForm {...form} />
    </>
  );
}

export interface KeyFormProps {
  csrf: string;
  isAdmin: boolean;
  /** Names of the newest. */
  domains: readonly string[];
  values: { name: string; permission: string; domain: string; allowedIps: string };
  mistakes: Partial<Record<"name" | "permission" | "domain_id" | "allowed_ips" | "form", string>>;
}

export function KeyForm({ csrf, isAdmin, domains, values, mistakes }: KeyFormProps) {
  const permissions: [string, string][] = [
    ["sending_access", "Sending: it sends, and reads nothing"],
    ["full_access", "Full access: all the API"],
  ];
  return (
    <section class="card" id="new">
      <h2>New API key</h2>
      <Form csrf={csrf} action="/admin/api-keys">
        <FormMistake>{mistakes.form}</FormMistake>
        <TextField
          name="name"
          label="Name"
          required
          maxLength={50}
          value={values.name}
          hint="What will use it, such as Production."
          mistake={mistakes.name}
        />
        <SelectField
          name="permission"
          label="Permission"
          value={values.permission}
          mistake={mistakes.permission}
          {...(!isAdmin && { hint: "Keys with full access are made by admins." })}
          options={isAdmin ? permissions : permissions.slice(0, 1)}
        />
        <TextField
          name="domain"
          label="Domain"
          value={values.domain}
          mistake={mistakes.domain_id}
          choices={domains}
          placeholder="All domains of the team"
          hint="A key for sending may be held to one domain. Empty: all."
        />
        <TextArea
          name="allowed_ips"
          label="Allowed addresses"
          rows={2}
          value={values.allowedIps}
          mistake={mistakes.allowed_ips}
          hint="Network addresses it may be used from, such as 203.0.113.7 or 2001:db8::/32. Empty: anywhere."
        />
        <button type="submit" class="primary">
          Create key
        </button>
      </Form>
    </section>
  );
}

export interface KeyPageProps {
  apiKey: ApiKey;
  isAdmin: boolean;
  /** The one domain it may send from, by name. */
  domain: string | undefined;
  /** Its last requests; what the log does not keep is not among them. */
  requests: ListedLog[];
  values: { name: string; allowedIps: string };
  mistakes: Partial<Record<"name" | "allowed_ips" | "form", string>>;
  csrf: string;
  now: Date;
}

export function KeyPage({ apiKey, isAdmin, domain, requests, values, mistakes, csrf, now }: KeyPageProps) {
  const path = `/admin/api-keys/${apiKey.id}`;
  return (
    <IfMayChange apiKey={apiKey} isAdmin={isAdmin}>
      <PageHead title={apiKey.name} up={{ path: "/admin/api-keys", name: "API keys" }}>
        <RevokeKey apiKey={apiKey} csrf={csrf} />
      </PageHead>
      <section class="card">
        <dl class="facts">
          <dt>Token</dt>
          <dd>
            <code>{apiKey.tokenStart}…</code>
          </dd>
          <dt>Permission</dt>
          <dd>
            {apiKey.permission === "full_access" ? "Full access: all the API" : "Sending alone"}
            {domain && `, from ${domain}`}
          </dd>
          <dt>Last used</dt>
          <dd>{apiKey.lastUsedAt ? <Time at={apiKey.lastUsedAt} /> : "never"}</dd>
          <dt>Made</dt>
          <dd>
            <Time at={apiKey.createdAt} />
          </dd>
        </dl>
      </section>
      <section class="card">
        <h2>Change it</h2>
        <Form isShown csrf={csrf} action={path}>
          <FormMistake>{mistakes.form}</FormMistake>
          <TextField
            name="name"
            label="Name"
            required
            maxLength={50}
            value={values.name}
            mistake={mistakes.name}
          />
          <TextArea
            name="allowed_ips"
            label="Allowed addresses"
            rows={2}
            value={values.allowedIps}
            mistake={mistakes.allowed_ips}
            hint="Network addresses it may be used from. Empty: anywhere. Counts from the next request on."
          />
          <button type="submit" class="primary">
            Save
          </button>
        </Form>
      </section>
      <section>
        <h2>Last requests</h2>
        {requests.length === 0 ? (
          <p class="quiet">None in what the log keeps.</p>
        ) : (
          <Table
            label="Last requests"
            columns={[
              "Request",
              "Status",
              { name: "From", isWide: true },
              { name: "Program", isWide: true },
              "When",
            ]}
          >
            {requests.map((log) => (
              <tr>
                <td class="long">
                  <a href={`/admin/logs/${log.id}`}>
                    {log.method} {log.path}
                  </a>
                </td>
                <td>
                  <Badge tone={log.status < 400 ? "good" : "bad"}>{String(log.status)}</Badge>
                </td>
                <td class="quiet wide">{log.address ?? "unknown"}</td>
                <td class="quiet long wide">{log.userAgent ?? "unknown"}</td>
                <td class="quiet">
                  <Ago at={log.createdAt} now={now} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </section>
    </IfMayChange>
  );
}

interface IfMayChangeProps {
  apiKey: ApiKey;
  isAdmin: boolean;
  children: ComponentChildren;
}

/** What only an admin makes, only an admin changes: others see it as whoever only looks does. */
function IfMayChange({ apiKey, isAdmin, children }: IfMayChangeProps) {
  const mayChange = useMayWrite() && (isAdmin || apiKey.permission !== "full_access");
  return <MayWrite.Provider value={mayChange}>{children}</MayWrite.Provider>;
}

function RevokeKey({ apiKey, csrf }: { apiKey: ApiKey; csrf: string }) {
  return (
    <Confirm
      id={`revoke-${apiKey.id}`}
      csrf={csrf}
      action={`/admin/api-keys/${apiKey.id}/revoke`}
      label="Revoke"
      title={`Revoke ${apiKey.name}?`}
      act="Revoke the key"
    >
      <p>What uses it is refused from then on. This can't be taken back.</p>
    </Confirm>
  );
}

/** The one time a key is shown. */
export function NewKey({ token }: { token: string }) {
  return (
    <>
      <h2>Copy the key now</h2>
      <p>It is shown this once: only its fingerprint is kept.</p>
      <p>
        <Copyable text={token} label="the API key" />
      </p>
    </>
  );
}

export function MadeKeyPage({ name, token }: { name: string; token: string }) {
  return (
    <>
      <PageHead title={name} up={{ path: "/admin/api-keys", name: "API keys" }} />
      <section class="card">
        <NewKey token={token} />
        <p>
          <a class="button primary" href="/admin/api-keys">
            Done
          </a>
        </p>
      </section>
    </>
  );
}
