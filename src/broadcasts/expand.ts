import type { App } from "../app.ts";
import { unwantedAmong } from "../contacts/consent.ts";
import type { Contact } from "../contacts/schema.ts";
import { getSegment } from "../contacts/segments.ts";
import { getTopic } from "../contacts/topics.ts";
import { expectChange } from "../db/write.ts";
import { deliver } from "../emails/jobs.ts";
import { laneForDomain } from "../emails/lanes.ts";
import { Refusal } from "../errors.ts";
import { type NewEvent, recordMany } from "../events/record.ts";
import { recordOfDeliveries } from "../events/record-selected.ts";
import { newId } from "../ids.ts";
import { enqueueMany } from "../jobs/job.ts";
import { once } from "../jobs/once.ts";
import { pausedUntil } from "../jobs/pause.ts";
import { parseAddress } from "../mail/address.ts";
import { suppressedAmong } from "../suppressions/suppress.ts";
import { tellSuppression } from "../suppressions/told.ts";
import { type AudienceSlice, fixAudience, leaveAudience, nextOfAudience } from "./audience.ts";
import { fieldsIn, valuesOf } from "./fields.ts";
import { type Pace, turnsFrom } from "./pace.ts";
import { type Broadcast, behindAll, heldNote } from "./schema.ts";
import { tellCanceled } from "./steer.ts";
import {
  conducted,
  findDomainOf,
  holdJobs,
  insertRecipients,
  moveCursor,
  type NewRecipient,
} from "./store.ts";

/** Small enough that nobody else waits long for the one writer, large enough that a hundred make 100,000. */
const sliceSize = 1_000;

/**
 * Gives the next thousand of the audience their deliveries, in the batch that moves the cursor: a crash neither skips nor
 * repeats anybody. Goes on while the broadcast is paused, with jobs that wait, because whom it goes to was settled when it
 * began; and once it is canceled, so that for everybody there is an event that says so.
 */
export async function expand(app: App, broadcast: Broadcast): Promise<void> {
  const { teamId, status } = broadcast;
  const emailId = broadcast.emailId!;
  const { contacts, unwanted, to, isLast } = await nextSlice(app, broadcast);
  const wanted = await withConsent(app, broadcast, contacts);
  const { rows, suppressed, pace } = await makeRecipients(app, broadcast, wanted);
  const due = rows.flatMap((row) => (row.plannedAt ? [{ ...row, plannedAt: row.plannedAt }] : []));
  const now = app.now();
  await once(app, [
    moveCursor(broadcast, {
      cursor: isLast ? behindAll : to!,
      recipients: rows.length,
      unsubscribed: unwanted + contacts.length - wanted.length,
      suppressed: suppressed.length,
      pace,
    }),
    expectChange(),
    ...(to === undefined ? [] : [leaveAudience(broadcast, to)]),
    ...(rows.length > 0 ? [insertRecipients({ teamId, emailId }, rows, now)] : []),
    ...enqueueMany(
      app,
      deliver,
      due.map(({ id, domain, plannedAt }) => ({
        id,
        payload: { deliveryId: id },
        lane: laneForDomain(app, domain),
        runAt: plannedAt,
      })),
    ),
    ...(status === "paused"
      ? [
          holdJobs(
            due.map(({ id }) => id),
            pausedUntil,
            heldNote,
          ),
        ]
      : []),
    ...recordMany(app, suppressed),
    ...(status === "canceled" && rows.length > 0
      ? tellRest(app, broadcast, await findDomainOf(app.db, emailId), rows)
      : []),
  ]);
}

/** Of those whom a broadcast had not come to when it was canceled: they are recipients who are not sent to. */
const tellRest = (
  app: App,
  { id: broadcastId, teamId, emailId }: Broadcast,
  domainId: string | null,
  rows: NewRecipient[],
) =>
  recordOfDeliveries(
    app,
    {
      ...{ type: "email.canceled", teamId, emailId: emailId!, domainId, broadcastId },
      ...{ data: tellCanceled, where: "d.state = 'canceled'" },
    },
    rows.map(({ id }) => id),
  );

async function nextSlice(app: App, broadcast: Broadcast): Promise<AudienceSlice> {
  try {
    if (broadcast.topicId !== null) await getTopic(app, broadcast.teamId, broadcast.topicId);
    return await nextOfAudience(app.db, broadcast, sliceSize);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // The topic was deleted, and with it what people said of it: nobody else is in it.
    return { contacts: [], unwanted: 0, to: behindAll, isLast: true };
  }
}

/** Whom it goes to, of a broadcast that an older version has begun: from where it is. */
export async function fixLate(app: App, broadcast: Broadcast): Promise<void> {
  const { teamId, segmentId, cursor, audienceEnd } = broadcast;
  const fixed = async () => {
    const segment = await getSegment(app, teamId, segmentId);
    return [fixAudience(broadcast, segment, app.now(), { after: cursor, before: audienceEnd })];
  };
  await once(app, [
    conducted(app.db, broadcast, { audienceEnd: null }),
    expectChange(),
    ...(await fixed().catch((error: unknown) => {
      if (error instanceof Refusal) return []; // the segment was deleted: nobody else is in it
      throw error;
    })),
  ]);
}

async function withConsent(
  app: App,
  { teamId, topicId }: Broadcast,
  contacts: Contact[],
): Promise<Contact[]> {
  const subscribed = contacts.filter(({ unsubscribed }) => !unsubscribed);
  if (topicId === null) return subscribed;
  const addresses = subscribed.map(({ email }) => email);
  const unwanted = await unwantedAmong(app.db, teamId, topicId, addresses);
  return subscribed.filter(({ email }) => !unwanted.has(email));
}

async function makeRecipients(
  app: App,
  broadcast: Broadcast,
  contacts: Contact[],
): Promise<{ rows: NewRecipient[]; suppressed: NewEvent[]; pace: Pace }> {
  const { teamId, emailId, id: broadcastId } = broadcast;
  const addresses = contacts.map(({ email }) => email);
  const reasons = await suppressedAmong(app, teamId, addresses);
  const wanted = fieldsIn(broadcast);
  const turns = turnsFrom(broadcast, app.now());
  const isCanceled = broadcast.status === "canceled";
  const rows: NewRecipient[] = [];
  const suppressed: NewEvent[] = [];
  for (const contact of contacts) {
    const { id: contactId, email: address } = contact;
    const domain = parseAddress(address)?.domain;
    if (domain === undefined) continue; // contacts have addresses; one that is none can't be sent to
    const id = newId();
    const reason = reasons.get(address);
    const state = reason ? "suppressed" : isCanceled ? "canceled" : "queued";
    const plannedAt = state === "queued" ? turns.next() : null;
    rows.push({ id, contactId, address, domain, values: valuesOf(contact, wanted), state, plannedAt });
    if (!reason) continue;
    suppressed.push({
      ...{ type: "email.suppressed", teamId, emailId: emailId!, deliveryId: id, recipient: address },
      ...{ broadcastId, data: { suppressed: tellSuppression(reason) } },
    });
  }
  return { rows, suppressed, pace: turns.pace() };
}
