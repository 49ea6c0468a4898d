/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { Team } from "../src/accounts/schema.ts";
import type { AuditEntry } from "../src/audit/schema.ts";
import { Copyable } from "./parts/copy.tsx";
import { Form, FormMistake, TextField } from "./parts/form.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { SelfSigned, type SmtpAccess } from "./parts/smtp-access.tsx";
import { Ago } from "./parts/time.tsx";

const tabs = [
  ["team", "/admin/settings", "Team"],
  ["members", "/admin/settings/members", "Members"],
  ["invitations", "/admin/settings/invitations", "Invitations"],
  ["sending", "/admin/settings/sending", "Sending and SMTP"],
  ["audit-log", "/admin/settings/audit-log", "Audit log"],
  ["account", "/admin/settings/account", "Your account"],
] as const;

/** The head of every page of the settings. */
export function SettingsHead({ place, lead }: { place: (typeof tabs)[number][0]; lead: string }) {
  return (
    <>
      <PageHead title="Settings" lead={lead} />
      <nav aria-label="Settings">
        <ul class="tabs">
          {tabs.map(([id, path, name]) => (
            <li>
              <a href={path} aria-current={id === place ? "page" : undefined}>
                {name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </>
  );
}

export interface TeamPageProps {
  csrf: string;
  team: Team;
  role: string;
  mayManage: boolean;
  values: { name: string; newName: string };
  mistakes: Partial<Record<"name" | "new_name" | "form", string>>;
}

export function TeamPage({ csrf, team, role, mayManage, values, mistakes }: TeamPageProps) {
  return (
    <>
      <SettingsHead place="team" lead={`You are ${role} of ${team.name}.`} />
      <section class="card">
        <h2>This team</h2>
        {mayManage ? (
          <Form csrf={csrf} action="/admin/settings">
            <FormMistake>{mistakes.form}</FormMistake>
            <TextField
              {...{ name: "name", label: "Name", value: values.name, mistake: mistakes.name }}
              {...{ required: true, maxLength: 100 }}
            />
            <button type="submit" class="primary">
              Rename
            </button>
          </Form>
        ) : (
          <dl class="facts">
            <dt>Name</dt>
            <dd>{team.name}</dd>
          </dl>
        )}
        <p class="hint">
          Its id is <code>{team.id}</code>.
        </p>
      </section>
      <section class="card">
        <h2>Another team</h2>
        <p>
          A team has domains, emails, contacts and people of its own. You will be its owner, and change
          between teams at the head of the page.
        </p>
        <Form isOwn csrf={csrf} action="/admin/settings/teams">
          <TextField
            {...{ name: "new_name", label: "Name of the new team", value: values.newName }}
            {...{ mistake: mistakes.new_name, required: true, maxLength: 100 }}
          />
          <button type="submit">Create the team</button>
        </Form>
      </section>
    </>
  );
}

export interface SendingProps {
  /** Without a port that the system chooses at each start. */
  smtp: SmtpAccess;
  publicUrl: string;
  keys: { path: string; env: string; doc: string; value: string }[];
}

export function SendingPage({ smtp, publicUrl, keys }: SendingProps) {
  return (
    <>
      <SettingsHead place="sending" lead="What to write into your programs, and how this server is set." />
      <section class="card">
        <h2>SMTP</h2>
        <dl class="facts">
          <dt>Server</dt>
          <dd>
            <Copyable text={smtp.host} label="the server's name" />
          </dd>
          <dt>Port, STARTTLS</dt>
          <dd>
            <Port number={smtp.startTls} label="the port for STARTTLS" />
          </dd>
          <dt>Port, TLS</dt>
          <dd>
            <Port number={smtp.tls} label="the port for TLS" />
          </dd>
          <dt>User name</dt>
          <dd>
            <Copyable text="mailit" label="the user name" />
          </dd>
          <dt>Password</dt>
          <dd>
            an <a href="/admin/api-keys">API key</a>
          </dd>
        </dl>
        {smtp.isSelfSigned && <SelfSigned />}
      </section>
      <section class="card">
        <h2>API</h2>
        <dl class="facts">
          <dt>Address</dt>
          <dd>
            <Copyable text={publicUrl} label="the API's address" />
          </dd>
          <dt>Authorization</dt>
          <dd>
            <code>Bearer</code> and an <a href="/admin/api-keys">API key</a>
          </dd>
        </dl>
      </section>
      <h2>How this server is set</h2>
      <p class="quiet">
        Whoever runs it changes this in <code>mailit.config.ts</code> or by environment variable, and starts
        it again.
      </p>
      <Table label="Configuration" columns={["Key", "Value", "What it is"]}>
        {keys.map(({ path, env, doc, value }) => (
          <tr>
            <td>
              <code>{path}</code>
              <p class="hint">
                <code>{env}</code>
              </p>
            </td>
            <td>
              <strong>{value}</strong>
            </td>
            <td class="quiet doc">{doc}</td>
          </tr>
        ))}
      </Table>
    </>
  );
}

function Port({ number, label }: { number: number | undefined; label: string }) {
  if (number === undefined) return <>chosen at each start: the server prints it</>;
  return <Copyable text={String(number)} label={label} />;
}

export interface AuditProps {
  entries: AuditEntry[];
  /** The cursor of the next page. */
  next: string | undefined;
  now: Date;
}

const auditColumns = ["Who", "What", "From", "When"];

export function AuditPage(props: AuditProps) {
  return (
    <>
      <SettingsHead place="audit-log" lead="Who did what in this team, the newest first." />
      {props.entries.length === 0 ? (
        <Empty icon="log" title="Nothing was done yet">
          <p>Whatever is changed in the admin is written down here, with who did it and from where.</p>
        </Empty>
      ) : (
        <Table label="Audit log" columns={auditColumns}>
          <AuditRows {...props} />
        </Table>
      )}
    </>
  );
}

export function AuditRows({ entries, next, now }: AuditProps) {
  return (
    <>
      {entries.map(({ email, act, address, createdAt }) => (
        <tr>
          <td>{email}</td>
          <td>{act}</td>
          <td class="quiet">
            <code>{address}</code>
          </td>
          <td class="quiet">
            <Ago at={createdAt} now={now} />
          </td>
        </tr>
      ))}
      {next && <More href={`/admin/settings/audit-log?after=${next}`} columns={auditColumns.length} />}
    </>
  );
}
