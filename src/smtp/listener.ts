/** The server side of the wire: smtp-server with our limits, our replies and our idea of where a line ends. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server";
import { SMTPConnection } from "smtp-server/lib/smtp-connection.js";
import type { Logger } from "../log.ts";
import { formatReply, type Reply, ReplyError, replyClass } from "./reply.ts";

/** Who is on the other side of a connection, as far as we know. */
export type ListenerSession = {
  id: string;
  remoteAddress: string;
  /** What EHLO or HELO claimed; "" before either. */
  clientName: string;
  isSecure: boolean;
  /** Set by `onAuth`. */
  user?: string;
};

export type ReceivedEnvelope = { from: string; to: string[] };

/** A handler's answer: a reply of its own, or nothing for the ordinary yes. */
type Answer = Reply | undefined | Promise<Reply | undefined>;

export type ListenerOptions = {
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
  maxConnections?: number;
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
  /** Gets the whole message, with dots unstuffed and CRLF line ends only. Its reply is the client's receipt. */
  onMessage(message: Uint8Array, envelope: ReceivedEnvelope, session: ListenerSession): Promise<Reply>;
};

export type Listener = {
  hostname: string;
  port: number;
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
const busy: Reply = { code: 421, enhanced: "4.7.0", text: "Too many connections; try again later" };
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

  const server = new Server({
    ...tls,
    name: options.name,
    secure: options.implicitTls === true,
    size: options.maxMessageBytes,
    maxRecipients: options.maxRecipients,
    maxClients: options.maxConnections,
    socketTimeout: options.idleMs ?? 300_000,
    closeTimeout: options.closeMs ?? 10_000,
    disabledCommands: [...disabledCommands, ...(tls ? [] : ["STARTTLS"]), ...(onAuth ? [] : ["AUTH"])],
    hideENHANCEDSTATUSCODES: false,
    heloResponse: "%s", // the name alone: who asks knows who they are
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
  });
  // Broken handshakes and connections are the clients' affair; without a listener each would end the process.
  server.on("error", (error) => log.debug({ err: error }, "an SMTP connection broke"));
  return listen(server, options);
}

async function listen(server: Server, { hostname, port }: ListenerOptions): Promise<Listener> {
  server.listen(port, hostname);
  await once(server.server, "listening"); // rejects when the address is taken
  const bound = server.server.address() as AddressInfo;
  return {
    hostname: bound.address,
    port: bound.port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const connection of server.connections) {
          if (!connection.session.envelope?.mailFrom) connection.send(closing.code, textOf(closing));
        }
      }),
  };
}

async function receive(
  stream: SMTPServerDataStream,
  options: ListenerOptions,
  session: SMTPServerSession,
): Promise<Reply> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    // The rest of a message that is too big is read, but not kept: a client only listens once it has sent everything.
    if (stream.sizeExceeded) chunks.length = 0;
    else chunks.push(chunk as Buffer);
  }
  if (stream.sizeExceeded) return tooBig;
  const message = Buffer.concat(chunks);
  if (hasBareLineEnd(message)) return bareLineEnd;

  const envelope = { from: addressOf(session.envelope.mailFrom), to: session.envelope.rcptTo.map(addressOf) };
  const bytes = new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
  return (await attempt(options.log, session, (from) => options.onMessage(bytes, envelope, from))) ?? fault;
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
  const { id, remoteAddress, secure, user } = session;
  // smtp-server's types promise a string, but it is false until the client has said its name
  return { id, remoteAddress, clientName: session.hostNameAppearsAs || "", isSecure: secure, user };
}

const addressOf = (address: { address: string } | false): string => (address ? address.address : "");

function hasBareLineEnd(message: Buffer): boolean {
  for (let at = message.indexOf(10); at >= 0; at = message.indexOf(10, at + 1))
    if (message[at - 1] !== 13) return true;
  for (let at = message.indexOf(13); at >= 0; at = message.indexOf(13, at + 1))
    if (message[at + 1] !== 10) return true;
  return false;
}

/** smtp-server puts the code before what we give it, and sends the enhanced code if it begins with one. */
const textOf = (reply: Reply): string => formatReply(reply).slice(4);

const asError = (reply: Reply): Error =>
  Object.assign(new Error(textOf(reply)), { responseCode: reply.code });

class Server extends SMTPServer {
  override connect(...[socket, socketOptions]: Parameters<SMTPServer["connect"]>): void {
    const connection = new Connection(this, socket, socketOptions);
    this.connections.add(connection);
    connection.on("error", (error) => this._onError(error));
    connection.init();
  }
}

const enhanced = /^[245]\.\d{1,3}\.\d{1,3}( |$)/;

/** smtp-server derives enhanced codes from the three digits alone; here a reply can bring its own. */
class Connection extends SMTPConnection {
  /** As smtp-server's, without the tenth of a second it waits in front of every greeting. */
  override init(): void {
    this._setListeners(() => {
      const { connections, options } = this._server;
      if (connections.size <= (options.maxClients ?? Number.POSITIVE_INFINITY)) this.connectionReady();
      else this.send(busy.code, textOf(busy));
    });
  }

  override send(...[code, data, context]: Parameters<SMTPConnection["send"]>): void {
    const bringsItsOwn = typeof data === "string" && enhanced.test(data);
    super.send(code, data, bringsItsOwn ? false : context);
  }
}
