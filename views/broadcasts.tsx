/** @jsxImportSource preact */
import type { ListedBroadcast } from "../src/broadcasts/store.ts";
import { Acting } from "./parts/acting.tsx";
import { State } from "./parts/badge.tsx";
import { Form, FormMistake, SelectField, TextField } from "./parts/form.tsx";
import { Empty, Table } from "./parts/list.tsx";
import { LookFurther } from "./parts/look-further.tsx";
import { number } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
import { SearchBar } from "./parts/search-bar.tsx";
import { Ago } from "./parts/time.tsx";
import { senderHint } from "./template-edit.tsx";

/** States as one looks for them, each with what it shows. */
export const broadcastTabs = {
  all: { name: "All", statuses: undefined },
  drafts: { name: "Drafts", statuses: ["draft"] },
  scheduled: { name: "Scheduled", statuses: ["scheduled", "queued"] },
  sending: { name: "Being sent", statuses: ["sending", "paused"] },
  sent: { name: "Sent", statuses: ["sent", "canceled"] },
} as const;
export type BroadcastTab = keyof typeof broadcastTabs;

interface RowsProps {
  tab: BroadcastTab;
  /** What is searched for; empty: all of them. */
  q: string;
  broadcasts: ListedBroadcast[];
  next: string | undefined;
  now: Date;
}

const columns = ["Name", "State", { name: "Recipients", isNumber: true }, "When"];

const base = "/admin/broadcasts";
const pathOf = ({ tab, q }: Pick<RowsProps, "tab" | "q">, after?: string) => {
  const asked = new URLSearchParams({
    ...(tab !== "all" && { state: tab }),
    ...(q && { q }),
    ...(after && { after }),
  });
  return asked.size === 0 ? base : `${base}?${asked}`;
};

export function BroadcastsPage(list: RowsProps) {
  const { tab, broadcasts, q } = list;
  const isEmpty = broadcasts.length === 0 && tab === "all" && q === "";
  return (
    <>
      <PageHead title="Broadcasts" lead="One email to everybody in a segment, each with a copy of their own.">
        <Acting>
          <a class="button primary" href="/admin/broadcasts/new">
            New broadcast
          </a>
        </Acting>
      </PageHead>
      {isEmpty ? (
        <Empty icon="broadcast" title="No broadcast yet">
          <p>
            Choose a segment of your contacts, write to them, look at what each of them will get, and send it.
          </p>
          <p>
            <Acting>
              <a class="button" href="/admin/broadcasts/new">
                Write the first one
              </a>
            </Acting>
          </p>
        </Empty>
      ) : (
        <>
          <SearchBar action={base} list="broadcasts" value={q} placeholder="Name or subject">
            {tab !== "all" && <input type="hidden" name="state" value={tab} />}
          </SearchBar>
          <div id="broadcasts">
            <nav aria-label="States">
              <ul class="tabs">
                {Object.entries(broadcastTabs).map(([id, { name }]) => (
                  <li>
                    <a
                      href={pathOf({ tab: id as BroadcastTab, q })}
                      aria-current={id === tab ? "page" : undefined}
                    >
                      {name}
                    </a>
                  </li>
                ))}
              </ul>
            </nav>
            <FoundBroadcasts {...list} />
          </div>
        </>
      )}
    </>
  );
}

function FoundBroadcasts(list: RowsProps) {
  const { broadcasts, next, q, tab } = list;
  if (broadcasts.length > 0 || next !== undefined) {
    return (
      <Table label="Broadcasts" columns={columns}>
        <BroadcastRows {...list} />
      </Table>
    );
  }
  if (q === "") {
    return (
      <Empty icon="broadcast" title="None of them is here">
        <p>
          <a href={base}>See all broadcasts</a>
        </p>
      </Empty>
    );
  }
  return (
    <Empty icon="search" title="Nothing found">
      <p>
        No broadcast {tab === "all" ? "" : "in this state "}has “{q}” in its name or subject.
      </p>
    </Empty>
  );
}

export function BroadcastRows({ tab, broadcasts, next, q, now }: RowsProps) {
  return (
    <>
      {broadcasts.map((broadcast) => (
        <tr id={`broadcast-${broadcast.id}`}>
          <td>
            <a href={`/admin/broadcasts/${broadcast.id}`}>
              <strong>{broadcast.name}</strong>
            </a>
            <br />
            <span class="quiet">{broadcast.subject}</span>
          </td>
          <td>
            <State name={broadcast.status} />
          </td>
          <td class="number">{broadcast.emailId ? number(broadcast.recipients) : ""}</td>
          <td class="quiet">
            <When broadcast={broadcast} now={now} />
          </td>
        </tr>
      ))}
      {next && (
        <LookFurther
          href={pathOf({ tab, q }, next)}
          columns={columns.length}
          isSparse={broadcasts.length === 0}
        />
      )}
    </>
  );
}

function When({ broadcast, now }: { broadcast: ListedBroadcast; now: Date }) {
  const { status, scheduledAt, startedAt, sentAt, updatedAt } = broadcast;
  if (status === "scheduled" && scheduledAt) return <Ago at={scheduledAt} now={now} />;
  const at = sentAt ?? startedAt;
  if (at)
    return (
      <>
        {sentAt ? "sent " : "begun "}
        <Ago at={at} now={now} />
      </>
    );
  return (
    <>
      changed <Ago at={updatedAt} now={now} />
    </>
  );
}

type Choice = readonly (readonly [id: string, name: string])[];

export interface NewBroadcastProps {
  csrf: string;
  segments: Choice;
  /** Published ones, which it can begin with. */
  templates: Choice;
  domains: string[];
  values: { name: string; segmentId: string; from: string; subject: string; templateId: string };
  mistakes: Partial<Record<"name" | "segment_id" | "from" | "subject" | "template_id" | "form", string>>;
}

export function NewBroadcastPage(props: NewBroadcastProps) {
  const { csrf, segments, templates, domains, values, mistakes } = props;
  const head = <PageHead title="New broadcast" up={{ path: "/admin/broadcasts", name: "Broadcasts" }} />;
  if (segments.length === 0) {
    return (
      <>
        {head}
        <Empty icon="filter" title="There is nobody to write to yet">
          <p>A broadcast goes to a segment of your contacts: make one first, and put contacts into it.</p>
          <p>
            <a class="button primary" href="/admin/segments">
              Segments
            </a>
          </p>
        </Empty>
      </>
    );
  }
  return (
    <>
      {head}
      <section class="card">
        <Form csrf={csrf} action="/admin/broadcasts">
          <FormMistake>{mistakes.form}</FormMistake>
          <TextField
            name="name"
            label="Name"
            required
            autofocus
            maxLength={200}
            value={values.name}
            mistake={mistakes.name}
            hint="For you and your team, such as March news."
          />
          <SelectField
            name="segment_id"
            label="Segment"
            value={values.segmentId}
            mistake={mistakes.segment_id}
            options={segments}
          />
          <SelectField
            name="template_id"
            label="Begin with"
            value={values.templateId}
            mistake={mistakes.template_id}
            options={[["", "An empty message"], ...templates]}
            hint="What a template says is copied: what is changed there later stays there."
          />
          <TextField
            name="from"
            label="From"
            value={values.from}
            mistake={mistakes.from}
            hint={`${senderHint(domains)} Empty: the template's.`}
          />
          <TextField
            name="subject"
            label="Subject"
            value={values.subject}
            mistake={mistakes.subject}
            hint="Empty: the template's."
          />
          <button type="submit" class="primary">
            Create and write it
          </button>
        </Form>
      </section>
    </>
  );
}
