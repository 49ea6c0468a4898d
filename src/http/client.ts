// http/ fetches what strangers name: webhook endpoints, attachments by URL, policies. A URL may be chosen to reach into
// our own network, and whatever answers may be hostile.
import { isPublicAddress } from "../dns/address-range.ts";
import { type HostAddress, lookUpAddresses } from "../dns/mx.ts";
import type { Resolver } from "../dns/resolver.ts";
import { exchange } from "./exchange.ts";
import { lateReason } from "./failure.ts";
import { readTarget, type Target } from "./target.ts";

export interface HttpRequest {
  url: string;
  /** GET if not given. */
  method?: string;
  /** Those that speak about the connection are ours, and dropped from here. */
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  /** For everything together: the lookup, the connection, and the answer to its last byte. */
  timeoutMs: number;
  /** How much of a body is taken. */
  maxBytes: number;
  /** Asked before each further piece of a body is kept; once it says no, the answer is cut there. */
  mayKeep?: (bytes: number) => boolean;
  /** Whether a longer body is a failure, or is answered with its first `maxBytes`. "fail" if not given. */
  onTooBig?: "fail" | "cut";
  httpsOnly?: boolean;
  /** For callers with a switch of their own; otherwise the client's. */
  allowPrivateAddresses?: boolean;
}

export type HttpAnswer =
  /** Whatever the status: a redirect is an answer as well, and never followed. */
  | { kind: "answered"; status: number; headers: Headers; body: Uint8Array; isCut: boolean }
  /** `reason` is part of a sentence in our own words, fit to show to whoever gave us the URL. */
  | { kind: "failed"; reason: string };

export interface HttpClient {
  /** Never rejects for what the URL, DNS, the network or the far side do. */
  request(request: HttpRequest): Promise<HttpAnswer>;
}

export interface HttpClientOptions {
  /** As a function where the resolver may be replaced later. */
  dns: Resolver | (() => Resolver);
  /** Whether private and loopback addresses may be connected to; see `HttpRequest`. */
  allowPrivateAddresses: () => boolean;
  /** PEM of the authorities to trust instead of the public ones; for tests. */
  ca?: string;
  /** Where a port really leads; for tests, which can't listen on 443. */
  ports?: Record<number, number>;
}

/** The one way to a URL that somebody else chose (D14). */
export function makeHttpClient(options: HttpClientOptions): HttpClient {
  const { dns, ca, ports } = options;

  async function send(request: HttpRequest, deadline: AbortSignal): Promise<HttpAnswer> {
    const target = readTarget(request.url, { httpsOnly: request.httpsOnly === true });
    if (target.kind === "refused") return { kind: "failed", reason: target.reason };
    const isPrivateAllowed = request.allowPrivateAddresses ?? options.allowPrivateAddresses();
    const resolver = typeof dns === "function" ? dns() : dns;
    const found = await unlessLate(deadline, findAddresses(resolver, target, isPrivateAllowed));
    if (found === undefined) return { kind: "failed", reason: lateReason(request.timeoutMs, "no answer") };
    if (found.kind === "failed") return found;
    const port = ports?.[target.port] ?? target.port;
    return exchange({ request, target, addresses: found.addresses, port, ca, deadline });
  }

  return {
    async request(request) {
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(), request.timeoutMs);
      try {
        return await send(request, deadline.signal);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

type Found = { kind: "found"; addresses: HostAddress[] } | { kind: "failed"; reason: string };

/**
 * Where a host may be reached. One address of ours among public ones refuses them all: a name that points to both is
 * either broken or an attempt to have us try until we connect to the wrong one.
 */
async function findAddresses(
  resolver: Resolver,
  { host }: Target,
  isPrivateAllowed: boolean,
): Promise<Found> {
  const answer = isLocalhost(host) ? localhost : await lookUpAddresses(resolver, host);
  if (answer.kind === "failed") return { kind: "failed", reason: "the host could not be looked up" };
  if (answer.kind === "none") return { kind: "failed", reason: "the host has no address" };
  const { addresses } = answer;
  if (!isPrivateAllowed && !addresses.every(({ address }) => isPublicAddress(address))) {
    return { kind: "failed", reason: "the host is at a private address" };
  }
  return { kind: "found", addresses };
}

const localhost: Awaited<ReturnType<typeof lookUpAddresses>> = {
  kind: "addresses",
  addresses: [
    { address: "127.0.0.1", family: 4 },
    { address: "::1", family: 6 },
  ],
};

/** RFC 6761 §6.3: these names mean this machine, and DNS is not to be asked for them. */
function isLocalhost(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost");
}

/** Undefined when the deadline passes first. */
function unlessLate<T>(deadline: AbortSignal, work: Promise<T>): Promise<T | undefined> {
  const late = new Promise<undefined>((resolve) => {
    if (deadline.aborted) resolve(undefined);
    deadline.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  return Promise.race([work, late]);
}
