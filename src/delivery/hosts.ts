import { perApp } from "../per-app.ts";

const firstPauseMs = 15_000;
const longestPauseMs = 300_000;
const plaintextMs = 3_600_000;
const maxHosts = 10_000;

interface Failure {
  reason: string;
  failures: number;
  at: number;
  until: number;
}

/** Why an address is not asked at the moment. */
export interface Unreachable {
  reason: string;
  since: Date;
  until: Date;
}

/**
 * The memory of one node. A host that can't be reached costs its next recipients nothing: they are put off at once
 * instead of waiting out a deadline each, and the host is asked again after a pause that grows to five minutes.
 */
export class HostMemory {
  readonly #failures = new Map<string, Failure>();
  readonly #plaintext = new Map<string, { reason: string; until: number }>();

  /** `address` is an IP address and port. */
  failed(address: string, reason: string, now: Date): void {
    const known = this.#failures.get(address);
    const at = now.getTime();
    // Attempts that were under way together fail together: that is one failure.
    if (known && at < known.until) return;
    const failures = (known?.failures ?? 0) + 1;
    const pause = Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs);
    keep(this.#failures, address, { reason, failures, at, until: at + pause });
  }

  reached(address: string): void {
    if (this.#failures.size > 0) this.#failures.delete(address);
  }

  unreachable(address: string, now: Date): Unreachable | undefined {
    const known = this.#failures.get(address);
    if (!known || now.getTime() >= known.until) return undefined;
    return { reason: known.reason, since: new Date(known.at), until: new Date(known.until) };
  }

  /** The host offered STARTTLS and could not do it: for an hour it is not asked again. */
  tlsBroke(host: string, reason: string, now: Date): void {
    keep(this.#plaintext, host, { reason, until: now.getTime() + plaintextMs });
  }

  /** Why the host is spoken to in plaintext for now, or undefined. */
  brokenTls(host: string, now: Date): string | undefined {
    const known = this.#plaintext.get(host);
    return known && now.getTime() < known.until ? known.reason : undefined;
  }
}

/** Newest last; the oldest makes room. */
function keep<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > maxHosts) map.delete(map.keys().next().value!);
}

export const hostMemory = perApp((): HostMemory => new HostMemory());
