/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { BounceType, ClickedLink, Recipient, RecipientType } from "../src/broadcasts/recipients.ts";
import { BroadcastHead, type HeadProps } from "./broadcast.tsx";
import { recipientPath } from "./broadcast-recipient.tsx";
import { State } from "./parts/badge.tsx";
import { SelectField } from "./parts/form.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { number } from "./parts/number.ts";

export interface RecipientRowsProps {
  broadcastId: string;
  recipients: Recipient[];
  next: string | undefined;
  type: RecipientType;
  /** Of bounced ones, which. */
  bounceType: BounceType | undefined;
  email: string;
}

const recipientColumns = ["Address", "State", "What happened"];

const typeNames: Record<RecipientType, string> = {
  all: "All",
  sent: "Sent to",
  delivered: "Delivered",
  opened: "Opened",
  clicked: "Clicked",
  bounced: "Bounced",
  complained: "Complained",
  unsubscribed: "Unsubscribed",
  suppressed: "Suppressed",
};
const bounceNames: Record<BounceType, string> = {
  permanent: "Bounced: permanent",
  transient: "Bounced: transient",
  undetermined: "Bounced: undetermined",
};
const whoOptions = Object.entries(typeNames).flatMap((option) =>
  option[0] === "bounced"
    ? [option, ...Object.entries(bounceNames).map(([type, name]) => [`bounced:${type}`, name] as const)]
    : [option],
);

/** As the form and its address have them. */
const whoOf = ({ type, bounceType }: Pick<RecipientRowsProps, "type" | "bounceType">) =>
  bounceType ? `${type}:${bounceType}` : type;

export function RecipientsPage(props: HeadProps & RecipientRowsProps) {
  const { broadcastId, recipients, email } = props;
  const path = `/admin/broadcasts/${broadcastId}/recipients`;
  return (
    <>
      <BroadcastHead {...props} tab="recipients" />
      <form
        method="get"
        class="filters"
        action={path}
        hx-get={path}
        hx-trigger="input delay:250ms, change"
        hx-target="#list"
        hx-select="#list"
        hx-swap="outerHTML"
        hx-replace-url="true"
      >
        <div class="field grow">
          <label for="email">Address</label>
          <input id="email" name="email" type="search" value={email} autocomplete="off" />
        </div>
        <SelectField name="type" label="Who" value={whoOf(props)} options={whoOptions} />
        <button type="submit" class="unseen">
          Show
        </button>
      </form>
      <div id="list">
        {recipients.length === 0 ? (
          <Empty icon="people" title="Nobody is here">
            <p>
              {email
                ? "A whole address finds its recipient; this one is none, or has not come to that."
                : "Recipients are listed as the broadcast comes to them, by what became of it."}
            </p>
          </Empty>
        ) : (
          <Table label="Recipients" columns={recipientColumns}>
            <RecipientRows {...props} />
          </Table>
        )}
      </div>
    </>
  );
}

export function RecipientRows(props: RecipientRowsProps) {
  const { broadcastId, recipients, next, type, email } = props;
  const query = new URLSearchParams({ type: whoOf(props), ...(email && { email }), after: next ?? "" });
  return (
    <>
      {recipients.map((recipient) => (
        <tr>
          <td>
            <a href={recipientPath(broadcastId, recipient.id)}>{recipient.email}</a>
          </td>
          <td>
            <State name={recipient.state} />
          </td>
          <td class="quiet reason">{happened(type, recipient)}</td>
        </tr>
      ))}
      {next && (
        <More
          href={`/admin/broadcasts/${broadcastId}/recipients?${query}`}
          columns={recipientColumns.length}
        />
      )}
    </>
  );
}

function happened(type: RecipientType, { count, clickedLinks, bounceType, lastReply }: Recipient): string {
  const times = count === 1 ? "once" : `${number(count ?? 0)} times`;
  switch (type) {
    case "opened":
      return `opened it ${times}`;
    case "clicked":
      return `clicked ${times}: ${(clickedLinks ?? []).map(({ url }) => url).join(", ")}`;
    case "bounced":
      return [bounceType && `${bounceType} bounce`, lastReply].filter(Boolean).join(": ");
    case "complained":
      return "said that it is spam";
    case "unsubscribed":
      return "unsubscribed by it";
    default:
      return lastReply ?? "";
  }
}

export function LinksPage(props: HeadProps & { links: ClickedLink[] | undefined }) {
  const { broadcast, links } = props;
  const path = `/admin/broadcasts/${broadcast.id}/links?counted=1`;
  return (
    <>
      <BroadcastHead {...props} tab="links" />
      {links ? (
        <ClickedLinks links={links} />
      ) : (
        <section class="card" hx-get={path} hx-trigger="load" hx-swap="outerHTML">
          <p class="quiet">
            <a href={path}>Counting clicks…</a>
          </p>
          <progress aria-label="Counting clicks" />
        </section>
      )}
    </>
  );
}

/** Most clicked first. */
export function ClickedLinks({ links }: { links: ClickedLink[] }) {
  if (links.length === 0) {
    return (
      <Empty icon="broadcast" title="No link was followed yet">
        <p>
          Clicks are seen where click tracking is on for the sending domain; those of machines don't count.
        </p>
      </Empty>
    );
  }
  const most = Math.max(...links.map(({ clicks }) => clicks));
  return (
    <Table
      label="Clicked links"
      columns={["Link", { name: "Clicks", isNumber: true }, { name: "People", isNumber: true }]}
    >
      {links.map(({ url, clicks, uniqueClicks }) => (
        <tr>
          <td>
            <code>{url}</code>
            <br />
            <meter min={0} max={most} value={clicks} aria-label={`Clicks of ${url}`} />
          </td>
          <td class="number">{number(clicks)}</td>
          <td class="number">{number(uniqueClicks)}</td>
        </tr>
      ))}
    </Table>
  );
}
