/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ComponentChildren } from "preact";
import type { InboxMessage, ReadMessage } from "../src/sandbox/read.ts";
import { Acting } from "./parts/acting.tsx";
import { Badge } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Form, FormMistake, TextArea, TextField } from "./parts/form.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { sizeInWords, Tabs } from "./parts/message.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Ago, Time } from "./parts/time.tsx";

export interface InboxProps {
  messages: InboxMessage[];
  next: string | undefined;
  now: Date;
}

const columns = ["To", "Subject", "From", { name: "Size", isNumber: true }, "Taken"];
const base = "/admin/sandbox";

export function InboxPage({ inbox, csrf }: { inbox: InboxProps; csrf: string }) {
  return (
    <>
      <PageHead
        title="Sandbox inbox"
        lead="What would have gone to the internet. The newest 1,000 messages are kept."
      >
        <ClearInbox isEmpty={inbox.messages.length === 0} csrf={csrf} />
        <Acting>
          <a class="button" href={`${base}/receive`}>
            Receive a message
          </a>
        </Acting>
      </PageHead>
      <Inbox {...inbox} />
    </>
  );
}

/** Comes with the first message. */
export function ClearInbox({ isEmpty, csrf }: { isEmpty: boolean; csrf: string }) {
  return (
    <div id="clear-inbox" class="row">
      {!isEmpty && (
        <Confirm
          id="clear"
          csrf={csrf}
          action={`${base}/clear`}
          label="Clear all"
          title="Clear the inbox?"
          act="Clear the inbox"
        >
          <p>All messages here are removed for good. The emails they belong to stay.</p>
        </Confirm>
      )}
    </div>
  );
}

/** All of the list. While it is empty it is looked at anew until something is there. */
export function Inbox(inbox: InboxProps) {
  return (
    <div id="inbox">
      {inbox.messages.length === 0 ? (
        <Empty icon="sandbox" title="Nothing here yet">
          <p>
            Send an email to any address: it ends here. The part before the @ steers what happens: delivered@,
            bounced@, deferred@, complained@ and suppressed@.
          </p>
        </Empty>
      ) : (
        <Table label="Messages" columns={columns} live={<FreshMessages {...inbox} messages={[]} />}>
          <InboxRows {...inbox} />
        </Table>
      )}
    </div>
  );
}

/** What has come since the page was made; kept as it is now while the page is open. */
export function FreshMessages({ messages, now }: InboxProps) {
  return (
    <tbody id="fresh">
      {messages.map((message) => (
        <InboxRow message={message} now={now} />
      ))}
    </tbody>
  );
}

export function InboxRows({ messages, next, now }: InboxProps) {
  return (
    <>
      {messages.map((message) => (
        <InboxRow message={message} now={now} />
      ))}
      {next && <More href={`${base}?after=${next}`} columns={columns.length} />}
    </>
  );
}

function InboxRow({ message, now }: { message: InboxMessage; now: Date }) {
  const { id, rcptTo, subject, from, size, createdAt } = message;
  return (
    <tr id={`message-${id}`}>
      <td class="long address">{rcptTo}</td>
      <td class="long">
        <a href={`${base}/${id}`}>{subject.trim() || "(no subject)"}</a>
      </td>
      <td class="long quiet">{from}</td>
      <td class="quiet number">{sizeInWords(size)}</td>
      <td class="quiet">
        <Ago at={createdAt} now={now} />
      </td>
    </tr>
  );
}

export function MessagePage({
  message,
  current,
  children,
}: {
  message: ReadMessage;
  current: string;
  children?: ComponentChildren;
}) {
  const { id, emailId, mailFrom, rcptTo, isEncrypted, dkim, parsed, createdAt } = message;
  const path = `${base}/${id}`;
  return (
    <>
      <PageHead title={parsed.subject?.trim() || "(no subject)"} up={{ path: base, name: "Sandbox inbox" }}>
        <a class="button" href={`/admin/emails/${emailId}`}>
          Its email
        </a>
      </PageHead>
      <dl class="facts">
        <dt>From</dt>
        <dd>{parsed.from?.text ?? "(nobody)"}</dd>
        <dt>Delivered to</dt>
        <dd>{rcptTo}</dd>
        <dt>Return path</dt>
        <dd>
          <code>{mailFrom}</code>
        </dd>
        <dt>Signature</dt>
        <dd class="row">
          {dkim.length === 0 && <Badge tone="bad">not signed</Badge>}
          {dkim.map(({ domain, selector, algorithm, result, reason }) => (
            <span>
              <Badge tone={result === "pass" ? "good" : "bad"}>{`DKIM ${result}`}</Badge>{" "}
              <span class="quiet">
                {domain}, {selector}, {algorithm}
                {reason && ` (${reason})`}
              </span>
            </span>
          ))}
        </dd>
        <dt>Taken</dt>
        <dd>
          <Time at={createdAt} /> <span class="quiet">{isEncrypted ? "over TLS" : "in plaintext"}</span>
        </dd>
      </dl>
      <Tabs
        label="The message"
        current={current}
        tabs={[
          { path, name: "Message" },
          { path: `${path}/text`, name: "Text" },
          { path: `${path}/headers`, name: "Headers" },
          { path: `${path}/raw`, name: "Raw" },
          { path: `${path}/attachments`, name: `Attachments (${parsed.attachments.length})` },
        ]}
      />
      {children}
    </>
  );
}

export interface ReceiveProps {
  csrf: string;
  values: Record<"from" | "to" | "subject" | "text" | "html", string>;
  mistakes: Partial<Record<"from" | "to" | "subject" | "text" | "html" | "form", string>>;
  /** A domain that receives. */
  domain: string | undefined;
}

export function ReceivePage({ csrf, values, mistakes, domain }: ReceiveProps) {
  return (
    <>
      <PageHead
        title="Receive a message"
        up={{ path: base, name: "Sandbox inbox" }}
        lead="As if a stranger had sent it to one of your domains: it goes through routes, checks and webhooks."
      />
      <section class="card">
        <Form csrf={csrf} action={`${base}/receive`}>
          <FormMistake>{mistakes.form}</FormMistake>
          <TextField name="from" label="From" required value={values.from} mistake={mistakes.from} />
          <TextField
            name="to"
            label="To"
            required
            value={values.to}
            mistake={mistakes.to}
            hint={
              domain
                ? `Any address of ${domain}.`
                : "None of your domains receives yet: turn it on under Domains first."
            }
          />
          <TextField name="subject" label="Subject" value={values.subject} mistake={mistakes.subject} />
          <TextArea name="text" label="Text" value={values.text} mistake={mistakes.text} />
          <TextArea name="html" label="HTML" class="code" value={values.html} mistake={mistakes.html} />
          <button type="submit" class="primary">
            Receive it
          </button>
        </Form>
      </section>
    </>
  );
}
