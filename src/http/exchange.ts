import http, { type ClientRequest, type IncomingMessage } from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import type { HostAddress } from "../dns/mx.ts";
import type { HttpAnswer, HttpRequest } from "./client.ts";
import { failureReason, lateReason, maxHeaderBytes } from "./failure.ts";
import type { Target } from "./target.ts";

export interface Exchange {
  request: HttpRequest;
  target: Target;
  /** Checked already; nothing else is connected to. */
  addresses: HostAddress[];
  port: number;
  ca?: string;
  deadline: AbortSignal;
}

/** RFC 9110 §15.2: one or two interim answers are usual, and nobody limits how many a server may send. */
const maxInterimAnswers = 10;

/** What frames the message or concerns the connection is not the caller's to say (RFC 9112 §6, RFC 9110 §7.6.1). */
const ownHeaders = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** One request over one connection of its own, closed afterwards. */
export function exchange(exchange: Exchange): Promise<HttpAnswer> {
  return new Promise((resolve) => new Exchanging(exchange, resolve).start());
}

class Exchanging {
  private readonly onLate = () => this.fail(this.lateReason());
  private outgoing: ClientRequest | undefined;
  private hasHeaders = false;
  private interimAnswers = 0;
  private isSettled = false;

  constructor(
    private readonly exchange: Exchange,
    private readonly resolve: (answer: HttpAnswer) => void,
  ) {}

  start(): void {
    const { request, deadline } = this.exchange;
    deadline.addEventListener("abort", this.onLate, { once: true });
    try {
      this.outgoing = this.open();
      this.listen(this.outgoing);
      this.outgoing.end(request.body);
    } catch (error) {
      this.fail(failureReason(error)); // a header or a method that no request can carry
    }
  }

  private listen(outgoing: ClientRequest): void {
    // This one stays for good: an 'error' after the end that nobody listens to would end the process.
    outgoing.on("error", (error) => this.fail(failureReason(error)));
    outgoing.on("information", () => {
      if (++this.interimAnswers > maxInterimAnswers)
        this.fail("the answer is preceded by too many interim ones");
    });
    outgoing.on("upgrade", (_incoming, socket) => {
      socket.destroy();
      this.fail("the answer asks for another protocol than HTTP");
    });
    outgoing.on("response", (incoming) => this.receive(incoming));
  }

  private open(): ClientRequest {
    const { request, target, addresses, port, ca } = this.exchange;
    const { url } = target;
    const options = {
      host: target.host,
      port,
      path: `${url.pathname}${url.search}`,
      method: request.method ?? "GET",
      headers: this.headers(),
      agent: false as const, // no connection is left to a later request that may have been checked differently
      autoSelectFamily: true,
      lookup: onlyThese(addresses),
      maxHeaderSize: maxHeaderBytes,
    };
    if (!target.isTls) return http.request(options);
    return https.request({
      ...options,
      ca,
      servername: target.isAddress ? undefined : target.host,
      rejectUnauthorized: true, // said aloud: an environment variable would otherwise be able to switch it off
      checkServerIdentity: checkIdentity,
    });
  }

  private headers(): Record<string, string> {
    const { request, target } = this.exchange;
    const headers: Record<string, string> = { host: target.url.host };
    const given = Object.entries(request.headers ?? {}).filter(
      ([name]) => !ownHeaders.has(name.toLowerCase()),
    );
    const names = new Set(given.map(([name]) => name.toLowerCase()));
    if (!names.has("user-agent")) headers["user-agent"] = "MailIt";
    // RFC 9110 §12.5.3: saying nothing would mean that any coding will do, and a small answer could unpack to a huge one.
    if (!names.has("accept-encoding")) headers["accept-encoding"] = "identity";
    for (const [name, value] of given) headers[name] = value;
    if (request.body !== undefined) headers["content-length"] = String(Buffer.byteLength(request.body));
    return headers;
  }

  private receive(incoming: IncomingMessage): void {
    const { method, maxBytes, mayKeep, onTooBig = "fail" } = this.exchange.request;
    this.hasHeaders = true;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const tooBig = () => this.fail(`the answer is larger than ${maxBytes} bytes`);
    const answer = (isCut: boolean) =>
      this.settle({
        kind: "answered",
        status: incoming.statusCode ?? 0,
        headers: headersOf(incoming),
        body: Buffer.concat(chunks, Math.min(bytes, maxBytes)),
        isCut,
      });

    incoming.on("error", (error) => this.fail(failureReason(error)));
    const announced = method === "HEAD" ? 0 : Number(incoming.headers["content-length"] ?? 0);
    if (onTooBig === "fail" && announced > maxBytes) tooBig();
    incoming.on("data", (chunk: Uint8Array) => {
      if (this.isSettled) return; // what was on its way when we hung up
      const isTooLong = bytes + chunk.length > maxBytes;
      if (!isTooLong && mayKeep && !mayKeep(chunk.length)) return answer(true);
      chunks.push(chunk);
      bytes += chunk.length;
      if (!isTooLong) return;
      if (onTooBig === "fail") tooBig();
      else answer(true);
    });
    incoming.on("end", () => (incoming.complete ? answer(false) : this.fail("the connection broke off")));
    incoming.on("close", () => this.fail("the connection broke off")); // means nothing once it is settled
  }

  private lateReason(): string {
    const what = this.hasHeaders ? "no complete answer" : "no answer";
    return lateReason(this.exchange.request.timeoutMs, what);
  }

  private fail(reason: string): void {
    this.settle({ kind: "failed", reason });
  }

  private settle(answer: HttpAnswer): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.exchange.deadline.removeEventListener("abort", this.onLate);
    this.outgoing?.destroy();
    this.resolve(answer);
  }
}

/** A lookup that knows one answer: what was checked is what is connected to, whatever DNS says by now. */
function onlyThese(addresses: HostAddress[]): LookupFunction {
  return (_host, options, callback) => {
    const [first] = addresses;
    if (options.all) callback(null, addresses);
    else callback(null, first?.address ?? "", first?.family);
  };
}

/** As RFC 9525 §6.3 and browsers have it: only the names in the extension count, not a subject's common name. */
function checkIdentity(host: string, certificate: PeerCertificate): Error | undefined {
  if (!certificate.subjectaltname) {
    return Object.assign(new Error("no alternative names"), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  }
  return checkServerIdentity(host, certificate);
}

/** All of them, joined where a name comes twice; `incoming.headers` would drop the second of some. */
function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
  return headers;
}
