import { type App, atomically } from "../app.ts";
import type { BlobDraft } from "../blobs/store.ts";
import type { Write } from "../db/write.ts";
import { newId } from "../ids.ts";
import { enqueue } from "../jobs/job.ts";
import { parseAddress } from "../mail/address.ts";
import type { ListenerSession, MessageSink, ReceivedEnvelope } from "../smtp/listener.ts";
import { type Reply, ReplyError } from "../smtp/reply.ts";
import { readInbound } from "./jobs.ts";
import { findRecipient, type Mailbox } from "./recipients.ts";
import { insertRaw, insertUnread, isRawNamed } from "./store.ts";
import { countReceived, traceFields } from "./trace.ts";

/**
 * What is smaller lives in the database: it then shares the fsync of its row with all that arrives in the same moment,
 * where a file of its own would cost five. What is larger is streamed, so that a thousand slow senders don't fill memory.
 */
const smallBytes = 128 * 1024;

const maxHops = 50;

const looping: Reply = {
  code: 554,
  enhanced: "5.4.6",
  text: `The message has passed through more than ${maxHops} hosts: it goes in circles`,
};
const changedMeanwhile: Reply = {
  code: 451,
  enhanced: "4.3.0",
  text: "A recipient has changed meanwhile; try again now",
};

/** What of one message becomes one row. */
type Group = Pick<Mailbox, "teamId" | "domainId" | "place" | "deliveryId" | "webhookId"> & {
  receivedFor: string[];
};

/** Takes one message for whom its envelope names. Its 250 means: on disk, with the jobs that read it. */
export async function acceptMessage(
  app: App,
  { from, to }: ReceivedEnvelope,
  session: ListenerSession,
): Promise<MessageSink> {
  const recipients = await Promise.all(to.map((address) => findRecipient(app, address)));
  // Each was taken at its RCPT. One that is not any more would be lost with a 250 for the others.
  if (recipients.some(({ kind }) => kind === "refused")) throw new ReplyError(changedMeanwhile);
  const groups = groupsOf(recipients.filter((each) => each.kind === "ours"));
  return groups.length === 0 ? new DroppedMessage() : new ComingMessage(app, from, groups, session);
}

/**
 * A row for each team. Reports are for other work than mail is, and some mail is for one endpoint's ears alone: these are
 * rows of their own in the rare case that one message is both.
 */
function groupsOf(mailboxes: Mailbox[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { kind, address, ...about } of mailboxes) {
    const { teamId, place, deliveryId, webhookId } = about;
    const key = JSON.stringify([teamId, place, deliveryId, webhookId]);
    const known = groups.get(key);
    if (!known) groups.set(key, { ...about, receivedFor: [address] });
    else if (!known.receivedFor.includes(address)) known.receivedFor.push(address);
  }
  return [...groups.values()];
}

/** All its recipients' routes say that nothing is to be kept. */
class DroppedMessage implements MessageSink {
  async write(): Promise<void> {}
  async abort(): Promise<void> {}
  async end(): Promise<Reply> {
    return accepted(newId());
  }
}

class ComingMessage implements MessageSink {
  readonly #rows: (Group & { id: string })[];
  readonly #mailFrom: string;
  readonly #trace: Buffer;
  readonly #createdAt: Date;
  #size = 0;
  /** As long as it is small. */
  #chunks: Uint8Array[] = [];
  #draft: BlobDraft | undefined;

  constructor(
    readonly app: App,
    from: string,
    groups: Group[],
    readonly session: ListenerSession,
  ) {
    this.#rows = groups.map((group) => ({ ...group, id: newId() }));
    this.#mailFrom = parseAddress(from)?.address ?? from;
    this.#createdAt = app.now();
    const { remoteAddress, clientName, protocol, tls } = session;
    this.#trace = Buffer.from(
      traceFields({
        ...{ id: this.#rows[0]!.id, at: this.#createdAt, mailFrom: this.#mailFrom },
        ...{ remoteAddress, clientName, protocol, tls, host: app.config.smtpOutbound.hostname },
        recipients: groups.flatMap(({ receivedFor }) => receivedFor),
      }),
    );
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#size += chunk.length;
    if (this.#draft) return this.#draft.write(chunk);
    this.#chunks.push(chunk);
    if (this.#size > smallBytes) await this.#beginDraft();
  }

  async abort(): Promise<void> {
    this.#chunks = [];
    await this.#draft?.discard();
  }

  async end(): Promise<Reply> {
    const { blobHash, writesFor } = this.#draft ? await this.#commitDraft() : this.#keepSmall();
    try {
      await atomically(
        this.app,
        this.#rows.flatMap((row) => [...this.#insertRow(row, blobHash), ...writesFor(row.id)]),
      );
    } catch (error) {
      if (blobHash) await this.#removeBlob(blobHash);
      throw error;
    }
    return accepted(this.#rows[0]!.id);
  }

  /** Each try of a sender would otherwise leave one on a disk that is full. Its trace has an id: nobody else's is the same. */
  async #removeBlob(hash: string): Promise<void> {
    try {
      // Over a network an answer may be lost, and the rows be there all the same.
      if (!(await isRawNamed(this.app.db, hash))) await this.app.blobs.remove(hash);
    } catch {
      // It can't be asked now. What went wrong first is what the log is told.
    }
  }

  /** The head has come in whole by now, or it is longer than any head is. */
  async #beginDraft(): Promise<void> {
    const begun = Buffer.concat(this.#chunks);
    refuseLoop(begun);
    this.#draft = await this.app.blobs.draft();
    await this.#draft.write(this.#trace);
    await this.#draft.write(begun);
    this.#chunks = [];
  }

  async #commitDraft() {
    const { hash } = await this.#draft!.commit();
    return { blobHash: hash, writesFor: (): Write[] => [] };
  }

  #keepSmall() {
    const message = Buffer.concat(this.#chunks);
    refuseLoop(message);
    const bytes = Buffer.concat([this.#trace, message]);
    return { blobHash: null, writesFor: (inboundId: string): Write[] => [insertRaw({ inboundId, bytes })] };
  }

  #insertRow({ id, place, webhookId, ...about }: Group & { id: string }, blobHash: string | null): Write[] {
    const { remoteAddress, clientName, tls = null } = this.session;
    const { teamId, domainId, deliveryId, receivedFor } = about;
    return [
      insertUnread({
        ...{ id, teamId, domainId, deliveryId, receivedFor, mailFrom: this.#mailFrom },
        ...{ remoteAddress, clientName, tls, blobHash, size: this.#size, createdAt: this.#createdAt },
      }),
      ...enqueue(this.app, readInbound, { inboundId: id, place, webhookId }, { lane: teamId }),
    ];
  }
}

function refuseLoop(message: Buffer): void {
  if (countReceived(message) > maxHops) throw new ReplyError(looping);
}

const accepted = (id: string): Reply => ({ code: 250, enhanced: "2.0.0", text: `Taken as ${id}` });
