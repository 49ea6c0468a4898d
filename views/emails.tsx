/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { FoundEmail } from "../src/emails/search-copies.ts";
import { recipientPath } from "./broadcast-recipient.tsx";
import { Acting } from "./parts/acting.tsx";
import { State } from "./parts/badge.tsx";
import { SelectField, TextField } from "./parts/form.tsx";
import { Icon } from "./parts/icon.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Ago } from "./parts/time.tsx";

export interface EmailListProps {
  emails: FoundEmail[];
  /** Where to go on. */
  next: string | undefined;
  values: Record<"q" | "status" | "domain" | "tag" | "from" | "until", string>;
  isSearch: boolean;
  /** What is wrong with the search. */
  mistake?: string;
  now: Date;
}

const columns = ["To", "Subject", "State", { name: "From", isWide: true }, "When"] as const;

const statuses = [
  ...["queued", "scheduled", "sent", "delivered", "delivery_delayed", "bounced", "complained", "opened"],
  ...["clicked", "failed", "canceled", "suppressed"],
];

export function EmailsPage(props: EmailListProps & { domains: (readonly [id: string, name: string])[] }) {
  const { values, domains, mistake } = props;
  return (
    <>
      <PageHead title="Emails" lead="What was sent, is being sent, and will be.">
        <Acting>
          <a class="button primary" href="/admin/emails/new">
            <Icon name="plus" />
            New email
          </a>
        </Acting>
      </PageHead>
      <form
        method="get"
        action="/admin/emails"
        class="filters"
        hx-get="/admin/emails"
        hx-trigger="input delay:300ms, change, submit"
        hx-target="#list"
        hx-select="#list"
        hx-swap="outerHTML"
        hx-replace-url="true"
      >
        <TextField
          name="q"
          label="Search"
          type="search"
          value={values.q}
          placeholder="Address, subject, id… or to: from: subject: tag:"
        />
        <SelectField
          name="status"
          label="State"
          value={values.status}
          options={[["", "Any"], ...statuses.map((name) => [name, name.replaceAll("_", " ")] as const)]}
        />
        <SelectField
          name="domain"
          label="Domain"
          value={values.domain}
          options={[["", "Any"] as const, ...domains]}
        />
        <details open={[values.tag, values.from, values.until].some((value) => value !== "")}>
          <summary>Tag and time</summary>
          <div>
            <TextField name="tag" label="Tag" value={values.tag} placeholder="name or name:value" />
            <TextField name="from" label="From (UTC)" type="date" value={values.from} />
            <TextField name="until" label="Until (UTC)" type="date" value={values.until} />
          </div>
        </details>
        <noscript>
          <button type="submit">Search</button>
        </noscript>
      </form>
      <div id="list">
        {mistake ? (
          <p class="mistake" role="alert">
            {mistake}
          </p>
        ) : (
          <EmailList {...props} />
        )}
      </div>
    </>
  );
}

function EmailList(props: EmailListProps) {
  const { emails, next, isSearch } = props;
  if (emails.length === 0 && next === undefined) return isSearch ? <NothingFound /> : <NothingSent />;
  if (isSearch) {
    return (
      <>
        <MetricsOf emails={emails} isAll={next === undefined} />
        <Table label="Emails" columns={columns}>
          <EmailRows {...props} />
        </Table>
      </>
    );
  }
  const { fresh, rest } = freshOf(props);
  return (
    <Table label="Emails" columns={columns} live={<FreshEmails emails={fresh} now={props.now} />}>
      <EmailRows {...props} emails={rest} />
    </Table>
  );
}

/** How it went with what was found, since the day the first of them was made. */
function MetricsOf({ emails, isAll }: { emails: FoundEmail[]; isAll: boolean }) {
  // A copy's metrics would be its whole broadcast's.
  const counted = emails.filter(({ deliveryId }) => deliveryId === undefined);
  if (counted.length === 0) return null;
  const first = new Date(Math.min(...counted.map(({ createdAt }) => createdAt.getTime())));
  const search = new URLSearchParams({
    ...{ range: "custom", start_date: first.toISOString().slice(0, 10), by: "email" },
    email_id: counted.map(({ id }) => id).join(),
  });
  return (
    <p class="quiet">
      <a href={`/admin/metrics?${search}`}>
        Metrics of {isAll ? "" : "the newest "}
        {counted.length === 1 ? "this email" : `${isAll ? "these " : ""}${counted.length} emails`}
      </a>
    </p>
  );
}

function NothingFound() {
  return (
    <Empty icon="search" title="Nothing found">
      <p>
        Words may be only begun. Search for an address, part of a subject, an id or a Message-ID, and leave
        out what you are not sure of. What broadcasts have sent to somebody is found by the whole address, or
        by the Message-ID of the copy.
      </p>
    </Empty>
  );
}

function NothingSent() {
  return (
    <Empty icon="email" title="No email yet">
      <p>Send one from here, or with an API key from your program.</p>
      <p>
        <Acting>
          <a class="button primary" href="/admin/emails/new">
            New email
          </a>
        </Acting>{" "}
        <a class="button" href="/admin/docs">
          How programs send
        </a>
      </p>
    </Empty>
  );
}

/**
 * The part of the list that is kept as it is now: what the page began with but for its last row, where the older ones
 * go on, and whatever comes.
 */
export function FreshEmails({ emails, now }: { emails: FoundEmail[]; now: Date }) {
  return (
    <tbody id="fresh-emails">
      {emails.map((email) => (
        <EmailRow email={email} now={now} />
      ))}
    </tbody>
  );
}

function freshOf({ emails, next }: Pick<EmailListProps, "emails" | "next">) {
  const at = next === undefined ? emails.length : emails.length - 1;
  return { fresh: emails.slice(0, at), rest: emails.slice(at) };
}

/** The rows of one page, and what loads the next. */
export function EmailRows({ emails, next, values, now }: EmailListProps) {
  const asked = Object.entries(values).filter(([, value]) => value !== "");
  return (
    <>
      {emails.map((email) => (
        <EmailRow email={email} now={now} />
      ))}
      {next !== undefined && (
        <More
          href={`/admin/emails?${new URLSearchParams([...asked, ["after", next]])}`}
          columns={columns.length}
        />
      )}
    </>
  );
}

/** Of a copy of a broadcast, its recipient's page. */
export const foundPath = ({ id, broadcastId, deliveryId }: FoundEmail): string =>
  broadcastId && deliveryId ? recipientPath(broadcastId, deliveryId) : `/admin/emails/${id}`;

function EmailRow({ email, now }: { email: FoundEmail; now: Date }) {
  const { id, recipients, cc, bcc, broadcastId, deliveryId } = email;
  const { subject, lastEvent, sender, createdAt, scheduledAt } = email;
  const others = recipients.length + cc.length + bcc.length - 1;
  return (
    <tr id={`email-${id}`}>
      <td class="long address">
        <a href={foundPath(email)}>
          {broadcastId && !deliveryId ? "A broadcast" : (recipients[0] ?? "nobody")}
        </a>
        {deliveryId && <span class="quiet"> in a broadcast</span>}
        {others > 0 && <span class="quiet"> and {others} more</span>}
      </td>
      <td class="long">{subject || <span class="quiet">(no subject)</span>}</td>
      <td>
        <State name={lastEvent} />
      </td>
      <td class="long quiet wide">{sender}</td>
      <td class="quiet">
        <Ago at={lastEvent === "scheduled" && scheduledAt ? scheduledAt : createdAt} now={now} />
      </td>
    </tr>
  );
}
