/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { Segment } from "../src/contacts/schema.ts";
import { Acting } from "./parts/acting.tsx";
import { Badge } from "./parts/badge.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { number } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
import { Ago } from "./parts/time.tsx";

export interface SegmentRowsProps {
  segments: Segment[];
  next: string | undefined;
  now: Date;
  /** Whether dynamic ones are counted by themselves, which takes its time where there are many contacts. */
  isCountedUnasked: boolean;
}

const columns = [
  "Name",
  "Kind",
  { name: "Contacts", isNumber: true },
  { name: "Created", isWide: true },
] as const;

export function SegmentsPage(list: SegmentRowsProps) {
  return (
    <>
      <PageHead title="Segments" lead="Lists of contacts: whom a broadcast goes to.">
        <Acting>
          <a class="button" href="/admin/segments/new">
            New static segment
          </a>
        </Acting>
        <Acting>
          <a class="button primary" href="/admin/segments/new?kind=dynamic">
            New dynamic segment
          </a>
        </Acting>
      </PageHead>
      {list.segments.length === 0 ? (
        <Empty icon="filter" title="No segment yet">
          <p>
            A dynamic segment holds whoever its rules hold for, now and later. A static one holds whom you put
            into it.
          </p>
          <p>
            <Acting>
              <a class="button" href="/admin/segments/new?kind=dynamic">
                Build one by rules
              </a>
            </Acting>
          </p>
        </Empty>
      ) : (
        <Table label="Segments" columns={columns}>
          <SegmentRows {...list} />
        </Table>
      )}
    </>
  );
}

export function SegmentRows({ segments, next, now, isCountedUnasked }: SegmentRowsProps) {
  return (
    <>
      {segments.map(({ id, name, rules, members, createdAt }) => (
        <tr>
          <td>
            <a href={`/admin/segments/${id}`}>
              <strong>{name}</strong>
            </a>
          </td>
          <td>
            <Kind isDynamic={rules !== null} />
          </td>
          <td class="number">
            {rules === null ? (
              <SegmentCount count={members} />
            ) : (
              <a
                href={`/admin/segments/${id}`}
                hx-get={`/admin/segments/${id}/count`}
                hx-trigger={isCountedUnasked ? "intersect once, click" : "click"}
                hx-swap="outerHTML"
                aria-label={`Count ${name}`}
              >
                Count
              </a>
            )}
          </td>
          <td class="quiet wide">
            <Ago at={createdAt} now={now} />
          </td>
        </tr>
      ))}
      {next && <More href={`/admin/segments?after=${next}`} columns={columns.length} />}
    </>
  );
}

export function Kind({ isDynamic }: { isDynamic: boolean }) {
  return isDynamic ? <Badge tone="info">dynamic</Badge> : <Badge tone="quiet">static</Badge>;
}

export function SegmentCount({ count }: { count: number }) {
  return <span class="number">{number(count)}</span>;
}
