/** Asking a site's hosts, one after the other, to take one recipient's message. */
import { isIPv6 } from "node:net";
import type { App } from "../app.ts";
import type { Conversation, Exchange } from "../smtp/client.ts";
import { formatReply } from "../smtp/reply.ts";
import { type Opened, openSession, type Session } from "../smtp/session.ts";
import { hostMemory } from "./hosts.ts";
import { judge, type Outcome, type Verdict } from "./outcome.ts";
import { findHops, type Hop, hopKey, type Route } from "./route.ts";
import { type Attempt, type AttemptStep, commandOf } from "./schema.ts";
import type { Site } from "./site.ts";
import { sitesOf } from "./sites.ts";
import { isForbidden, isProtectedEnough, mustVerify, type TlsWish, tlsRecord } from "./tls-wish.ts";

/** What is asked of a site. */
export interface Question {
  route: Route;
  site: Site;
  wish: TlsWish;
  envelope: { from: string; to: string };
  /** Made while the connection is; the same bytes however often it is called. */
  message(): Promise<Uint8Array>;
  signal: AbortSignal;
}

/** One conversation, as its row will tell it; which try it belongs to is added when it is written. */
export type AttemptRecord = Omit<Attempt, "deliveryId" | "number" | "position">;

export interface Answer {
  outcome: Outcome;
  attempts: AttemptRecord[];
  /** The site asks to be left alone for this long. */
  pauseMs?: number;
  /** The site bears no more connections than it has: this was no try, the delivery waits for one of them. */
  isCrowded?: boolean;
  /** The asking was broken off before a host had the last word. */
  isUnfinished?: boolean;
}

/** Past this no further host is asked: hosts that answer slowly on purpose must not hold a permit for hours. */
const maxAskingMs = 300_000;

/** IPv6 gets a fair chance and no more where IPv4 stands behind it: a broken tunnel must not cost every message 30 s. */
const hopefulConnectMs = 5_000;

/** Asks the hosts in order until one has the last word. The caller has entered the site and leaves it afterwards. */
export function askHosts(app: App, question: Question): Promise<Answer> {
  return new Asking(app, question).run();
}

class Asking {
  readonly #attempts: AttemptRecord[] = [];
  readonly #askedHosts = new Set<string>();
  readonly #giveUpAt = performance.now() + maxAskingMs;
  #outcome: Outcome;
  #mayComeBack = false;

  constructor(
    private readonly app: App,
    private readonly question: Question,
  ) {
    const said = `No host of ${question.route.domain} answered`;
    this.#outcome = { kind: "deferred", said, class: "infrastructure" };
  }

  async run(): Promise<Answer> {
    const { route, signal, wish } = this.question;
    const reused = await this.#askOpenConnections();
    if (reused?.isFinal || signal.aborted) return this.#answer(reused);

    for (const host of route.hosts) {
      if (this.#askedHosts.has(host)) continue;
      if (performance.now() > this.#giveUpAt) break;
      if (isForbidden(wish, host)) {
        this.#noteUnasked(host, `${host} is not among the hosts of the MTA-STS policy of ${route.domain}`);
        continue;
      }
      const hops = await findHops(this.app, host, route);
      if (!Array.isArray(hops)) {
        this.#note(hops);
        this.#record({ host, outcome: hops });
        continue;
      }
      for (const hop of hops) {
        if (performance.now() > this.#giveUpAt) break;
        const answer = await this.#askHop(hop);
        if (answer === "crowded") return { ...this.#answer(), isCrowded: true };
        if (answer.isFinal || signal.aborted) return this.#answer(answer);
      }
    }
    return this.#answer();
  }

  #answer(verdict?: Verdict): Answer {
    return {
      outcome: this.#outcome,
      attempts: this.#attempts,
      isUnfinished: verdict?.isFinal !== true,
      ...(verdict?.pauseMs === undefined ? {} : { pauseMs: verdict.pauseMs }),
    };
  }

  /** A connection that a message before this one left open. A host that closed it meanwhile has said nothing. */
  async #askOpenConnections(): Promise<Verdict | undefined> {
    const { site, wish, signal } = this.question;
    while (!signal.aborted) {
      const session = site.takeIdle((each) => isProtectedEnough(wish, each));
      if (!session) return undefined;
      const startedAt = this.app.now();
      const sent = await this.#send(session);
      if (sent.kind === "unreachable" && sent.stale) continue;
      this.#askedHosts.add(session.host);
      return this.#judged(sent, { startedAt, session, hop: session, reused: true });
    }
    return undefined;
  }

  async #askHop(hop: Hop): Promise<Verdict | "crowded"> {
    const { site, wish } = this.question;
    const memory = hostMemory(this.app);
    site.makeRoom();
    const startedAt = this.app.now();
    const brokenTls = wish.mode === "opportunistic" ? memory.brokenTls(hop.host, startedAt) : undefined;
    const tls = brokenTls === undefined ? wish.mode : "off";
    const opened = await site.connect(hop.address, () => this.#open(hop, tls));
    if (opened.kind === "unreachable" && opened.tlsBroken && wish.mode === "opportunistic") {
      // RFC 7435: mail that would go to anybody's certificate rather goes in plaintext than not at all.
      memory.tlsBroke(hop.host, opened.reason, startedAt);
      this.#judged(unsent(opened), { startedAt, hop, problem: opened.reason });
      return this.#askHop(hop);
    }
    if (opened.kind !== "open") {
      if (this.#isCrowded(opened, hop)) {
        site.slowDown(this.app.now());
        return "crowded";
      }
      return this.#failedToOpen(opened, hop, startedAt);
    }

    const { session, exchanges } = opened;
    memory.reached(hopKey(hop.address, hop.port));
    if (this.#isOurselves(session)) {
      session.close();
      const said = `554 5.4.6 Mail for ${this.question.route.domain} leads back to this server, which does not take it: ${hop.host} says it is ${session.hostSaysItIs}`;
      const outcome: Outcome = {
        kind: "bounced",
        said,
        class: "infrastructure",
        suppress: false,
        host: hop.host,
      };
      this.#note(outcome);
      this.#record({ host: hop.host, outcome, hop, startedAt, exchanges });
      return { outcome, isFinal: false };
    }
    const sent = await this.#send(session);
    const problem = brokenTls === undefined ? undefined : `not tried again so soon: ${brokenTls}`;
    return this.#judged(sent, { startedAt, session, hop, opening: exchanges, problem });
  }

  #open(hop: Hop, tls: TlsWish["mode"]): Promise<Opened> {
    const { route, wish, signal } = this.question;
    const { hostname, relay } = this.app.config.smtpOutbound;
    const local = localAddressFor(this.app, hop.address);
    return openSession({
      host: hop.host,
      address: hop.address,
      port: hop.port,
      localAddress: local?.address,
      ehloName: local?.ehloName ?? hostname,
      tls,
      // Encryption that anybody's certificate gives beats none; who must be sure publishes a policy.
      rejectUnauthorized: mustVerify(wish),
      ca: this.app.trustedCa,
      auth:
        route.isRelay && relay.username !== undefined
          ? { username: relay.username, password: relay.password ?? "" }
          : undefined,
      deadlines: hop.isHopeful ? { connectMs: hopefulConnectMs } : undefined,
      signal,
    });
  }

  async #send(session: Session): Promise<Conversation> {
    const { envelope, message, signal, site } = this.question;
    try {
      const bytes = await message();
      return await session.send(bytes, envelope, { signal });
    } catch (error) {
      session.close(); // the message could not be made: nothing was said
      throw error;
    } finally {
      site.keep(session);
      sitesOf(this.app).watchIdle();
    }
  }

  /** The host turned this connection away while it serves others of ours: it takes no more at once. */
  #isCrowded(opened: Exclude<Opened, { kind: "open" }>, { address }: Hop): boolean {
    const { site } = this.question;
    if (opened.kind === "refused") return opened.reply.code === 421 && site.bears(address, "or may");
    return opened.step === "connect" && opened.reason === "connection refused" && site.bears(address);
  }

  #failedToOpen(opened: Exclude<Opened, { kind: "open" }>, hop: Hop, startedAt: Date): Verdict {
    const { site, signal } = this.question;
    const isAboutHost =
      opened.kind === "unreachable" && (opened.step === "connect" || opened.step === "greeting");
    if (isAboutHost && !signal.aborted && !ourOwnTrouble.has(opened.reason)) {
      hostMemory(this.app).failed(hopKey(hop.address, hop.port), opened.reason, this.app.now());
      site.slowDown(this.app.now());
    }
    return this.#judged(unsent(opened), { startedAt, hop });
  }

  #isOurselves({ hostSaysItIs }: Session): boolean {
    return (
      !this.question.route.isRelay && hostSaysItIs === this.app.config.smtpOutbound.hostname.toLowerCase()
    );
  }

  #judged(
    conversation: Conversation,
    about: {
      startedAt: Date;
      hop: Pick<Hop, "host" | "address"> & { localAddress?: string };
      session?: Session;
      opening?: Exchange[];
      reused?: boolean;
      problem?: string;
    },
  ): Verdict {
    const { route, site, wish } = this.question;
    const { hop, session, problem } = about;
    const { isRelay } = route;
    const verdict = judge(conversation, { host: hop.host, provider: site.policy.provider, isRelay });
    const now = this.app.now();
    if (conversation.kind === "accepted") site.succeeded(now);
    if (verdict.slowDown) site.slowDown(now);
    const tls = tlsRecord(wish, hop.host, session?.tls ?? tlsOf(conversation), problem);
    if (verdict.outcome.kind === "delivered") verdict.outcome.tls = tls;
    if (!this.question.signal.aborted || verdict.isFinal) this.#note(verdict.outcome, verdict.isFinal);
    this.#record({
      host: hop.host,
      outcome: verdict.outcome,
      hop: { ...hop, localAddress: session?.localAddress },
      startedAt: about.startedAt,
      exchanges: conversation.exchanges,
      opening: about.opening,
      reused: about.reused,
      tls,
      limiter: limiterOf(verdict, site),
    });
    return verdict;
  }

  /** A host that can never be used must not turn the others' "later" into a bounce. */
  #note(outcome: Outcome, isFinal = false): void {
    if (outcome.kind === "bounced" && this.#mayComeBack && !isFinal) return;
    this.#mayComeBack ||= outcome.kind === "deferred";
    this.#outcome = outcome;
  }

  #noteUnasked(host: string, said: string): void {
    const outcome: Outcome = { kind: "deferred", said, class: "policy", host };
    this.#note(outcome);
    this.#record({ host, outcome, tls: { wanted: this.question.wish.wanted, problem: said } });
  }

  #record(about: {
    host: string;
    outcome: Outcome;
    hop?: { address: string; localAddress?: string };
    startedAt?: Date;
    opening?: Exchange[];
    exchanges?: Exchange[];
    reused?: boolean;
    tls?: Attempt["tls"];
    limiter?: string;
  }): void {
    const { outcome, startedAt = this.app.now() } = about;
    if (outcome.kind === "suppressed" || outcome.kind === "canceled") return;
    this.#attempts.push({
      outcome: outcome.kind,
      class: "class" in outcome ? outcome.class : null,
      host: about.host,
      address: about.hop?.address ?? null,
      localAddress: about.hop?.localAddress ?? null,
      reused: about.reused ?? false,
      steps: stepsOf(about.opening, about.exchanges),
      tls: about.tls ?? null,
      limiter: about.limiter ?? (outcome.kind === "deferred" ? (outcome.limiter ?? null) : null),
      said: outcome.said,
      startedAt,
      endedAt: this.app.now(),
    });
  }
}

/** Why a connection can't even be begun: that is about this machine, and says nothing of the host. */
const ourOwnTrouble = new Set([
  "the local address is not on this machine",
  "connecting is not permitted on this machine",
  "network unreachable",
]);

/** An opening that failed, as the conversation it would have been. */
function unsent(opened: Exclude<Opened, { kind: "open" }>): Conversation {
  return opened.kind === "refused" ? opened : { ...opened, stale: false };
}

const tlsOf = (conversation: Conversation) => ("tls" in conversation ? conversation.tls : undefined);

/** What a reply says is kept in full as the attempt's last word; of the steps on the way the beginning is enough. */
const maxStepReply = 200;
/** A return path and an address at their longest fit. */
const maxStepCommand = 400;

/** Transactions count their time from their own beginning; in a row all steps count from the attempt's. */
function stepsOf(opening: Exchange[] = [], exchanges: Exchange[] = []): AttemptStep[] {
  const before = opening.at(-1)?.ms ?? 0;
  const step = ({ step: name, ms, command, reply }: Exchange, offset: number): AttemptStep => ({
    step: name,
    ms: Math.round(offset + ms),
    // A row of its own is written for each attempt: what the name says needs no room in it.
    ...(command !== undefined &&
      command !== commandOf({ step: name }) && { command: command.slice(0, maxStepCommand) }),
    ...(reply && { reply: formatReply(reply).slice(0, maxStepReply) }),
  });
  return [...opening.map((each) => step(each, 0)), ...exchanges.map((each) => step(each, before))];
}

function limiterOf({ pauseMs, slowDown }: Verdict, site: Site): string | undefined {
  if (pauseMs !== undefined) return `nothing goes to ${site.name} for ${Math.round(pauseMs / 60_000)} min`;
  return slowDown ? `${site.name} gets at most ${site.limit} connections for now` : undefined;
}

const turns = new WeakMap<App, number>();

/** The machine's addresses to send from are used in turn, among those of the host's family. */
function localAddressFor(app: App, address: string): { address: string; ehloName?: string } | undefined {
  const sameFamily = app.config.smtpOutbound.localAddresses.filter(
    (local) => isIPv6(local.address) === isIPv6(address),
  );
  if (sameFamily.length === 0) return undefined;
  const turn = turns.get(app) ?? 0;
  turns.set(app, turn + 1);
  return sameFamily[turn % sameFamily.length];
}
