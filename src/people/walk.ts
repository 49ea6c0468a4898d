/**
 * Erasing one person. Each step is one batch that stands only while the erasure is where it was seen, so a crash leaves
 * whole steps behind, and the next to come goes on from there; a step that is done twice finds nothing the second time.
 */
import { setImmediate } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import { removeContactUnheard } from "../contacts/changes.ts";
import { findContactByEmail } from "../contacts/store.ts";
import { expectChange, rawWrite, type Write } from "../db/write.ts";
import { sharedForMs } from "../emails/content.ts";
import { recordEvent } from "../events/record.ts";
import { again, done, type Ending, handle } from "../jobs/job.ts";
import { once } from "../jobs/once.ts";
import { flushLogs } from "../logs/record.ts";
import { suppress } from "../suppressions/suppress.ts";
import {
  findEvents,
  findImportErrors,
  findQueued,
  findReceived,
  findRequests,
  findSandboxMessages,
  findSent,
  hasUnread,
  isImporting,
  nextImport,
} from "./find.ts";
import { erasePerson } from "./jobs.ts";
import { type Erasure, type ErasureCounts, type Stage, stages } from "./schema.ts";
import { takeOut } from "./shared-emails.ts";
import { logsOf, nextSlice, walked } from "./slices.ts";
import {
  cancelDeliveries,
  changeEventData,
  changeImportErrors,
  deleteEmails,
  deleteEvents,
  deleteInbound,
  deleteLogs,
  deleteSandboxMessages,
  emptyContents,
  findErasureById,
  forgetRecipients,
  listEventIdsOf,
  moveErasure,
} from "./store.ts";
import { nobody, Trace } from "./trace.ts";

/** So many slices with nothing of theirs are passed over before one writes down how far one is. */
const slicesAtOnce = 50;
const waitMs = 2_000;
/** So long after it began its own request is in the log, on whichever node it was made. */
const logsAfterMs = 5_000;

/** One step: up to where it came (null: the stage has ended), and what it does. */
interface Step {
  to: string | null;
  writes?: Write[];
  counts?: Partial<ErasureCounts>;
  /** Something is under way that must end first; the step is made again then. */
  wait?: { at: Date; why: string };
}

type Walk = (app: App, erasure: Erasure, trace: Trace) => Promise<Step>;

export const erasing = handle(erasePerson, async (app, { erasureId }, { signal }) => {
  for (;;) {
    const erasure = await findErasureById(app.db, erasureId);
    if (!erasure || erasure.address === null) return done();
    if (signal.aborted) return again(app.now(), "the server was stopped");
    const ending = await goOn(app, erasure, new Trace(erasure.address), signal);
    if (ending) return ending;
  }
});

async function goOn(
  app: App,
  erasure: Erasure,
  trace: Trace,
  signal: AbortSignal,
): Promise<Ending | undefined> {
  let { cursor } = erasure;
  for (let slices = 1; ; slices++) {
    const step = await walks[erasure.stage](app, { ...erasure, cursor }, trace);
    const { to, writes = [], counts = {}, wait } = step;
    if (wait) {
      await atomically(app, writes);
      return again(wait.at, wait.why);
    }
    await setImmediate(); // other work gets its turn
    const isEmpty = to !== null && writes.length === 0;
    if (isEmpty && slices < slicesAtOnce && !signal.aborted) {
      cursor = to;
      continue;
    }
    const next = to === null ? stages[stages.indexOf(erasure.stage) + 1] : erasure.stage;
    const place = next
      ? { stage: next, cursor: to ?? "" }
      : { address: null, cursor: "", completedAt: app.now() };
    await once(app, [
      moveErasure(app.db, erasure, { ...place, counts: sum(erasure.counts, counts) }),
      expectChange(),
      ...writes,
    ]);
    return undefined;
  }
}

function sum(before: ErasureCounts, more: Partial<ErasureCounts>): ErasureCounts {
  const counts = { ...before };
  for (const [name, count] of Object.entries(more)) counts[name as keyof ErasureCounts] += count;
  return counts;
}

const later = (app: App, why: string) => ({ at: new Date(app.now().getTime() + waitMs), why });

const walks: Record<Stage, Walk> = {
  async queued(app, { teamId, cursor }, trace) {
    const slice = await nextSlice(app.db, walked.jobs, cursor);
    if (!slice) return { to: null };
    const ids = await findQueued(app.db, teamId, trace, slice);
    if (ids.length === 0) return { to: slice.to };
    return { to: slice.to, writes: cancelDeliveries(ids, app.now()), counts: { canceled: ids.length } };
  },

  async imports(app, { teamId, cursor, createdAt }, trace) {
    if (await isImporting(app.db, teamId, createdAt)) {
      return { to: cursor, wait: later(app, "a file that may name them is being imported") };
    }
    const importId = await nextImport(app.db, teamId, cursor);
    if (importId === undefined) return { to: null };
    const errors = await findImportErrors(app.db, importId, trace);
    if (errors.length === 0) return { to: importId };
    const lines = errors.map(({ line }) => line);
    return {
      to: importId,
      writes: [changeImportErrors(importId, lines, "What the row said was erased.")],
      counts: { import_errors: errors.length },
    };
  },

  /** Who had left everything must not be written to again because nobody remembers that. */
  async contact(app, { teamId }, { key: address }) {
    const contact = await findContactByEmail(app.db, teamId, address);
    const release = rawWrite("update suppressions set source_id = null where team_id = ? and address = ?", [
      teamId,
      address,
    ]);
    if (!contact) return { to: null, writes: [release] };
    const told = {
      ...{ id: contact.id, audience_id: null, segment_ids: [], email: nobody },
      ...{ first_name: null, last_name: null, unsubscribed: contact.unsubscribed },
      ...{ created_at: contact.createdAt.toISOString(), updated_at: app.now().toISOString() },
    };
    return {
      to: null,
      writes: [
        release,
        ...(contact.unsubscribed ? suppress(app, { teamId, address, reason: "unsubscribe" }) : []),
        removeContactUnheard(contact),
        ...recordEvent(app, { type: "contact.deleted", teamId, data: told }),
      ],
      counts: { contacts: 1 },
    };
  },

  async received(app, { id, teamId, cursor }, trace) {
    const slice = await nextSlice(app.db, walked.inbound, cursor);
    if (!slice) return { to: null };
    if (await hasUnread(app.db, teamId, slice, id)) {
      return { to: cursor, wait: later(app, "mail that may be theirs is being read") };
    }
    const ids = (await findReceived(app.db, teamId, trace, slice)).map((each) => each.id);
    if (ids.length === 0) return { to: slice.to };
    return { to: slice.to, writes: deleteInbound(ids, app.now()), counts: { received: ids.length } };
  },

  async sent(app, { id, teamId, cursor }, trace) {
    const slice = await nextSlice(app.db, walked.deliveries, cursor);
    if (!slice) return { to: null };
    const found = await findSent(app.db, teamId, trace, slice, nobody);
    if (found.length === 0) return { to: slice.to };
    const queued = found.filter(({ hasJob }) => hasJob).map((each) => each.id);
    if (queued.length > 0) {
      const writes = cancelDeliveries(queued, app.now());
      return { to: cursor, writes, wait: later(app, "an email to them is on its way") };
    }
    const alone = found.filter(({ isBroadcast, isShared }) => !isBroadcast && !isShared);
    const shared = found.filter((each) => !alone.includes(each));
    const emailIds = alone.map(({ emailId }) => emailId);
    const inOthers = shared.filter(({ isBroadcast }) => !isBroadcast).map(({ emailId }) => emailId);
    const eventIds = await listEventIdsOf(app.db, emailIds);
    return {
      to: slice.to,
      writes: [
        ...deleteEvents(teamId, eventIds),
        ...(emailIds.length > 0 ? deleteEmails(id, emailIds, app.now()) : []),
        ...(shared.length > 0 ? forgetRecipients(shared.map((each) => each.id)) : []),
        ...(await takeOut(app, inOthers, trace)),
      ],
      counts: { emails: alone.length, shared_emails: shared.length, events: eventIds.length },
    };
  },

  async events(app, { teamId, cursor }, trace) {
    const slice = await nextSlice(app.db, walked.events, cursor);
    if (!slice) return { to: null };
    const found = await findEvents(app.db, teamId, trace, slice);
    const theirs = found.filter(({ isTheirs }) => isTheirs).map((each) => each.id);
    const others = found.filter(({ isTheirs }) => !isTheirs);
    return {
      to: slice.to,
      writes: [
        ...deleteEvents(teamId, theirs),
        ...others.map((each) => changeEventData(each.id, trace.without(each.data))),
      ],
      counts: { events: found.length },
    };
  },

  async sandbox(app, { teamId }, trace) {
    const ids = app.sandbox ? await findSandboxMessages(app.db, teamId, trace) : [];
    return { to: null, writes: ids.length === 0 ? [] : [deleteSandboxMessages(ids)] };
  },

  async requests(app, { teamId, cursor, createdAt }, trace) {
    const at = new Date(createdAt.getTime() + logsAfterMs);
    if (app.now() < at) return { to: cursor, wait: { at, why: "its own request is being logged" } };
    if (cursor === "") await flushLogs(app);
    const slice = await nextSlice(app.db, logsOf(teamId), cursor);
    if (!slice) return { to: null };
    const ids = (await findRequests(app.db, teamId, trace, slice)).map((each) => each.id);
    if (ids.length === 0) return { to: slice.to };
    return { to: slice.to, writes: [deleteLogs(teamId, ids)], counts: { requests: ids.length } };
  },

  /** A body is emptied where no other email has it; and not before nobody can be given it any more. */
  async bodies(app, { id, cursor }) {
    const [row] = await app.db.values<[number | null]>(
      sql`select max(created_at) from erased_contents where erasure_id = ${id}`,
    );
    const newest = row?.[0] ?? null;
    if (newest === null) return { to: null };
    const at = new Date(newest + sharedForMs);
    if (app.now() < at) return { to: cursor, wait: { at, why: "a body may still be given to other emails" } };
    return { to: null, writes: emptyContents(id) };
  },
};
