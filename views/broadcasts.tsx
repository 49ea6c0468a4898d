/** @jsxImportSource preact */
import type { ListedBroadcast } from "../src/broadcasts/store.ts";
import { Acting } from "./parts/acting.tsx";
import { State } from "./parts/badge.tsx";
import { Form, FormMistake, SelectField, TextField } from "./parts/form.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { number } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
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
  broadcasts: ListedBroadcast[];
  next: string | undefined;
  now: Date;
}

const columns = ["Name", "State", { name: "Recipients", isNumber: true }, "When"];

export function BroadcastsPage(list: RowsProps) {
  const { tab, broadcasts } = list;
  return (
    <>
      <PageHead title="Broadcasts" lead="One email to everybody in a segment, each with a copy of their own.">
        <Acting>
          <a class="button primary" href="/admin/broadcasts/new">
            New broadcast
          </a>
        </Acting>
      </PageHead>
      <nav aria-label="States">
        <ul class="tabs">
          {Object.entries(broadcastTabs).map(([id, { name }]) => (
            <li>
              <a
                href={id === "all" ? "/admin/broadcasts" : `/admin/broadcasts?state=${id}`}
                aria-current={id === tab ? "page" : undefined}
              >
                {name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {broadcasts.length > 0 ? (
        <Table label="Broadcasts" columns={columns}>
          <BroadcastRows {...list} />
        </Table>
      ) : tab === "all" ? (
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
        <Empty icon="broadcast" title="None of them is here">
          <p>
            <a href="/admin/broadcasts">See all broadcasts</a>
          </p>
        </Empty>
      )}
    </>
  );
}

export function BroadcastRows({ tab, broadcasts, next, now }: RowsProps) {
  const more = next && `/admin/broadcasts?${tab === "all" ? "" : `state=${tab}&`}after=${next}`;
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
      {more && <More href={more} columns={columns.length} />}
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
