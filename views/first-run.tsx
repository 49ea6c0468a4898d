/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ComponentChildren } from "preact";
import { assetUrl } from "../assets/index.ts";
import type { DomainRecord } from "../src/domains/records.ts";
import type { Domain } from "../src/domains/schema.ts";
import { NewKey } from "./api-keys.tsx";
import { ActForm } from "./parts/acting.tsx";
import { State } from "./parts/badge.tsx";
import { Copyable } from "./parts/copy.tsx";
import { Form, FormMistake, TextField } from "./parts/form.tsx";
import { Icon } from "./parts/icon.tsx";
import { Table } from "./parts/list.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Sentence } from "./parts/time.tsx";
import { Document, type ShellProps } from "./shell.tsx";

const steps = [
  { id: "account", name: "Account", path: undefined },
  { id: "domain", name: "Domain", path: "/admin/first-run/domain" },
  { id: "key", name: "API key", path: "/admin/first-run/key" },
  { id: "email", name: "First email", path: "/admin/first-run/email" },
] as const;
type Step = (typeof steps)[number]["id"];

/** Where one is on the way; once there is an account, every other step may be gone to at any time. */
function Steps({ now }: { now: Step }) {
  const reached = steps.findIndex(({ id }) => id === now);
  return (
    <nav aria-label="Steps">
      <ol class="steps">
        {steps.map(({ id, name, path }, index) => (
          <li class={index < reached ? "done" : ""} aria-current={id === now ? "step" : undefined}>
            {path && id !== now && now !== "account" ? <a href={path}>{name}</a> : name}
          </li>
        ))}
      </ol>
    </nav>
  );
}

export interface AccountPageProps {
  /** Whether it is the server's first account, the operator's. */
  isFirst: boolean;
  /** What this process printed at its start, where it was asked for. */
  token: string;
  values: { name: string; email: string; team: string };
  mistakes: Partial<Record<"name" | "email" | "password" | "team_name" | "form", string>>;
  theme: ShellProps["theme"];
}

export function AccountPage({ isFirst, token, values, mistakes, theme }: AccountPageProps) {
  return (
    <Document title={isFirst ? "Welcome" : "Register"} theme={theme}>
      <main class="alone">
        <img src={assetUrl("logo.svg")} alt="" width="40" height="40" />
        <h1>{isFirst ? "Welcome to MailIt" : "Register"}</h1>
        {isFirst && <Steps now="account" />}
        <p class="quiet">
          {isFirst
            ? "First, your own account: it owns the team and may do everything here."
            : "An account, and a team of which you are the owner."}
        </p>
        <form method="post" action={isFirst ? "/admin/first-run" : "/admin/register"} class="stack">
          {token && <input type="hidden" name="token" value={token} />}
          <FormMistake>{mistakes.form}</FormMistake>
          <TextField
            {...{ name: "name", label: "Your name", value: values.name, mistake: mistakes.name }}
            {...{ autocomplete: "name", required: true, maxLength: 100, autofocus: true }}
          />
          <TextField
            {...{ name: "email", label: "Email", type: "email", value: values.email }}
            {...{ mistake: mistakes.email, autocomplete: "username", required: true }}
          />
          <TextField
            {...{ name: "password", label: "Password", type: "password", mistake: mistakes.password }}
            {...{ autocomplete: "new-password", required: true, minLength: 8 }}
            hint="8 characters or more; a sentence is good."
          />
          <TextField
            {...{ name: "team_name", label: "Team", value: values.team, mistake: mistakes.team_name }}
            {...{ autocomplete: "organization", required: true, maxLength: 100 }}
            hint="Your company or project. Others can be invited later."
          />
          <button type="submit" class="primary">
            Create the account
          </button>
        </form>
        {!isFirst && (
          <p class="quiet">
            Have one already? <a href="/admin/sign-in">Sign in</a>.
          </p>
        )}
      </main>
    </Document>
  );
}

/** On a server that others can reach: the first who comes need not be its operator. */
export function TokenPage({ isWrong, theme }: { isWrong: boolean; theme: ShellProps["theme"] }) {
  return (
    <Document title="Welcome" theme={theme}>
      <main class="alone">
        <img src={assetUrl("logo.svg")} alt="" width="40" height="40" />
        <h1>Welcome to MailIt</h1>
        <p>
          Nobody has an account here yet. To show that this server is yours, open the setup link it printed
          when it started, or paste that link's token.
        </p>
        <form method="get" action="/admin/first-run" class="stack">
          <TextField
            name="token"
            label="Setup token"
            autocomplete="off"
            required
            mistake={isWrong ? "That is not the token of the server as it runs now." : undefined}
            hint="It changes with each start of the server. Look in its log or terminal."
          />
          <button type="submit" class="primary">
            Continue
          </button>
        </form>
        <p class="quiet">
          Or run <code>mailit setup</code> on the server.
        </p>
      </main>
    </Document>
  );
}

function Skip({ to, children }: { to: string; children: ComponentChildren }) {
  return (
    <p>
      <a href={to}>{children}</a>
    </p>
  );
}

export interface FirstRecordsProps {
  domain: Domain;
  records: DomainRecord[];
  isSandbox: boolean;
}

interface DomainStepProps {
  csrf: string;
  name: string;
  mistakes: Partial<Record<"name" | "form", string>>;
  /** The domain there is already. */
  found: FirstRecordsProps | undefined;
}

export function DomainStepPage({ csrf, name, mistakes, found }: DomainStepProps) {
  return (
    <>
      <PageHead title="A domain to send from" lead="Mail is sent from addresses of a domain you own." />
      <Steps now="domain" />
      {found ? (
        <FirstRecords {...found} csrf={csrf} />
      ) : (
        <section class="card">
          <Form csrf={csrf} action="/admin/first-run/domain">
            <FormMistake>{mistakes.form}</FormMistake>
            <TextField
              {...{ name: "name", label: "Domain", value: name, mistake: mistakes.name }}
              {...{ placeholder: "example.com", required: true, autocapitalize: "none", spellcheck: false }}
              hint="Such as example.com, or mail.example.com to keep it apart from your other mail."
            />
            <button type="submit" class="primary">
              Add the domain
            </button>
          </Form>
        </section>
      )}
      {!found && <Skip to="/admin/first-run/key">Skip this step</Skip>}
    </>
  );
}

/** The records to publish and what DNS says of them; swapped in place as that changes. */
export function FirstRecords({ domain, records, isSandbox, csrf }: FirstRecordsProps & { csrf: string }) {
  const isVerified = domain.verifiedAt !== null;
  return (
    <div id="first-records">
      <section class="card">
        <h2>
          {domain.name} <State name={domain.status} />
        </h2>
        {isVerified ? (
          <p>
            {isSandbox
              ? "In the sandbox a domain is verified at once. Elsewhere its owner publishes the records below."
              : "All that is needed was found. The domain may send."}
          </p>
        ) : (
          <p>
            Publish these records where the domain's DNS is kept. They are looked up again and again for three
            days, and this page shows what is found.
          </p>
        )}
        <div class="acts">
          {isVerified ? (
            <a class="button primary" href="/admin/first-run/key">
              Continue
            </a>
          ) : (
            <ActForm csrf={csrf} action="/admin/first-run/domain/check">
              <input type="hidden" name="id" value={domain.id} />
              <button type="submit">Look them up now</button>
            </ActForm>
          )}
        </div>
      </section>
      <Table label="Records to publish" columns={["State", "Type", "Name", "Value"]}>
        {records.map(({ purpose, type, name, value, priority, status, reason }) => (
          <tr>
            <td>
              <State name={status} />
              {reason && <p class="hint">{reason}</p>}
            </td>
            <td>
              {type}
              {priority !== undefined && <span class="quiet"> {priority}</span>}
            </td>
            <td>
              <Copyable text={name} label={`the name of the ${purpose} ${type} record`} />
            </td>
            <td class="value">
              <Copyable text={value} label={`the value of the ${purpose} ${type} record`} />
            </td>
          </tr>
        ))}
      </Table>
      {!isVerified && <Skip to="/admin/first-run/key">Go on while they are looked up</Skip>}
    </div>
  );
}

interface KeyStepProps {
  csrf: string;
  name: string;
  mistakes: Partial<Record<"name" | "form", string>>;
  /** The name of a key there is already. */
  known: string | undefined;
}

export function KeyStepPage({ csrf, name, mistakes, known }: KeyStepProps) {
  return (
    <>
      <PageHead
        title="An API key"
        lead="What your program shows to send. This one may send and read nothing; others are made under API keys."
      />
      <Steps now="key" />
      <section class="card">
        {known !== undefined && (
          <p>
            There is a key already: <strong>{known}</strong>. You can go on with it, or make another one.
          </p>
        )}
        <Form csrf={csrf} action="/admin/first-run/key">
          <FormMistake>{mistakes.form}</FormMistake>
          <TextField
            {...{ name: "name", label: "Name", value: name, mistake: mistakes.name }}
            {...{ required: true, maxLength: 50 }}
            hint="What will use it, such as Production."
          />
          <button type="submit" class={known === undefined ? "primary" : ""}>
            Create the key
          </button>
        </Form>
      </section>
      <Skip to="/admin/first-run/email">{known === undefined ? "Skip this step" : "Continue"}</Skip>
    </>
  );
}

interface MadeKeyStepProps {
  name: string;
  token: string;
  publicUrl: string;
  from: string;
  to: string;
}

/** The one time a key is shown. */
export function MadeKeyStepPage({ name, token, publicUrl, from, to }: MadeKeyStepProps) {
  const body = JSON.stringify({ from, to, subject: "Hello", text: "It works." });
  const command = [
    `curl -X POST ${publicUrl}/emails`,
    `  -H "Authorization: Bearer ${token}"`,
    `  -H "Content-Type: application/json"`,
    `  -d '${body.replaceAll("'", "'\\''")}'`,
  ].join(" \\\n");
  return (
    <>
      <PageHead title="An API key" lead={`${name} is made.`} />
      <Steps now="key" />
      <section class="card">
        <NewKey token={token} />
        <hr />
        <h2>To send with it</h2>
        <div class="snippet">
          <pre>{command}</pre>
          <button type="button" class="plain" data-copy={command} aria-label="Copy the command">
            <Icon name="copy" />
          </button>
        </div>
        <p>
          <a class="button primary" href="/admin/first-run/email">
            Continue
          </a>
        </p>
      </section>
    </>
  );
}

interface SentEmail {
  id: string;
  subject: string;
  lastEvent: string;
  to: string;
  /** What became of it, in one sentence. */
  status: string;
}

export interface EmailStepProps {
  csrf: string;
  from: string | undefined;
  to: string;
  mistakes: Partial<Record<"to" | "form", string>>;
  isVerified: boolean;
  isSandbox: boolean;
  sent: SentEmail | undefined;
}

export function EmailStepPage({ csrf, from, to, mistakes, isVerified, isSandbox, sent }: EmailStepProps) {
  return (
    <>
      <PageHead title="A first email" lead="Sent through the whole system, and followed to its end." />
      <Steps now="email" />
      {sent && <FirstEmail {...sent} />}
      {!sent && from && isVerified && (
        <section class="card">
          <Form csrf={csrf} action="/admin/first-run/email">
            <FormMistake>{mistakes.form}</FormMistake>
            <p>
              From <code>{from}</code>
            </p>
            <TextField
              {...{ name: "to", label: "To", type: "email", value: to, mistake: mistakes.to }}
              {...{ required: true, maxLength: 254 }}
              hint={
                isSandbox
                  ? "Nothing leaves this machine: delivered@, bounced@ or deferred@ of any domain say what becomes of it."
                  : "An address whose mail you can read."
              }
            />
            <button type="submit" class="primary">
              Send it
            </button>
          </Form>
        </section>
      )}
      {!sent && !(from && isVerified) && (
        <section class="card">
          <FormMistake>{mistakes.form}</FormMistake>
          <p>
            {from
              ? "The domain is not verified yet, and until then nothing is sent from it."
              : "There is no domain to send from yet."}{" "}
            <a href="/admin/first-run/domain">{from ? "See its records" : "Add one"}</a>.
          </p>
        </section>
      )}
      {!sent && <Skip to="/admin">Skip this, to the overview</Skip>}
    </>
  );
}

const ends: Record<string, string> = {
  delivered: "Delivered",
  opened: "Delivered",
  clicked: "Delivered",
  bounced: "It came back",
  failed: "It was given up",
  suppressed: "It was not sent",
  complained: "It was reported as spam",
  canceled: "It was canceled",
};

/** What becomes of the first email; swapped in place as that changes. */
export function FirstEmail({ subject, lastEvent, to, status }: SentEmail) {
  const end = ends[lastEvent];
  const isDelivered = end === "Delivered";
  return (
    <section class="card" id="first-email" aria-live="polite">
      <h2>{end ?? "On its way"}</h2>
      <dl class="facts">
        <dt>To</dt>
        <dd>{to}</dd>
        <dt>Subject</dt>
        <dd>{subject}</dd>
        <dt>State</dt>
        <dd>
          <State name={lastEvent} />
        </dd>
        <dt>In words</dt>
        <dd>
          <Sentence text={status} />
        </dd>
      </dl>
      {isDelivered && <p>Everything works: this server composes, signs and delivers mail.</p>}
      <div class="acts">
        {end && !isDelivered && (
          <a class="button primary" href="/admin/first-run/email">
            Try another address
          </a>
        )}
        <a class={isDelivered ? "button primary" : "button"} href="/admin">
          Go to the overview
        </a>
      </div>
    </section>
  );
}
