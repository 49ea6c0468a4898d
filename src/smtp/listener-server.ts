/** smtp-server with what it lacks: limits on who may connect, how much they may say and how slowly, and replies as ours. */
import type { Socket } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { SMTPConnection, type SMTPConnectionOptions } from "smtp-server/lib/smtp-connection.js";
import { sourceOf } from "../client-address.ts";
import { formatReply, type Reply } from "./reply.ts";

/** What is absent is not limited. */
export type ListenerLimits = {
  maxConnections?: number;
  /** From one IPv4 address or one IPv6 /64. */
  maxConnectionsPerAddress?: number;
  /** Refusals that a session hears between two messages that are taken, before it is ended. */
  maxErrors?: number;
  /** Commands of a session between two messages that are taken. */
  maxCommands?: number;
  /** How long the greeting is held back: whoever speaks before it does not speak SMTP (RFC 5321 §3.1). */
  greetingMs?: number;
  /** A message must have come in whole within `wholeMs`, and `bytes` of it in every `everyMs`. */
  pace?: { wholeMs: number; everyMs: number; bytes: number };
};

const busy: Reply = { code: 421, enhanced: "4.7.0", text: "Too many connections; try again later" };
const busyAddress: Reply = {
  code: 421,
  enhanced: "4.7.0",
  text: "Too many connections from your address; close some or try again later",
};
const tooManyErrors: Reply = {
  code: 421,
  enhanced: "4.7.0",
  text: "Too many commands were refused; correct them and connect again",
};
const tooManyCommands: Reply = {
  code: 421,
  enhanced: "4.7.0",
  text: "Too many commands for one message; connect again",
};
const tooSlow: Reply = {
  code: 421,
  enhanced: "4.4.2",
  text: "The message comes too slowly; connect again and send it faster",
};

const tooSlowCommand: Reply = {
  code: 421,
  enhanced: "4.4.2",
  text: "The command comes too slowly; connect again and send it faster",
};

export class Server extends SMTPServer {
  /** How many connections are open from where. */
  readonly #sources = new Map<string, number>();
  /** Those whose sockets are open, though no word may be said on them any more. */
  readonly #open = new Set<Connection>();

  constructor(
    settings: SMTPServerOptions,
    readonly limits: ListenerLimits,
  ) {
    super(settings);
  }

  override connect(...[socket, socketOptions]: Parameters<SMTPServer["connect"]>): void {
    const connection = new Connection(this, socket, socketOptions);
    this.connections.add(connection);
    const source = sourceOf(connection.remoteAddress);
    this.#sources.set(source, this.countFrom(source) + 1);
    this.#open.add(connection);
    connection.onGone = () => {
      this.#open.delete(connection);
      const left = this.countFrom(source) - 1;
      if (left > 0) this.#sources.set(source, left);
      else this.#sources.delete(source);
    };
    connection.on("error", (error) => this._onError(error));
    connection.init();
  }

  /**
   * Who has yet to do the handshake of TLS from the first byte is no connection so far, and of those there may be as many
   * as of connections. The others are dropped without a word: they would understand none.
   */
  override _acceptSocket(socket: Socket, handshake: boolean): (() => void) | false {
    if (!handshake || this.#mayShakeHands(socket)) return super._acceptSocket(socket, handshake);
    socket.on("error", () => {});
    socket.destroy();
    return false;
  }

  #mayShakeHands(socket: Socket): boolean {
    const { maxConnections = Number.POSITIVE_INFINITY, maxConnectionsPerAddress = Number.POSITIVE_INFINITY } =
      this.limits;
    const source = sourceOfSocket(socket);
    const others = [...this._pendingSockets.keys()];
    const fromThere = others.filter((other) => sourceOfSocket(other) === source);
    return others.length < maxConnections && fromThere.length < maxConnectionsPerAddress;
  }

  /** Ends what a client keeps open after the last word: it would keep the program alive. */
  hangUp(): void {
    for (const { _socket: socket } of this.#open) socket.destroySoon();
  }

  countFrom(source: string): number {
    return this.#sources.get(source) ?? 0;
  }
}

/** A socket that takes IPv6 as well has IPv4 addresses in it (RFC 4291 §2.5.5.2). */
const sourceOfSocket = ({ remoteAddress = "" }: Socket) => sourceOf(remoteAddress.replace(/^::ffff:/i, ""));

const enhanced = /^[245]\.\d{1,3}\.\d{1,3}( |$)/;
const tlsFirst = "Must issue STARTTLS first: passwords are taken over TLS only";
const sourceRoute = /^\s*rcpt\s+to\s*:\s*<@/i;

class Connection extends SMTPConnection {
  /** Called once, when the socket is closed. */
  onGone: (() => void) | undefined;

  readonly #limits: ListenerLimits;
  #errors = 0;
  #commands = 0;
  #replies = 0;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #pace: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly server: Server,
    socket: ConstructorParameters<typeof SMTPConnection>[1],
    options?: SMTPConnectionOptions | null,
  ) {
    super(server, socket, options);
    this.#limits = server.limits;
  }

  /** As smtp-server's, with our limits, and without the tenth of a second it waits in front of every greeting. */
  override init(): void {
    this.#watchCommands();
    this._setListeners(() => {
      const refusal = this.#refusal();
      const { greetingMs = 0 } = this.#limits;
      if (refusal) this.#say(refusal);
      else if (greetingMs > 0) setTimeout(() => this.connectionReady(), greetingMs).unref();
      else this.connectionReady();
    });
  }

  override send(...[code, data, context]: Parameters<SMTPConnection["send"]>): void {
    this.#replies++;
    if (context === "DATA_OK") {
      this.#errors = 0;
      this.#commands = 0;
    }
    // What is only for later (452: more recipients than a message may have) is no mistake of the client's.
    if (code >= 400 && code !== 421 && code !== 452) this.#errors++;
    if (code !== 421 && this.#errors > (this.#limits.maxErrors ?? Number.POSITIVE_INFINITY)) {
      this.#say(tooManyErrors);
      return;
    }
    // smtp-server derives enhanced codes from the three digits alone; here a reply can bring its own.
    const said = this.#inOurWords(code, data);
    const bringsItsOwn = typeof said === "string" && enhanced.test(said);
    super.send(code, said, bringsItsOwn ? false : context);
  }

  /** RFC 4954 §4: in plaintext AUTH is neither offered nor taken, and who asks without it hears what is missing. */
  #inOurWords(code: number, data: Parameters<SMTPConnection["send"]>[1]) {
    if (code === 538) return `5.7.11 ${tlsFirst}`;
    if (code === 530) return `5.7.0 ${this.secure ? "Authentication required" : tlsFirst}`;
    if (!Array.isArray(data) || this.secure) return data;
    return data.filter((line) => !line.startsWith("AUTH "));
  }

  override _onCommand(...[command, callback]: Parameters<SMTPConnection["_onCommand"]>): void {
    if (++this.#commands > (this.#limits.maxCommands ?? Number.POSITIVE_INFINITY)) this.#say(tooManyCommands);
    else super._onCommand(command, callback);
  }

  override _parseAddressCommand(...[name, command]: Parameters<SMTPConnection["_parseAddressCommand"]>) {
    // RFC 5321 §3.6.1: a server may decline source routes. Whoever still writes one looks for a relay.
    if (sourceRoute.test(String(command))) return false;
    return super._parseAddressCommand(name, command);
  }

  override handler_DATA(...[command, callback]: Parameters<SMTPConnection["handler_DATA"]>): void {
    super.handler_DATA(command, callback);
    clearTimeout(this.#pace);
    if (this._dataStream) this.#watchPace();
  }

  override _onClose(): void {
    super._onClose();
    clearTimeout(this.#pace);
    clearTimeout(this.#patience);
    this.onGone?.();
    this.onGone = undefined;
  }

  #refusal(): Reply | undefined {
    const { maxConnections, maxConnectionsPerAddress } = this.#limits;
    if (this.server.connections.size > (maxConnections ?? Number.POSITIVE_INFINITY)) return busy;
    const from = this.server.countFrom(sourceOf(this.remoteAddress));
    return from > (maxConnectionsPerAddress ?? Number.POSITIVE_INFINITY) ? busyAddress : undefined;
  }

  /** The idle timeout alone lets a client keep a connection for ever with a byte now and then. */
  #watchPace(): void {
    const { pace } = this.#limits;
    const parser = this._parser;
    if (!pace || !parser) return;
    const startedAt = performance.now();
    let before = 0;
    const look = () => {
      if (!parser._dataMode || parser.isClosed) return; // it has come in whole
      const isLate = performance.now() - startedAt >= pace.wholeMs;
      const came = parser.dataBytes - before;
      before = parser.dataBytes;
      if (isLate || came < pace.bytes) this.#say(tooSlow);
      else this.#pace = setTimeout(look, pace.everyMs).unref();
    };
    this.#pace = setTimeout(look, pace.everyMs).unref();
  }

  /** The same for bytes of a command, or of a TLS handshake: there must be something to answer in every `socketTimeout`. */
  #watchCommands(): void {
    const before = this.#replies;
    const look = () => {
      const isOurTurn = this._handlerPending || this._dataStream;
      if (isOurTurn || this.#replies !== before) this.#watchCommands();
      else if (!this._closing) this.#say(tooSlowCommand);
    };
    this.#patience = setTimeout(look, this.server.options.socketTimeout).unref();
  }

  #say(reply: Reply): void {
    super.send(reply.code, formatReply(reply).slice(4), false);
  }
}
