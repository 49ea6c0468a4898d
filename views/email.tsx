/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ComponentChildren } from "preact";
import type { Email } from "../src/emails/schema.ts";
import { Acting } from "./parts/acting.tsx";
import { Badge, State } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Copyable } from "./parts/copy.tsx";
import { Tabs } from "./parts/message.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Time } from "./parts/time.tsx";

export type ShownEmail = Omit<Email, "merge">;

export interface EmailHeadProps {
  email: ShownEmail;
  csrf: string;
  /** Where it comes from; undefined where that is not there any more. */
  domain: { id: string; name: string } | undefined;
  apiKey: { name: string } | undefined;
  isFromTemplate: boolean;
  /** Of the tab that is shown. */
  current: string;
}

export const pathOf = ({ id }: Pick<Email, "id">) => `/admin/emails/${id}`;

/** One email: what it is, then one of the ways to look at it. */
export function EmailPage({ children, ...head }: EmailHeadProps & { children?: ComponentChildren }) {
  const { email, csrf, current } = head;
  const path = pathOf(email);
  return (
    <>
      <PageHead title={email.subject.trim() || "(no subject)"} up={{ path: "/admin/emails", name: "Emails" }}>
        <Acts email={email} csrf={csrf} />
      </PageHead>
      <EmailFacts {...head} />
      <Tabs
        label="The email"
        current={current}
        tabs={[
          { path, name: "Timeline" },
          { path: `${path}/html`, name: "HTML" },
          { path: `${path}/text`, name: "Text" },
          { path: `${path}/headers`, name: "Headers" },
          { path: `${path}/raw`, name: "Raw" },
          { path: `${path}/attachments`, name: "Attachments" },
        ]}
      />
      {children}
    </>
  );
}

function Acts({ email, csrf }: Pick<EmailHeadProps, "email" | "csrf">) {
  const path = pathOf(email);
  const count = email.recipients.length + email.cc.length + email.bcc.length;
  return (
    <>
      {email.lastEvent === "scheduled" && (
        <>
          <Confirm
            id="cancel"
            csrf={csrf}
            action={`${path}/cancel`}
            label="Cancel"
            title="Cancel this email?"
            act="Cancel the email"
          >
            <p>It will not be sent to anybody. This can’t be taken back.</p>
          </Confirm>
          <Acting>
            <a class="button" href={`${path}/reschedule`}>
              Reschedule
            </a>
          </Acting>
        </>
      )}
      <Acting>
        <a class="button" href={`${path}/share`}>
          Share
        </a>
      </Acting>
      {email.contentRemovedAt === null && (
        <Confirm
          id="resend"
          csrf={csrf}
          action={`${path}/resend`}
          label="Send again"
          title="Send this email again?"
          act="Send again"
          isDestructive={false}
        >
          <p>
            A new email with the same content goes to the same{" "}
            {count === 1 ? "recipient" : `${count} recipients`} at once.
          </p>
        </Confirm>
      )}
    </>
  );
}

/** Kept as it is now while the page is open. */
export function EmailState({ email }: { email: Pick<Email, "lastEvent"> }) {
  return (
    <span id="email-state">
      <State name={email.lastEvent} />
    </span>
  );
}

function EmailFacts({ email, domain, apiKey, isFromTemplate }: EmailHeadProps) {
  const { recipients, cc, bcc, replyTo, tags, scheduledAt, createdAt, contentRemovedAt } = email;
  return (
    <dl class="facts">
      <dt>State</dt>
      <dd>
        <EmailState email={email} />
      </dd>
      <dt>From</dt>
      <dd>{email.sender}</dd>
      <Addresses name="To" list={recipients} />
      <Addresses name="Cc" list={cc} />
      <Addresses name="Bcc" list={bcc} />
      <Addresses name="Reply-To" list={replyTo} />
      <dt>Accepted</dt>
      <dd>
        <Time at={createdAt} />
        <Origin domain={domain} apiKey={apiKey} isFromTemplate={isFromTemplate} />
      </dd>
      {scheduledAt && (
        <>
          <dt>Scheduled for</dt>
          <dd>
            <Time at={scheduledAt} />
          </dd>
        </>
      )}
      {tags.length > 0 && (
        <>
          <dt>Tags</dt>
          <dd class="row">
            {tags.map(({ name, value }) => (
              <Badge tone="quiet">{value === "" ? name : `${name}: ${value}`}</Badge>
            ))}
          </dd>
        </>
      )}
      {contentRemovedAt && (
        <>
          <dt>Content</dt>
          <dd>
            Removed <Time at={contentRemovedAt} />{" "}
            <span class="quiet">
              as <code>retention.content</code> says
            </span>
          </dd>
        </>
      )}
      <dt>ID</dt>
      <dd>
        <Copyable text={email.id} label="the ID" />
      </dd>
      <dt>Message-ID</dt>
      <dd>
        <Copyable text={email.messageId} label="the Message-ID" />
      </dd>
    </dl>
  );
}

function Origin({
  domain,
  apiKey,
  isFromTemplate,
}: Pick<EmailHeadProps, "domain" | "apiKey" | "isFromTemplate">) {
  return (
    <span class="quiet">
      {domain && (
        <>
          {" for "}
          <a href={`/admin/domains/${domain.id}`}>{domain.name}</a>
        </>
      )}
      {apiKey && (
        <>
          {" with the key "}
          <a href="/admin/api-keys">{apiKey.name}</a>
        </>
      )}
      {isFromTemplate && ", made from a template"}
    </span>
  );
}

function Addresses({ name, list }: { name: string; list: string[] }) {
  if (list.length === 0) return null;
  const [shown, more] = [list.slice(0, 10), list.length - 10];
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {shown.join(", ")}
        {more > 0 && ` and ${more} more`}
      </dd>
    </>
  );
}
