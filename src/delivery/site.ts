import type { Opened, Session } from "../smtp/session.ts";
import { ConnectionLimit, MessageRate } from "./limits.ts";
import type { SitePolicy } from "./site-policy.ts";

/** A site is called moving while somebody there has taken a message within this time. */
const movingMs = 10_000;

/**
 * What this node knows of one site (the MX hosts that a set of domains share): its open connections, how many it may
 * have, and how fast messages may go. An attempt enters, uses a connection that is open or opens one, and leaves.
 */
export class Site {
  /** The name of its lane: its best host, and a digest of the others where there are more. */
  readonly name: string;
  readonly policy: SitePolicy;
  readonly rate: MessageRate | undefined;
  readonly #connections: ConnectionLimit;
  readonly #idle: { session: Session; since: number }[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #open = 0;
  #opening = 0;
  readonly #perAddress = new Map<string, { open: number; opening: number }>();
  #lastSuccess = 0;

  constructor(name: string, policy: SitePolicy) {
    this.name = name;
    this.policy = policy;
    this.rate = policy.rate && new MessageRate(policy.rate);
    this.#connections = new ConnectionLimit(policy.connections);
  }

  get limit(): number {
    return this.#connections.limit;
  }

  /** Whether an address serves a connection of ours now, "or may" soon: one is being opened. */
  bears(address: string, orMay?: "or may"): boolean {
    const at = this.#perAddress.get(address);
    return at !== undefined && at.open + (orMay ? at.opening : 0) > 0;
  }

  get isUnused(): boolean {
    return this.#busy === 0 && this.#idle.length === 0 && this.#waiting.length === 0;
  }

  /** How many deliveries may be under way here: while mail flows, the next messages are made while others travel. */
  jobsAtOnce(now: Date): number {
    const isMoving = now.getTime() - this.#lastSuccess < movingMs;
    return isMoving ? this.limit * 2 : this.limit;
  }

  /** Connections, those that are kept among them, and how many of them are in use. */
  get load(): { open: number; busy: number } {
    return { open: this.#open, busy: this.#busy };
  }

  get hasRoom(): boolean {
    return this.#busy < this.limit;
  }

  /** Waits for the right to use one connection; false when the time or the signal ended the wait. */
  async enter(patienceMs: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.hasRoom) {
      this.#busy += 1;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const enter = () => resolve(true);
    const giveUp = () => {
      const at = this.#waiting.indexOf(enter);
      if (at !== -1) this.#waiting.splice(at, 1);
      resolve(at === -1); // whoever was let in already stays in
    };
    this.#waiting.push(enter);
    const timer = setTimeout(giveUp, patienceMs);
    signal.addEventListener("abort", giveUp, { once: true });
    const entered = await promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
    return entered;
  }

  leave(): void {
    this.#busy -= 1;
    while (this.hasRoom) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#busy += 1;
      next();
    }
  }

  /** An open connection that will do, the one used last first: the others may grow old and be closed. */
  takeIdle(fits: (session: Session) => boolean): Session | undefined {
    for (let at = this.#idle.length - 1; at >= 0; at--) {
      const { session } = this.#idle[at]!;
      if (!session.isIdle || !fits(session)) continue;
      this.#idle.splice(at, 1);
      return session;
    }
    return undefined;
  }

  /** Opens a connection by `open`, and counts it for as long as it lives. */
  async connect(address: string, open: () => Promise<Opened>): Promise<Opened> {
    this.#count(address, "opening", 1);
    try {
      const opened = await open();
      if (opened.kind === "open") this.#watch(address, opened.session);
      return opened;
    } finally {
      this.#count(address, "opening", -1);
    }
  }

  #watch(address: string, session: Session): void {
    this.#count(address, "open", 1);
    session.onClosed = () => {
      this.#count(address, "open", -1);
      const at = this.#idle.findIndex((entry) => entry.session === session);
      if (at !== -1) this.#idle.splice(at, 1);
    };
  }

  #count(address: string, what: "open" | "opening", by: 1 | -1): void {
    if (what === "open") this.#open += by;
    else this.#opening += by;
    const at = this.#perAddress.get(address) ?? { open: 0, opening: 0 };
    at[what] += by;
    if (at.open + at.opening === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, at);
  }

  /** Called before a connection is opened: one that does not fit must not stand beside it over the limit. */
  makeRoom(): void {
    while (this.#idle.length > 0 && this.#busy + this.#idle.length > this.limit) {
      this.#idle.shift()!.session.close();
    }
  }

  /** Puts a connection back for the next message, unless it has carried its share or there are too many. */
  keep(session: Session): void {
    const isOver =
      !session.isIdle || session.transactions >= this.policy.messagesPerConnection || this.#open > this.limit;
    if (isOver) session.close();
    else this.#idle.push({ session, since: performance.now() });
  }

  /** Closes what nobody has used for the policy's time; `all` closes every connection that is not in use. */
  closeIdle(all = false): void {
    const before = all ? Number.POSITIVE_INFINITY : performance.now() - this.policy.idleMs;
    for (const { session, since } of [...this.#idle]) if (since <= before) session.close();
  }

  get hasIdle(): boolean {
    return this.#idle.length > 0;
  }

  succeeded(now: Date): void {
    this.#lastSuccess = now.getTime();
    if (this.#busy >= this.limit) this.#connections.succeeded(now);
  }

  /** The site asked for less, or turned a connection away. */
  slowDown(now: Date): void {
    this.#connections.slowDown(now, this.#open + this.#opening);
    this.rate?.slowDown(now);
  }
}
