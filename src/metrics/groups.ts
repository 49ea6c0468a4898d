import { Refusal } from "../errors.ts";
import type { CounterName } from "../events/schema.ts";
import { type Counts, type Dimension, usedCounters } from "./names.ts";
import type { Periods } from "./periods.ts";
import type { Counted } from "./store.ts";

const mostRows = 10_000;

export interface Group extends Omit<Counted, "hour" | "event" | "total"> {
  period: number;
  /** Its place in the other dimensions, as it is sorted by. */
  place: string;
  counts: Counts;
}

const used: ReadonlySet<CounterName> = new Set<CounterName>(usedCounters);

/** Adds up what was counted, as a whole and for each combination of the dimensions. */
export class Groups {
  readonly totals: Counts = {};
  readonly #found = new Map<string, Group>();
  readonly #byDomain: boolean;
  readonly #byEmail: boolean;
  readonly #byBroadcast: boolean;
  readonly #byTag: boolean;
  readonly #periods: Periods | undefined;

  constructor(dimensions: Dimension[], periods: Periods | undefined) {
    this.#byDomain = dimensions.includes("domain");
    this.#byEmail = dimensions.includes("email");
    this.#byBroadcast = dimensions.includes("broadcast");
    this.#byTag = dimensions.includes("tag");
    this.#periods = periods;
    // With other dimensions beside it, only what there is: all periods of all domains would be mostly zeros.
    if (periods && dimensions.length === 1) {
      for (const period of periods.names.keys()) this.#countsOf(period, nothing);
    }
  }

  add(counted: Counted): void {
    const { hour, event, total } = counted;
    if (!used.has(event)) return; // of other events than emails'
    this.totals[event] = (this.totals[event] ?? 0) + total;
    // Clients know only broadcasts with an id; what is of none stands in the totals.
    if (this.#byBroadcast && counted.broadcastId === null) return;
    const counts = this.#countsOf(this.#periods?.indexOf(hour) ?? 0, counted);
    counts[event] = (counts[event] ?? 0) + total;
  }

  #countsOf(period: number, counted: Omit<Counted, "hour" | "event" | "total">): Counts {
    const domainId = this.#byDomain ? counted.domainId : null;
    const emailId = this.#byEmail ? counted.emailId : null;
    const broadcastId = this.#byBroadcast ? counted.broadcastId : null;
    const { provider } = counted;
    const tag = this.#byTag ? counted.tag : undefined;
    const place = `${domainId ?? ""} ${emailId ?? ""} ${broadcastId ?? ""} ${provider ?? ""} ${tag?.name ?? ""}:${tag?.value ?? ""}`;
    const key = `${period} ${place}`;
    const found = this.#found.get(key);
    if (found) return found.counts;
    if (this.#found.size === mostRows) throw tooMany();
    const group = { period, place, domainId, emailId, broadcastId, provider, tag, counts: {} };
    this.#found.set(key, group);
    return group.counts;
  }

  get size(): number {
    return this.#found.size;
  }

  all(): Group[] {
    return [...this.#found.values()];
  }

  /** By period, then by the ids, and so by age. */
  inOrder(): Group[] {
    return this.all().sort(
      (a, b) => a.period - b.period || (a.place < b.place ? -1 : a.place > b.place ? 1 : 0),
    );
  }
}

const nothing = { domainId: null, emailId: null, broadcastId: null };

export function tooMany(): Refusal {
  return new Refusal(
    "validation_error",
    `The answer would have more than ${mostRows} rows, or take too much reading: narrow it with \`start_date\` and \`end_date\`, with \`email_id\` or \`tag\`, or by fewer dimensions.`,
  );
}
