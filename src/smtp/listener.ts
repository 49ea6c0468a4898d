/** The server side of the wire: smtp-server with our limits, our replies and our idea of where a line ends. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { SMTPServerDataStream, SMTPServerOptions, SMTPServerSession } from "smtp-server";
import type { Logger } from "../log.ts";
import { type ListenerLimits, Server } from "./listener-server.ts";
import { formatReply, type Reply, ReplyError, replyClass } from "./reply.ts";

/** Who is on the other side of a connection, as far as we know. */
export type ListenerSession = {
  id: string;
  remoteAddress: string;
  /** What EHLO or HELO claimed; "" before either. */
  clientName: string;
  isSecure: boolean;
  /** `TLSv1.3 TLS_AES_128_GCM_SHA256`; absent in plaintext. */
  tls?: string;
  /** How the message came, in the words of RFC 3848 and RFC 6531 §4.3: `ESMTPS`, `UTF8SMTP`, … */
  protocol: string;
  /** Set by `onAuth`. */
  user?: string;
};

export type ReceivedEnvelope = { from: string; to: string[] };

/** A handler's answer: a reply of its own, or nothing for the ordinary yes. */
type Answer = Reply | undefined | Promise<Reply | undefined>;

export type ListenerOptions = ListenerLimits & {
  /** Address to bind to, and port; port 0 takes a free one. */
  hostname: string;
  port: number;
  /** The name in the greeting and in the answer to EHLO. */
  name: string;
  log: Logger;
  /** Without a certificate there is no STARTTLS. */
  tls?: { cert: string; key: string };
  /** TLS from the first byte (port 465). */
  implicitTls?: boolean;
  maxMessageBytes: number;
  maxRecipients: number;
  /** How long a client may say nothing while it is its turn; RFC 5321 §4.5.3.2.7 asks for five minutes. */
  idleMs?: number;
  /** How long messages under way may take to arrive and be answered once `close` is called. */
  closeMs?: number;
  onConnect?(session: ListenerSession): Answer;
  /** With this handler AUTH is offered and required; without it there is no AUTH. A reply refuses. */
  onAuth?(
    credentials: { username: string; password: string },
    session: ListenerSession,
  ): Promise<{ user: string } | Reply>;
  onMail?(address: string, session: ListenerSession): Answer;
  onRcpt?(address: string, session: ListenerSession): Answer;
  /** Where a message goes as it comes in, dots unstuffed. */
  onMessage(envelope: ReceivedEnvelope, session: ListenerSession): MessageSink | Promise<MessageSink>;
};

/** Takes one message, piece by piece. Ends with `end`, or with `abort` where the message is refused or breaks off. */
export type MessageSink = {
  write(chunk: Uint8Array): Promise<void>;
  /** The message is whole and its lines end in CRLF only. Its reply is the client's receipt. */
  end(): Promise<Reply>;
  abort(): Promise<void>;
};

/** For handlers that want a message in one piece. */
export const whole =
  (take: (message: Uint8Array, envelope: ReceivedEnvelope, session: ListenerSession) => Promise<Reply>) =>
  (envelope: ReceivedEnvelope, session: ListenerSession): MessageSink => {
    const chunks: Uint8Array[] = [];
    return {
      async write(chunk) {
        chunks.push(chunk);
      },
      end: () => take(Buffer.concat(chunks), envelope, session),
      async abort() {
        chunks.length = 0;
      },
    };
  };

export type Listener = {
  hostname: string;
  port: number;
  /** How many are open. */
  connections(): number;
  /** Stops listening, lets messages under way finish within `closeMs`, and says 421 to everybody else. */
  close(): Promise<void>;
};

/** Not part of mail, or only for hosts that trust each other. */
const disabledCommands = ["WIZ", "SHELL", "KILL", "XCLIENT", "XFORWARD"];

const tooBig: Reply = { code: 552, enhanced: "5.3.4", text: "The message is larger than this host takes" };
// RFC 5321 §2.3.8. Hosts disagree about what a bare CR or LF ends: relayed, such a message may turn into two.
const bareLineEnd: Reply = {
  code: 554,
  enhanced: "5.6.0",
  text: "The message has a bare CR or LF; lines end in CRLF",
};
const fault: Reply = { code: 451, enhanced: "4.3.0", text: "Something went wrong here; try again later" };
const closing: Reply = { code: 421, enhanced: "4.3.2", text: "Shutting down" };

/**
 * Listens for SMTP. A handler refuses by returning a reply or throwing a `ReplyError`; anything else it throws is a
 * fault, logged here once and answered 451, so that the client keeps the message and tries again.
 */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const { log, tls, onAuth } = options;
  const answer = async (
    session: SMTPServerSession,
    ask: (session: ListenerSession) => Answer,
  ): Promise<void> => {
    const reply = await attempt(log, session, ask);
    if (reply && replyClass(reply) !== "positive") throw asError(reply);
  };

  const settings: SMTPServerOptions = {
    ...tls,
    name: options.name,
    secure: options.implicitTls === true,
    size: options.maxMessageBytes,
    maxRecipients: options.maxRecipients,
    socketTimeout: options.idleMs ?? 300_000,
    closeTimeout: options.closeMs ?? 10_000,
    disabledCommands: [...disabledCommands, ...(tls ? [] : ["STARTTLS"]), ...(onAuth ? [] : ["AUTH"])],
    hideENHANCEDSTATUSCODES: false,
    heloResponse: "%s", // the name alone: who asks knows who they are
    // What we don't do is not announced: DSNs on demand (RFC 3461), TLS all the way (RFC 8689).
    hideDSN: true,
    hideREQUIRETLS: true,
    disableReverseLookup: true, // DNS is not asked behind our back; whoever wants the name looks it up
    logger: false,
    onConnect: (session, done) =>
      void answer(session, (from) => options.onConnect?.(from)).then(() => done(), done),
    onMailFrom: ({ address }, session, done) =>
      void answer(session, (from) => options.onMail?.(address, from)).then(() => done(), done),
    onRcptTo: ({ address }, session, done) =>
      void answer(session, (from) => options.onRcpt?.(address, from)).then(() => done(), done),
    onAuth: ({ username = "", password }, session, done) => {
      if (!onAuth) return done(null, {});
      void attempt(log, session, (from) => onAuth({ username, password: password ?? "" }, from)).then(
        (result) => (result && "user" in result ? done(null, result) : done(asError(result ?? fault))),
      );
    },
    onData: (stream, session, done) =>
      void receive(stream, options, session).then(
        (reply) => (replyClass(reply) === "positive" ? done(null, textOf(reply)) : done(asError(reply))),
        () => done(asError(fault)), // the client hung up in the middle: nobody is left to hear this
      ),
  };
  const server = new Server(settings, options);
  // Broken handshakes and connections are the clients' affair; without a listener each would end the process.
  server.on("error", (error) => log.debug({ err: error }, "an SMTP connection broke"));
  return listen(server, options);
}

async function listen(server: Server, { hostname, port }: ListenerOptions): Promise<Listener> {
  server.listen(port, hostname);
  await once(server.server, "listening"); // rejects when the address is taken
  const bound = server.server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    hostname: bound.address,
    port: bound.port,
    connections: () => server.connections.size,
    close() {
      closed ??= new Promise<void>((resolve) => {
        server.close(() => {
          server.hangUp();
          resolve();
        });
        for (const connection of server.connections) {
          if (!connection.session.envelope?.mailFrom) connection.send(closing.code, textOf(closing));
        }
      });
      return closed;
    },
  };
}

async function receive(
  stream: SMTPServerDataStream,
  options: ListenerOptions,
  session: SMTPServerSession,
): Promise<Reply> {
  const { log } = options;
  const envelope = { from: addressOf(session.envelope.mailFrom), to: session.envelope.rcptTo.map(addressOf) };
  const sink = await attempt(log, session, async (from) => options.onMessage(envelope, from));
  const lineEnds = new LineEnds();
  const gathering = new Gathering();
  let refusal: Reply | undefined = "code" in sink ? sink : undefined;
  const write = async (sink: MessageSink, piece: Uint8Array | undefined) => {
    const fault = piece && (await attempt(log, session, () => sink.write(piece)));
    if (fault) await refuse(fault);
  };
  const refuse = async (reply: Reply) => {
    refusal ??= reply;
    if (!("code" in sink)) await attempt(log, session, () => sink.abort());
  };
  try {
    // The rest of a message that is refused is read, but not kept: a client only listens once it has sent everything.
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (refusal || "code" in sink) continue;
      if (stream.sizeExceeded) await refuse(tooBig);
      else if (lineEnds.isBareIn(chunk)) await refuse(bareLineEnd);
      else await write(sink, gathering.add(chunk));
    }
  } catch (error) {
    await refuse(fault);
    throw error;
  }
  if (!refusal && stream.sizeExceeded) await refuse(tooBig);
  if (!refusal && lineEnds.endsOpen) await refuse(bareLineEnd);
  if (!refusal && !("code" in sink)) await write(sink, gathering.rest());
  if (refusal || "code" in sink) return refusal ?? fault;
  return attempt(log, session, () => sink.end());
}

const pieceBytes = 16_384;
const mostGathered = 256;

/**
 * Makes larger pieces of small ones. Each line that begins with a dot comes as a piece of its own, and so does each packet:
 * kept one by one, pieces of three bytes would take fifty times the memory that a message was given.
 */
class Gathering {
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  /** What has come together, once it is enough. */
  add(piece: Uint8Array): Uint8Array | undefined {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    return this.#bytes >= pieceBytes || this.#pieces.length >= mostGathered ? this.rest() : undefined;
  }

  /** What is left; undefined where nothing is. */
  rest(): Uint8Array | undefined {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#bytes = 0;
    return pieces.length > 1 ? Buffer.concat(pieces) : pieces[0];
  }
}

/** Looks for CR and LF that are not each other's, over the pieces of one message. */
class LineEnds {
  #last = 0;

  /** Whether the piece has one, or shows that the piece before it ended in one. */
  isBareIn(chunk: Buffer): boolean {
    if (chunk.length === 0) return false;
    if (this.#last === 13 && chunk[0] !== 10) return true;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) {
      if ((at === 0 ? this.#last : chunk[at - 1]) !== 13) return true;
    }
    for (let at = chunk.indexOf(13); at >= 0; at = chunk.indexOf(13, at + 1)) {
      if (at + 1 < chunk.length && chunk[at + 1] !== 10) return true;
    }
    this.#last = chunk[chunk.length - 1]!;
    return false;
  }

  /** Whether nothing followed a CR at the very end. */
  get endsOpen(): boolean {
    return this.#last === 13;
  }
}

/** Asks a handler. What it throws becomes a reply, and a fault is logged. */
async function attempt<T>(
  log: Logger,
  session: SMTPServerSession,
  ask: (session: ListenerSession) => T | Promise<T>,
): Promise<T | Reply> {
  try {
    return await ask(describe(session));
  } catch (error) {
    if (error instanceof ReplyError) return error.reply;
    log.error(
      { err: error, session: session.id, remoteAddress: session.remoteAddress },
      "an SMTP handler failed",
    );
    return fault;
  }
}

function describe(session: SMTPServerSession): ListenerSession {
  const { id, remoteAddress, secure, user, tlsOptions, transmissionType, envelope } = session;
  return {
    id,
    remoteAddress,
    // smtp-server's types promise a string, but it is false until the client has said its name
    clientName: session.hostNameAppearsAs || "",
    isSecure: secure,
    ...(tlsOptions && { tls: `${tlsOptions.version} ${tlsOptions.standardName ?? tlsOptions.name}` }),
    protocol: envelope?.smtpUtf8
      ? transmissionType.replace(/^E?SMTP/, "UTF8SMTP")
      : (transmissionType ?? "SMTP"),
    user,
  };
}

const addressOf = (address: { address: string } | false): string => (address ? address.address : "");

/** smtp-server puts the code before what we give it, and sends the enhanced code if it begins with one. */
const textOf = (reply: Reply): string => formatReply(reply).slice(4);

const asError = (reply: Reply): Error =>
  Object.assign(new Error(textOf(reply)), { responseCode: reply.code });
