/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ImportResult } from "../src/suppressions/import.ts";
import type { Suppression, SuppressionReason } from "../src/suppressions/schema.ts";
import { Acting } from "./parts/acting.tsx";
import { Badge, type Tone } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Form, FormMistake, SelectField, TextField } from "./parts/form.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { number } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
import { Ago, Time } from "./parts/time.tsx";

export interface SuppressionRowsProps {
  suppressions: Suppression[];
  /** The address of the next page. */
  nextHref: string | undefined;
  now: Date;
  csrf: string;
}

export interface SuppressionsPageProps extends SuppressionRowsProps {
  search: { prefix: string; reason: string };
}

const columns = ["Address", "Reason", "Until", { name: "Since", isWide: true }, ""] as const;

const reasons: Record<SuppressionReason, { tone: Tone; word: string }> = {
  bounce: { tone: "bad", word: "bounced" },
  complaint: { tone: "warn", word: "complained" },
  unsubscribe: { tone: "info", word: "unsubscribed" },
  manual: { tone: "quiet", word: "by hand" },
};

const reasonOptions = [
  ["manual", "By hand"],
  ["bounce", "It bounced"],
  ["complaint", "It complained of spam"],
  ["unsubscribe", "It unsubscribed"],
] as const;

export function SuppressionsPage({ search, ...list }: SuppressionsPageProps) {
  const isSearch = search.prefix !== "" || search.reason !== "";
  return (
    <>
      <PageHead title="Suppressions" lead="Addresses your team no longer sends to, whoever asks for it.">
        <a class="button" href="/admin/suppressions/export" download>
          Export
        </a>
        <Acting>
          <a class="button" href="/admin/suppressions/import">
            Import
          </a>
        </Acting>
        <Acting>
          <a class="button primary" href="/admin/suppressions/new">
            Add an address
          </a>
        </Acting>
      </PageHead>
      <form
        method="get"
        class="filters"
        action="/admin/suppressions"
        hx-get="/admin/suppressions"
        hx-trigger="input delay:250ms, change"
        hx-target="#found"
        hx-select="#found"
        hx-swap="outerHTML"
        hx-replace-url="true"
      >
        <div class="field grow">
          <label for="prefix">Address begins with</label>
          <input id="prefix" name="prefix" type="search" value={search.prefix} placeholder="ada@" />
        </div>
        <div class="field">
          <label for="reason">Reason</label>
          <select id="reason" name="reason">
            {[["", "Any"] as const, ...reasonOptions].map(([value, text]) => (
              <option value={value} selected={value === search.reason}>
                {text}
              </option>
            ))}
          </select>
        </div>
        <noscript>
          <button type="submit">Search</button>
        </noscript>
      </form>
      <div id="found">
        {list.suppressions.length === 0 && !list.nextHref ? (
          <NothingFound isSearch={isSearch} />
        ) : (
          <Table label="Suppressions" columns={columns}>
            <SuppressionRows {...list} />
          </Table>
        )}
      </div>
    </>
  );
}

function NothingFound({ isSearch }: { isSearch: boolean }) {
  if (isSearch) {
    return (
      <Empty icon="search" title="No such suppression">
        <p>Nothing here begins like that, or has that reason. Is the address written as it was sent to?</p>
      </Empty>
    );
  }
  return (
    <Empty icon="suppression" title="Nobody is suppressed">
      <p>
        Addresses come here by themselves when mail to them bounces for good, or when their holders complain
        or unsubscribe. If you come from another service, import its list first.
      </p>
    </Empty>
  );
}

export function SuppressionRows({ suppressions, nextHref, now, csrf }: SuppressionRowsProps) {
  return (
    <>
      {suppressions.map((row) => (
        <tr id={`suppression-${row.id}`}>
          <td class="long address">{row.address}</td>
          <td>
            <Badge tone={reasons[row.reason].tone}>{reasons[row.reason].word}</Badge>{" "}
            {row.sourceId && <a href={`/admin/emails/${row.sourceId}`}>by this email</a>}
          </td>
          <td class="quiet">{row.expiresAt ? <Time at={row.expiresAt} isShort /> : "for good"}</td>
          <td class="quiet wide">
            <Ago at={row.createdAt} now={now} />
          </td>
          <td class="act">
            <Confirm
              id={`remove-${row.id}`}
              csrf={csrf}
              action={`/admin/suppressions/${row.id}/remove`}
              label="Remove"
              title={`Send to ${row.address} again?`}
              act="Send to it again"
            >
              <p>{warnings[row.reason]}</p>
              <p>Emails that still wait for it go out when their time comes.</p>
            </Confirm>
          </td>
        </tr>
      ))}
      {nextHref && <More href={nextHref} columns={columns.length} />}
    </>
  );
}

const warnings: Record<SuppressionReason, string> = {
  bounce: "Mail to it bounced for good. If the mailbox is still gone, the next bounce brings it back here.",
  complaint: "Its holder has reported your mail as spam. Another report harms the mail of all of you.",
  unsubscribe: "Its holder has unsubscribed: the law asks for their consent before you write again.",
  manual: "It was put here by hand.",
};

export interface NewSuppressionProps {
  csrf: string;
  values: { email: string; reason: string; expiresIn: string; expiresAt: string };
  mistakes: Partial<Record<"email" | "expires_in" | "expires_at" | "form", string>>;
}

const expiryOptions = [
  ["", "For good"],
  ["1d", "One day"],
  ["7d", "Seven days"],
  ["30d", "30 days"],
  ["365d", "One year"],
] as const;

export function NewSuppressionPage({ csrf, values, mistakes }: NewSuppressionProps) {
  return (
    <>
      <PageHead title="Add an address" up={{ path: "/admin/suppressions", name: "Suppressions" }} />
      <section class="card">
        <Form csrf={csrf} action="/admin/suppressions">
          <FormMistake>{mistakes.form}</FormMistake>
          <TextField
            name="email"
            label="Address"
            required
            value={values.email}
            placeholder="ada@example.com"
            autocapitalize="off"
            spellcheck={false}
            mistake={mistakes.email}
          />
          <ReasonField value={values.reason} />
          <SelectField
            name="expires_in"
            label="For how long"
            value={values.expiresIn}
            options={expiryOptions}
            mistake={mistakes.expires_in}
          />
          <UntilField value={values.expiresAt} mistake={mistakes.expires_at} />
          <button type="submit" class="primary">
            Suppress the address
          </button>
        </Form>
      </section>
    </>
  );
}

function UntilField({ value, mistake }: { value: string; mistake?: string | undefined }) {
  return (
    <TextField
      name="expires_at"
      label="Until (UTC)"
      type="datetime-local"
      value={value}
      mistake={mistake}
      hint="In place of the choice above."
    />
  );
}

function ReasonField({ value, hint }: { value: string; hint?: string }) {
  return <SelectField name="reason" label="Reason" value={value} options={reasonOptions} hint={hint} />;
}

export function ImportPage({ csrf, mistake }: { csrf: string; mistake?: string | undefined }) {
  return (
    <>
      <PageHead title="Import suppressions" up={{ path: "/admin/suppressions", name: "Suppressions" }} />
      <section class="card">
        <Form
          csrf={csrf}
          action={`/admin/suppressions/import?${new URLSearchParams({ streamed: "1", csrf })}`}
          enctype="multipart/form-data"
        >
          <FormMistake>{mistake}</FormMistake>
          <p>
            A CSV file: one address a line, or with a header that has <code>email</code> and, as you like,{" "}
            <code>reason</code>, <code>expires_at</code> and <code>created_at</code>. What is suppressed
            already stays as it is, so the same file can be imported again.
          </p>
          <ReasonField value="manual" hint="For lines that say none themselves." />
          <SelectField
            name="expires_in"
            label="For how long"
            value=""
            options={expiryOptions}
            hint="For lines that do not say until when."
          />
          <UntilField value="" />
          <div class="field">
            <label for="file">File</label>
            <input id="file" name="file" type="file" accept=".csv,.txt,text/csv,text/plain" required />
          </div>
          <button type="submit" class="primary">
            Import
          </button>
        </Form>
      </section>
    </>
  );
}

export function ImportedPage({ counts, errors }: ImportResult) {
  return (
    <>
      <PageHead title="Imported" up={{ path: "/admin/suppressions", name: "Suppressions" }}>
        <a class="button primary" href="/admin/suppressions">
          Done
        </a>
      </PageHead>
      <dl class="stats">
        {(
          [
            ["Lines", counts.total],
            ["Added", counts.created],
            ["There already", counts.existing],
            ["Not taken", counts.failed],
          ] as const
        ).map(([name, count]) => (
          <div class="stat">
            <dt>{name}</dt>
            <dd>{number(count)}</dd>
          </div>
        ))}
      </dl>
      {errors.length > 0 && (
        <section>
          <h2>Lines that were not taken</h2>
          {counts.failed > errors.length && <p class="quiet">The first {errors.length} of them.</p>}
          <Table label="Lines that were not taken" columns={[{ name: "Line", isNumber: true }, "Why"]}>
            {errors.map(({ line, message }) => (
              <tr>
                <td class="number">{line}</td>
                <td>{message.replaceAll("`", "")}</td>
              </tr>
            ))}
          </Table>
        </section>
      )}
    </>
  );
}
