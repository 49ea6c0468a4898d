/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ComponentChildren } from "preact";
import type { ReceivedWhole } from "../src/inbound/received.ts";
import type { InboundEmail } from "../src/inbound/schema.ts";
import type { TriedAddress } from "../src/inbound/try-address.ts";
import { Badge, type Tone } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Copyable } from "./parts/copy.tsx";
import { SelectField } from "./parts/form.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { sizeInWords, Tabs } from "./parts/message.tsx";
import { counted } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
import { SearchBar } from "./parts/search-bar.tsx";
import { Ago, Time } from "./parts/time.tsx";

export type ReceivedKind = "email" | "report";

export interface ReceivedListProps {
  emails: InboundEmail[];
  /** The address of the next ones. */
  next: string | undefined;
  /** What was searched for. */
  q: string;
  kind: ReceivedKind;
  now: Date;
  /** A domain that receives, for the empty list. */
  domain: string | undefined;
}

const columns = ["From", "Subject", { name: "To", isWide: true }, "Checks", "Received"] as const;

export function ReceivingPage({ list }: { list: ReceivedListProps }) {
  return (
    <>
      <PageHead title="Received" lead="Mail that came for the team’s domains.">
        <a class="button" href="/admin/receiving/routes">
          Routes
        </a>
      </PageHead>
      <SearchBar
        action="/admin/receiving"
        list="received"
        value={list.q}
        placeholder="Sender, recipient or subject"
      >
        <SelectField
          name="kind"
          label="Show"
          value={list.kind}
          options={[
            ["email", "Mail"],
            ["report", "Delivery reports and complaints"],
          ]}
        />
      </SearchBar>
      <ReceivedList {...list} />
    </>
  );
}

/** All of the list. While it is empty it is looked at anew until something is there. */
export function ReceivedList(list: ReceivedListProps) {
  const { emails, q, next } = list;
  return (
    <div id="received">
      {emails.length === 0 && next === undefined ? (
        <NothingReceived {...list} />
      ) : (
        <Table label="Received mail" columns={columns} live={q === "" && <FreshRows {...list} emails={[]} />}>
          <ReceivedRows {...list} />
        </Table>
      )}
    </div>
  );
}

function NothingReceived({ q, kind, domain }: ReceivedListProps) {
  if (q !== "") {
    return (
      <Empty icon="search" title="Nothing found">
        <p>No mail has “{q}” in its sender, recipients or subject.</p>
      </Empty>
    );
  }
  if (kind === "report") {
    return (
      <Empty icon="inbox" title="No reports">
        <p>Bounces and spam reports about what you sent appear here.</p>
      </Empty>
    );
  }
  return (
    <Empty icon="inbox" title="Nothing received yet">
      {domain ? (
        <p>Send an email to any address of {domain}: it appears here at once.</p>
      ) : (
        <p>
          Turn on receiving for one of your <a href="/admin/domains">domains</a>, and mail to its addresses
          appears here.
        </p>
      )}
    </Empty>
  );
}

/** What has come since the page was made; kept as it is now while the page is open. */
export function FreshRows(list: ReceivedListProps) {
  return (
    <tbody id="fresh">
      {list.emails.map((email) => (
        <ReceivedRow email={email} now={list.now} />
      ))}
    </tbody>
  );
}

export function ReceivedRows({ emails, next, now }: ReceivedListProps) {
  return (
    <>
      {emails.map((email) => (
        <ReceivedRow email={email} now={now} />
      ))}
      {next && <More href={next} columns={columns.length} />}
    </>
  );
}

function ReceivedRow({ email, now }: { email: InboundEmail; now: Date }) {
  const { id, sender, mailFrom, subject, receivedFor, createdAt, verdicts } = email;
  return (
    <tr id={`received-${id}`}>
      <td class="long">{sender || mailFrom || "(nobody)"}</td>
      <td class="long">
        <a href={`/admin/receiving/${id}`}>{subject.trim() || "(no subject)"}</a>
      </td>
      <td class="long quiet wide">{receivedFor.join(", ")}</td>
      <td>{verdicts && <Trust verdicts={verdicts} />}</td>
      <td class="quiet">
        <Ago at={createdAt} now={now} />
      </td>
    </tr>
  );
}

type Verdicts = NonNullable<InboundEmail["verdicts"]>;

/** In one word, whether the sender is who they say: what DMARC says, which sums up the others. */
function Trust({ verdicts: { dmarc, spf, dkim } }: { verdicts: Verdicts }) {
  if (dmarc.result === "pass") return <Badge tone="good">sender proven</Badge>;
  if (dmarc.result === "fail") return <Badge tone="bad">sender forged?</Badge>;
  const isPartly = spf.result === "pass" || dkim.some(({ result }) => result === "pass");
  return <Badge tone={isPartly ? "info" : "quiet"}>{isPartly ? "partly proven" : "not proven"}</Badge>;
}

const base = (id: string) => `/admin/receiving/${id}`;

/** One received message: what it is, then one of the ways to look at it. */
export function ReceivedPage({
  email,
  csrf,
  current,
  children,
}: {
  email: ReceivedWhole;
  csrf: string;
  current: string;
  children?: ComponentChildren;
}) {
  const path = base(email.id);
  return (
    <>
      <PageHead
        title={email.subject.trim() || "(no subject)"}
        up={{ path: "/admin/receiving", name: "Received" }}
      >
        <Confirm
          id="remove"
          csrf={csrf}
          action={`${path}/delete`}
          label="Delete"
          title="Delete this message?"
          act="Delete the message"
        >
          <p>It goes with its attachments, for good.</p>
        </Confirm>
      </PageHead>
      <dl class="facts">
        <dt>From</dt>
        <dd>
          {email.sender || "(nobody)"} {email.verdicts && <Trust verdicts={email.verdicts} />}
        </dd>
        <dt>To</dt>
        <dd>{email.recipients.join(", ") || "(nobody)"}</dd>
        {email.cc.length > 0 && (
          <>
            <dt>Cc</dt>
            <dd>{email.cc.join(", ")}</dd>
          </>
        )}
        {email.replyTo.length > 0 && (
          <>
            <dt>Reply-To</dt>
            <dd>{email.replyTo.join(", ")}</dd>
          </>
        )}
        <dt>Received</dt>
        <dd>
          <Time at={email.createdAt} /> <span class="quiet">{sizeInWords(email.size)}</span>
        </dd>
        {email.problem && (
          <>
            <dt>Problem</dt>
            <dd>{email.problem}</dd>
          </>
        )}
      </dl>
      <Tabs
        label="The message"
        current={current}
        tabs={[
          { path, name: "Message" },
          { path: `${path}/origin`, name: "Origin" },
          { path: `${path}/text`, name: "Text" },
          { path: `${path}/headers`, name: "Headers" },
          { path: `${path}/raw`, name: "Raw" },
          { path: `${path}/attachments`, name: `Attachments (${email.attachments.length})` },
        ]}
      />
      {children}
    </>
  );
}

export interface OriginProps {
  email: ReceivedWhole;
  /** What each recipient's route is now. */
  routes: TriedAddress[];
  told: { endpoint: string; webhookId: string; name: string; status: string; tries: number }[];
}

export function OriginTab({ email, routes, told }: OriginProps) {
  return (
    <div class="columns">
      <div>
        <section class="card">
          <h2>Who vouches for it</h2>
          {email.verdicts ? (
            <VerdictList verdicts={email.verdicts} />
          ) : (
            <p class="quiet">It could not be checked.</p>
          )}
        </section>
        <section class="card">
          <h2>Envelope</h2>
          <dl class="facts">
            <dt>MAIL FROM</dt>
            <dd>{email.mailFrom || "<> (a report, or an automatic answer)"}</dd>
            <dt>RCPT TO</dt>
            <dd>{email.receivedFor.join(", ")}</dd>
            <dt>Host</dt>
            <dd>
              {email.clientName} <code>{email.remoteAddress}</code>
            </dd>
            <dt>Encryption</dt>
            <dd>{email.tls ?? "none"}</dd>
            <dt>Message-ID</dt>
            <dd>{email.messageId ? <Copyable text={email.messageId} label="the Message-ID" /> : "none"}</dd>
            <dt>ID</dt>
            <dd>
              <Copyable text={email.id} label="the ID" />
            </dd>
          </dl>
        </section>
      </div>
      <div>
        <section class="card">
          <h2>Routes</h2>
          <p class="quiet">What is done with mail to these addresses now.</p>
          <ul class="plain-list">
            {routes.map((route) => (
              <li>
                <strong>{route.address}</strong> <TriedSentence tried={route} />
              </li>
            ))}
            {routes.length === 0 && <li class="quiet">Its addresses are none of the team’s any more.</li>}
          </ul>
        </section>
        <section class="card">
          <h2>Webhooks</h2>
          {told.length === 0 ? (
            <p class="quiet">
              No endpoint was told. Add one for email.received under <a href="/admin/webhooks">webhooks</a>.
            </p>
          ) : (
            <ul class="plain-list">
              {told.map(({ endpoint, webhookId, name, status, tries }) => (
                <li>
                  <a href={`/admin/webhooks/${webhookId}`}>{endpoint}</a>{" "}
                  <Badge tone={callTones[status] ?? "quiet"}>{status}</Badge>{" "}
                  <span class="quiet">
                    {name}, {counted(tries, "call")}
                  </span>
                </li>
              ))}
            </ul>
          )}
        </section>
      </div>
    </div>
  );
}

const callTones: Record<string, Tone> = { success: "good", pending: "info", failed: "bad" };

/** What becomes of mail to an address. */
export function TriedSentence({ tried }: { tried: TriedAddress }) {
  const { outcome, route, reply } = tried;
  const by = route ? ` by the route for ${routeInWords(route)}` : "";
  switch (outcome) {
    case "store":
      return <>is stored{by || ": no route is for it"}.</>;
    case "webhook":
      return <>is stored, and told to one endpoint alone{by}.</>;
    case "drop":
      return <>is taken and thrown away{by}.</>;
    case "reject":
      return (
        <>
          is refused{by}: <code>{reply}</code>
        </>
      );
  }
}

/** Which addresses a route is for. */
export function routeInWords({ match, value }: { match: string; value: string }): string {
  switch (match) {
    case "address":
      return value;
    case "pattern":
      return `addresses like ${value}`;
    case "plus":
      return `${value} and ${value}+anything`;
    default:
      return "every address";
  }
}

const good = new Set(["pass"]);
const bad = new Set(["fail", "permerror"]);
const toneOf = (result: string): Tone => (good.has(result) ? "good" : bad.has(result) ? "bad" : "quiet");

function VerdictList({ verdicts: { spf, dkim, dmarc, arc } }: { verdicts: Verdicts }) {
  const signer = spf.domain ?? "the sender’s domain";
  return (
    <dl class="verdicts">
      <Line name="SPF" result={spf.result} reason={spf.reason}>
        {spf.result === "pass"
          ? `${signer} lets this host send for it.`
          : bad.has(spf.result) || spf.result === "softfail"
            ? `${signer} does not name this host among those that send for it.`
            : `Nothing is known of who may send for ${signer}.`}
      </Line>
      {dkim.length === 0 && (
        <Line name="DKIM" result="none">
          The message is not signed.
        </Line>
      )}
      {dkim.map(({ result, reason, domain, selector, isAligned }) => (
        <Line name="DKIM" result={result} reason={reason}>
          {result === "pass"
            ? `${domain} signed it, and nothing has been changed since${isAligned ? "; it is the author’s domain" : "; but it is not the author’s domain"}.`
            : `The signature of ${domain} (${selector}) does not hold.`}
        </Line>
      ))}
      <Line name="DMARC" result={dmarc.result} reason={dmarc.reason}>
        {dmarc.result === "pass"
          ? "The address in From is proven."
          : dmarc.result === "fail"
            ? `The address in From is not proven${dmarc.policy ? `, and its domain asks to ${policyInWords(dmarc.policy)}` : ""}.`
            : "The author’s domain publishes no policy."}
      </Line>
      <Line name="ARC" result={arc.result} reason={arc.reason}>
        {arc.result === "pass"
          ? "Those who passed it on vouch for how they got it."
          : arc.result === "none"
            ? "Nobody on the way vouches for it."
            : "The chain of those who passed it on does not hold."}
      </Line>
    </dl>
  );
}

function policyInWords(policy: string): string {
  const words: Record<string, string> = {
    reject: "refuse it",
    quarantine: "treat it as spam",
    none: "do nothing",
  };
  return words[policy] ?? policy;
}

function Line({
  name,
  result,
  reason,
  children,
}: {
  name: string;
  result: string;
  reason?: string | undefined;
  children: string;
}) {
  return (
    <>
      <dt>
        {name} <Badge tone={toneOf(result)}>{result}</Badge>
      </dt>
      <dd>
        {children}
        {reason && <span class="quiet"> ({reason})</span>}
      </dd>
    </>
  );
}
