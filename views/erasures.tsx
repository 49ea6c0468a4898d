/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { Person } from "../src/contacts/person.ts";
import type { Erasure, ErasureCounts, Stage } from "../src/people/schema.ts";
import { Acting } from "./parts/acting.tsx";
import { Badge } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { TextField } from "./parts/form.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { number } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
import { Ago, Time } from "./parts/time.tsx";

export interface ShownErasure extends Erasure {
  /** From 0 to 1. */
  progress: number;
}

export interface ErasureRowsProps {
  erasures: ShownErasure[];
  next: string | undefined;
  now: Date;
}

const columns = [
  "Begun",
  "State",
  { name: "Emails", isWide: true, isNumber: true },
  { name: "Received", isWide: true, isNumber: true },
  { name: "Events", isWide: true, isNumber: true },
  { name: "Requests", isWide: true, isNumber: true },
] as const;
const up = { path: "/admin/contacts", name: "Contacts" };
const upToErasures = { path: "/admin/contacts/erasures", name: "Personal data" };

interface ErasuresPageProps extends ErasureRowsProps {
  /** The address that was looked for. */
  asked: string;
  mistake?: string;
}

/** Whose data is asked for, and whose was erased. */
export function ErasuresPage({ asked, mistake, ...list }: ErasuresPageProps) {
  return (
    <>
      <PageHead
        title="Personal data"
        lead="What is kept of one person, for whoever asks you for it or asks you to forget them."
        up={up}
      />
      <section class="card">
        <form method="get" action="/admin/contacts/data" class="stack">
          <TextField
            name="address"
            label="Email address"
            type="email"
            required
            maxLength={254}
            autocomplete="off"
            value={asked}
            mistake={mistake}
            hint="It need not be a contact’s."
          />
          <button type="submit" class="primary">
            Find their data
          </button>
        </form>
      </section>
      <h2>Erasures</h2>
      {list.erasures.length === 0 ? (
        <Empty icon="people" title="Nobody’s data was erased yet">
          <p>Erase somebody from their contact’s page, or find them by their address above.</p>
        </Empty>
      ) : (
        <Table label="Erasures" columns={columns}>
          <ErasureRows {...list} />
        </Table>
      )}
    </>
  );
}

export function ErasureRows({ erasures, next, now }: ErasureRowsProps) {
  return (
    <>
      {erasures.map((erasure) => (
        <tr>
          <td>
            <a href={`/admin/contacts/erasures/${erasure.id}`}>
              <Ago at={erasure.createdAt} now={now} />
            </a>
          </td>
          <td>
            <ErasureState erasure={erasure} />
          </td>
          <td class="number wide">{number(erasure.counts.emails + erasure.counts.shared_emails)}</td>
          <td class="number wide">{number(erasure.counts.received)}</td>
          <td class="number wide">{number(erasure.counts.events)}</td>
          <td class="number wide">{number(erasure.counts.requests)}</td>
        </tr>
      ))}
      {next && <More href={`/admin/contacts/erasures?after=${next}`} columns={columns.length} />}
    </>
  );
}

function ErasureState({ erasure }: { erasure: ShownErasure }) {
  return erasure.completedAt ? <Badge tone="good">done</Badge> : <Badge tone="info">erasing</Badge>;
}

interface PersonDataPageProps extends Pick<Person, "contact" | "suppression"> {
  csrf: string;
  address: string;
}

export function PersonDataPage({ csrf, address, contact, suppression }: PersonDataPageProps) {
  return (
    <>
      <PageHead
        title={address}
        lead={
          contact ? "One of your contacts." : "None of your contacts; emails and more may be kept of them."
        }
        up={upToErasures}
      >
        {contact && (
          <a class="button" href={`/admin/contacts/${contact.id}`}>
            See the contact
          </a>
        )}
      </PageHead>
      {suppression && (
        <p>
          <Badge tone="bad">suppressed</Badge> Nothing is sent to this address. That stays after an erasure.
        </p>
      )}
      <PersonDataCard csrf={csrf} address={address} />
    </>
  );
}

/** What is kept of somebody: taken along, or erased. */
export function PersonDataCard({ csrf, address }: { csrf: string; address: string }) {
  const query = new URLSearchParams({ address });
  return (
    <section class="card">
      <h2>Everything kept of this person</h2>
      <p class="quiet">
        The contact, emails to them and what came of those, mail from them, events and requests that name
        them, as one JSON file. All tables are looked through as you load it, which takes a second for each
        million emails or so.
      </p>
      <p class="row">
        <Acting>
          <a class="button" href={`/admin/contacts/data/download?${query}`} download>
            Download as JSON
          </a>
        </Acting>
        <Confirm
          id="erase-person"
          csrf={csrf}
          action="/admin/contacts/erasures"
          fields={{ address }}
          label="Erase"
          title={`Erase all that is kept of ${address}?`}
          act="Erase their data"
        >
          <p>
            These go: the contact with their topics and segments, emails to them that wait, emails to them
            alone, mail from them, events about them, and logged requests that name them. In emails to others
            too, and in broadcasts, they become nobody.
          </p>
          <p>
            These stay: a suppression of the address, so that nobody writes to them again by mistake (who has
            unsubscribed from everything becomes one), counts in metrics, and what your team did in the audit
            log.
          </p>
          <p>This can't be taken back.</p>
        </Confirm>
      </p>
    </section>
  );
}

interface ErasurePageProps {
  erasure: ShownErasure;
  now: Date;
}

export function ErasurePage({ erasure, now }: ErasurePageProps) {
  return (
    <>
      <PageHead
        title="Erasure"
        lead={
          <>
            Begun <Time at={erasure.createdAt} isShort />. Whom it is about is forgotten once it has ended.
          </>
        }
        up={upToErasures}
      />
      <ErasureProgress erasure={erasure} now={now} />
    </>
  );
}

const doing: Record<Stage, string> = {
  queued: "It begins in a moment.",
  imports: "Files of contacts are looked through.",
  contact: "The contact is erased.",
  received: "Received mail is looked through.",
  sent: "Sent emails are looked through.",
  events: "Events are looked through.",
  sandbox: "The sandbox’s inbox is looked through.",
  requests: "Logged requests are looked through.",
  bodies:
    "All but bodies of emails is erased. These wait until no other email can be sent with the same one.",
};

const counted: readonly (readonly [keyof ErasureCounts, string])[] = [
  ["contacts", "Contacts"],
  ["canceled", "Emails canceled"],
  ["emails", "Emails erased"],
  ["shared_emails", "Emails they are nobody in"],
  ["received", "Received mail"],
  ["events", "Events"],
  ["requests", "Requests"],
  ["import_errors", "Rows of files"],
];

/** How far an erasure is, and what has gone; live while it goes on. */
export function ErasureProgress({ erasure, now }: ErasurePageProps) {
  const { stage, progress, counts, completedAt } = erasure;
  return (
    <div id="progress">
      <section class="card">
        <p class="row">
          <ErasureState erasure={erasure} />
          <span>
            {completedAt
              ? "Done: nothing of them is kept but what had to stay."
              : `${doing[stage]} It goes on without this page.`}
          </span>
          {completedAt && (
            <span class="quiet">
              <Ago at={completedAt} now={now} />
            </span>
          )}
        </p>
        {!completedAt && (
          <progress max={100} value={Math.floor(progress * 100)} aria-label="How far the erasure is" />
        )}
      </section>
      <dl class="stats in-fours">
        {counted.map(([name, label]) => (
          <div class="stat">
            <dt>{label}</dt>
            <dd>{number(counts[name])}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
