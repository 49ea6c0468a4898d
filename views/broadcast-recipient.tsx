/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ComponentChildren } from "preact";
import type { BroadcastRecipient } from "../src/delivery/recipient.ts";
import { type CardProps, DeliveryCard } from "./email-timeline.tsx";
import { Copyable } from "./parts/copy.tsx";
import { Tabs } from "./parts/message.tsx";
import { PageHead } from "./parts/page-head.tsx";

export const recipientPath = (broadcastId: string, deliveryId: string) =>
  `/admin/broadcasts/${broadcastId}/recipients/${deliveryId}`;

export interface RecipientPageProps
  extends Pick<BroadcastRecipient, "broadcast" | "contactId" | "messageId"> {
  delivery: CardProps["explained"]["delivery"];
  /** Of the tab that is shown. */
  current: string;
}

/** One recipient of a broadcast: who they are, then one of the ways to look at what went to them. */
export function RecipientPage({
  broadcast,
  contactId,
  messageId,
  delivery,
  current,
  children,
}: RecipientPageProps & { children?: ComponentChildren }) {
  const path = recipientPath(broadcast.id, delivery.id);
  return (
    <>
      <PageHead
        title={delivery.recipient}
        lead="One recipient of a broadcast."
        up={{ path: `/admin/broadcasts/${broadcast.id}/recipients`, name: "Recipients" }}
      />
      <dl class="facts">
        <dt>Broadcast</dt>
        <dd>
          <a href={`/admin/broadcasts/${broadcast.id}`}>{broadcast.name}</a>
        </dd>
        <dt>Contact</dt>
        <dd>
          {contactId ? (
            <a href={`/admin/contacts/${contactId}`}>{delivery.recipient}</a>
          ) : (
            <span class="quiet">deleted since</span>
          )}
        </dd>
        <dt>ID</dt>
        <dd>
          <Copyable text={delivery.id} label="the ID" />
        </dd>
        {messageId && (
          <>
            <dt>Message-ID</dt>
            <dd>
              <Copyable text={messageId} label="the Message-ID" />
            </dd>
          </>
        )}
      </dl>
      <Tabs
        label="The copy"
        current={current}
        tabs={[
          { path, name: "Timeline" },
          { path: `${path}/headers`, name: "Headers" },
          { path: `${path}/raw`, name: "Raw" },
        ]}
      />
      {children}
    </>
  );
}

/** Live: what became of it. */
export function RecipientTimeline(props: CardProps) {
  return (
    <div id="timeline">
      <DeliveryCard {...props} />
    </div>
  );
}
