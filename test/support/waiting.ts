import { sql } from "drizzle-orm";
import { type App, atomically } from "../../src/app.ts";
import { rawWrite } from "../../src/db/write.ts";
import { deliver } from "../../src/emails/jobs.ts";
import type { Delivery, Tag } from "../../src/emails/schema.ts";
import { insertContent, insertDelivery, insertEmail } from "../../src/emails/store.ts";
import { newId } from "../../src/ids.ts";
import { enqueue } from "../../src/jobs/job.ts";
import type { JobRow } from "../../src/jobs/schema.ts";

export interface WaitingOptions {
  domain?: string;
  /** The domain's own when absent. */
  lane?: string;
  tags?: Tag[];
  /** How long ago it was accepted; ids tell it too, so the app's clock must be near the real one. */
  ageMs?: number;
  scheduledAt?: Date;
  /** Has been tried once; its next try is at this time. */
  deferredUntil?: Date;
  domainId?: string;
}

export interface WaitingDelivery {
  id: string;
  emailId: string;
}

/** Emails of one recipient each, accepted and not delivered, as many as there are options. */
export async function addWaiting(
  app: App,
  teamId: string,
  ...all: WaitingOptions[]
): Promise<WaitingDelivery[]> {
  const made = all.map((options) => makeWaiting(app, teamId, options));
  await atomically(
    app,
    made.flatMap(({ writes }) => writes),
  );
  return made.map(({ id, emailId }) => ({ id, emailId }));
}

function makeWaiting(app: App, teamId: string, options: WaitingOptions) {
  const { domain = "recipient.test", tags = [], ageMs = 0, scheduledAt, deferredUntil, domainId } = options;
  const createdAt = new Date(app.now().getTime() - ageMs);
  const id = ageMs === 0 ? newId() : Bun.randomUUIDv7("hex", createdAt);
  const emailId = newId();
  const contentId = newId();
  const nextAt = deferredUntil ?? scheduledAt ?? createdAt;
  const sender = `hello@example.com`;
  const recipient = `bob@${domain}`;
  const writes = [
    insertContent({ id: contentId, html: null, text: "Hello", createdAt }),
    insertEmail({
      ...{
        id: emailId,
        teamId,
        domainId: domainId ?? null,
        apiKeyId: null,
        messageId: `<${emailId}@example.com>`,
      },
      ...{
        sender,
        recipients: [recipient],
        cc: [],
        bcc: [],
        replyTo: [],
        subject: "Hi",
        contentId,
        broadcastId: null,
        headers: {},
      },
      ...{ tags, topicId: null, tracking: null, merge: null, scheduledAt: scheduledAt ?? null, createdAt },
      lastEvent: scheduledAt ? "scheduled" : deferredUntil ? "delivery_delayed" : "queued",
    }),
    insertDelivery({
      ...{ id, teamId, emailId, recipient, domain, createdAt, nextAttemptAt: nextAt, settledAt: null },
      state: deferredUntil ? "deferred" : "queued",
    }),
    ...enqueue(app, deliver, { deliveryId: id }, { id, lane: options.lane ?? domain, runAt: nextAt }),
  ];
  if (deferredUntil) {
    writes.push(
      rawWrite(
        "update deliveries set attempts = 1, last_reply = '451 4.7.1 Greylisted.', mx_host = 'mx.test', first_attempt_at = ? where id = ?",
        [createdAt.getTime(), id],
      ),
    );
  }
  return { id, emailId, writes };
}

/** As a node does that begins an attempt. */
export async function takeJob(app: App, id: string, node = "another"): Promise<void> {
  await atomically(app, [
    rawWrite("update jobs set node = ?, lease_until = ?, fence = fence + 1 where id = ? and node is null", [
      node,
      app.now().getTime() + 60_000,
      id,
    ]),
  ]);
}

/** A delivery, its job and its email's last event, as they are now. */
export async function lookAt(app: App, { id, emailId }: WaitingDelivery) {
  const [delivery] = await app.db.values<[Delivery["state"], string | null, number | null, number | null]>(
    sql`select state, last_reply, next_attempt_at, settled_at from deliveries where id = ${id}`,
  );
  const [job] = await app.db.values<[number, string | null, JobRow["node"]]>(
    sql`select run_at, last_error, node from jobs where id = ${id}`,
  );
  const [email] = await app.db.values<[string]>(sql`select last_event from emails where id = ${emailId}`);
  const [state, lastReply, nextAttemptAt, settledAt] = delivery!;
  return {
    ...{ state, lastReply, lastEvent: email![0] },
    nextAttemptAt: nextAttemptAt === null ? null : new Date(nextAttemptAt),
    settledAt: settledAt === null ? null : new Date(settledAt),
    job: job && { runAt: new Date(job[0]), lastError: job[1], node: job[2] },
  };
}
