/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { Contact, Segment, Topic } from "../src/contacts/schema.ts";
import { Acting } from "./parts/acting.tsx";
import { Badge } from "./parts/badge.tsx";
import { SelectField } from "./parts/form.tsx";
import { Empty, Table } from "./parts/list.tsx";
import { LookFurther } from "./parts/look-further.tsx";
import { counted, number } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
import { Ago } from "./parts/time.tsx";

/** What was asked for, as it stands in the address. */
export interface ContactsFilter {
  q: string;
  segment: string;
  /** `in:` or `out:` and a topic's id. */
  topic: string;
  status: string;
}

export interface ContactsListProps {
  contacts: Contact[];
  next: string | undefined;
  filter: ContactsFilter;
  isFiltered: boolean;
  now: Date;
}

interface ContactsPageProps {
  list: ContactsListProps;
  segments: Segment[];
  topics: Topic[];
  totals: { total: number; unsubscribed: number };
}

const columns = [
  "Contact",
  { name: "Name", isWide: true },
  "Broadcasts",
  { name: "Added", isWide: true },
] as const;

export function ContactsPage({ list, segments, topics, totals }: ContactsPageProps) {
  const isNew = totals.total === 0;
  return (
    <>
      <PageHead
        title="Contacts"
        lead={
          isNew
            ? "The people you write broadcasts to."
            : `${counted(totals.total, "contact")}, ${number(totals.unsubscribed)} of them unsubscribed.`
        }
      >
        {!isNew && (
          <a class="button" href={exportPath(list.filter)} download>
            Export CSV
          </a>
        )}
        <a class="button" href="/admin/contacts/imports">
          Imports
        </a>
        <a class="button" href="/admin/contacts/erasures">
          Personal data
        </a>
        <Acting>
          <a class="button primary" href="/admin/contacts/new">
            Add a contact
          </a>
        </Acting>
      </PageHead>
      {!isNew && <Filters filter={list.filter} segments={segments} topics={topics} />}
      <ContactList {...list} />
    </>
  );
}

const exportPath = ({ segment }: ContactsFilter) =>
  segment ? `/admin/contacts/export?segment=${encodeURIComponent(segment)}` : "/admin/contacts/export";

function Filters({
  filter,
  segments,
  topics,
}: { filter: ContactsFilter } & Pick<ContactsPageProps, "segments" | "topics">) {
  return (
    <form
      method="get"
      action="/admin/contacts"
      class="filters"
      hx-get="/admin/contacts"
      hx-trigger="input delay:250ms, change, submit"
      hx-target="#contacts"
      hx-swap="outerHTML"
      hx-replace-url="true"
      hx-sync="this:replace"
    >
      <div class="field grow">
        <label for="q">Search</label>
        <input
          id="q"
          name="q"
          type="search"
          value={filter.q}
          placeholder="Beginning of an address or a name"
          autocomplete="off"
        />
      </div>
      {segments.length > 0 && (
        <SelectField
          name="segment"
          label="Segment"
          value={filter.segment}
          options={[["", "All"], ...segments.map(({ id, name }) => [id, name] as const)]}
        />
      )}
      {topics.length > 0 && (
        <SelectField
          name="topic"
          label="Topic"
          value={filter.topic}
          options={[
            ["", "Any"],
            ...topics.flatMap(({ id, name }) => [
              [`in:${id}`, `Hears of ${name}`] as const,
              [`out:${id}`, `Does not hear of ${name}`] as const,
            ]),
          ]}
        />
      )}
      <SelectField
        name="status"
        label="Broadcasts"
        value={filter.status}
        options={[
          ["", "All"],
          ["subscribed", "Subscribed"],
          ["unsubscribed", "Unsubscribed"],
        ]}
      />
      <noscript>
        <button type="submit">Search</button>
      </noscript>
    </form>
  );
}

export function ContactList(list: ContactsListProps) {
  const isEmpty = list.contacts.length === 0 && list.next === undefined;
  return (
    <div id="contacts" aria-live="polite">
      {isEmpty && list.isFiltered ? (
        <Empty icon="search" title="Nobody is like that">
          <p>
            Addresses and names are searched from their beginning. Try fewer letters, or take a filter off.
          </p>
          <p>
            <a class="button" href="/admin/contacts">
              Show everybody
            </a>
          </p>
        </Empty>
      ) : isEmpty ? (
        <Empty icon="people" title="No contact yet">
          <p>
            Import a CSV file with the people you write to, add one by hand, or let your program add them.
          </p>
          <p>
            <Acting>
              <a class="button" href="/admin/contacts/imports/new">
                Import a file
              </a>
            </Acting>
          </p>
        </Empty>
      ) : (
        <Table label="Contacts" columns={columns}>
          <ContactRows {...list} />
        </Table>
      )}
    </div>
  );
}

export function ContactRows({ contacts, next, filter, now }: ContactsListProps) {
  const asked = Object.entries(filter).filter(([, value]) => value);
  return (
    <>
      {contacts.map((contact) => (
        <tr>
          <td class="long address">
            <a href={`/admin/contacts/${contact.id}`}>
              <strong>{contact.email}</strong>
            </a>
          </td>
          <td class="long wide">{nameOf(contact)}</td>
          <td>
            <Subscribed contact={contact} />
          </td>
          <td class="quiet wide">
            <Ago at={contact.createdAt} now={now} />
          </td>
        </tr>
      ))}
      {next && (
        <LookFurther
          href={`/admin/contacts?${new URLSearchParams([...asked, ["after", next]])}`}
          columns={columns.length}
          isSparse={contacts.length === 0}
        />
      )}
    </>
  );
}

export const nameOf = ({ firstName, lastName }: Pick<Contact, "firstName" | "lastName">) =>
  [firstName, lastName].filter(Boolean).join(" ");

export function Subscribed({ contact }: { contact: Contact }) {
  return contact.unsubscribed ? (
    <Badge tone="warn">unsubscribed</Badge>
  ) : (
    <Badge tone="good">subscribed</Badge>
  );
}
