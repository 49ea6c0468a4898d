/** The SMTP door for our users' programs (RFC 6409): 587 with STARTTLS, 465 with TLS from the first byte (RFC 8314). */
import type { App } from "../app.ts";
import { parseListenAddress } from "../config/listen-address.ts";
import { maxMessageBytes } from "../emails/attach.ts";
import { IncomingMessage } from "../emails/incoming.ts";
import { maxEnvelopeRecipients, submitEmail } from "../emails/submit.ts";
import { ConfigFault, Refusal, StorageUnavailable } from "../errors.ts";
import { type Address, parseAddress } from "../mail/address.ts";
import { metersOf } from "../meters.ts";
import {
  type Listener,
  type ListenerOptions,
  type ListenerSession,
  type MessageSink,
  type ReceivedEnvelope,
  startListener,
} from "../smtp/listener.ts";
import { type Reply, refusalReply } from "../smtp/reply.ts";
import { mailCertificate } from "./certificate.ts";
import { holderOf, submissionLogin, takeMessage } from "./submission-login.ts";

const limits = {
  maxConnections: 500,
  maxConnectionsPerAddress: 200, // one application server may be all there is
  maxErrors: 20,
  maxCommands: 5_000,
  pace: { wholeMs: 1_800_000, everyMs: 60_000, bytes: 10_000 },
  closeMs: 5_000,
};

/** The two ports of the door. */
export interface SubmissionDoor {
  starttls: Pick<Listener, "hostname" | "port">;
  tls: Pick<Listener, "hostname" | "port">;
  /** As `Listener.close`, for both. */
  close(): Promise<void>;
}

export async function listenForSubmission(app: App): Promise<SubmissionDoor> {
  const { addr, tlsAddr } = app.config.smtpSubmission;
  const certificate = await mailCertificate(app);
  const handlers = handlersOf(app);
  const listen = (key: string, address: string, implicitTls: boolean) =>
    listenAt(key, address, { ...handlers, tls: certificate, implicitTls });
  const starttls = await listen("smtpSubmission.addr", addr, false);
  try {
    const tls = await listen("smtpSubmission.tlsAddr", tlsAddr, true);
    metersOf(app).listens("submission", starttls.connections);
    metersOf(app).listens("submissions", tls.connections);
    let closing: Promise<unknown> | undefined;
    return {
      starttls,
      tls,
      async close() {
        closing ??= Promise.all([starttls.close(), tls.close()]);
        await closing;
      },
    };
  } catch (error) {
    await starttls.close();
    throw error;
  }
}

async function listenAt(
  key: string,
  address: string,
  options: Omit<ListenerOptions, "hostname" | "port">,
): Promise<Listener> {
  const { hostname = "0.0.0.0", port } = parseListenAddress(address);
  try {
    return await startListener({ ...options, hostname, port });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new ConfigFault(
      `${key} is "${address}", and nothing can listen there (${reasons[code] ?? code}): free the port, or give ${key} another one.`,
    );
  }
}

const reasons: Record<string, string> = {
  EADDRINUSE: "another program does",
  EACCES: "this user may not use a port below 1024",
  EADDRNOTAVAIL: "this machine has no such address",
};

function handlersOf(app: App): Omit<ListenerOptions, "hostname" | "port" | "tls"> {
  return {
    name: app.config.smtpOutbound.hostname,
    log: app.log,
    maxMessageBytes,
    maxRecipients: maxEnvelopeRecipients,
    ...limits,
    onAuth: submissionLogin(app),
    onMail: (_address, session) =>
      replying(app, async () => {
        // Whatever the return path: ours is the delivery's own, to which bounces come back.
        takeMessage(app, await holderOf(app, session));
        return undefined;
      }),
    onRcpt: (address) => (parseAddress(address) ? undefined : noRecipient),
    onMessage: (envelope, session) => sinkFor(app, envelope, session),
  };
}

const noRecipient: Reply = {
  code: 553,
  enhanced: "5.1.3",
  text: "This is no address that mail can be sent to: it needs to be like email@example.com",
};

function sinkFor(app: App, envelope: ReceivedEnvelope, session: ListenerSession): MessageSink {
  const incoming = new IncomingMessage(app.blobs);
  const recipients = envelope.to.map((address) => parseAddress(address)!); // as `onRcpt` let them in
  return {
    write: (chunk) => incoming.write(chunk),
    abort: () => incoming.discard(),
    end: () =>
      replying(app, () => accept(app, session, recipients, incoming)).finally(() => incoming.discard()),
  };
}

async function accept(
  app: App,
  session: ListenerSession,
  recipients: Address[],
  incoming: IncomingMessage,
): Promise<Reply> {
  const holder = await holderOf(app, session); // again: a large message takes its time
  const { id } = await submitEmail(app, holder, recipients, incoming);
  return { code: 250, enhanced: "2.0.0", text: `Accepted as ${id}` };
}

const cannotStore = new Refusal(
  "service_unavailable",
  "The server can't store anything right now. Nothing was sent; try again later.",
);

/** Refusals as replies; what is a fault flies on to the listener. */
async function replying<T>(app: App, work: () => Promise<T>): Promise<T | Reply> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) return refusalReply(error);
    if (!(error instanceof StorageUnavailable)) throw error;
    app.log.error({ err: error }, "a message could not be stored");
    return refusalReply(cannotStore);
  }
}
