import ipaddr from "ipaddr.js";
import { type KnownClient, knownClients } from "./machines.ts";

/** Somebody or something that fetched a pixel or followed a link. */
export interface Visit {
  kind: "opened" | "clicked";
  deliveryId: string;
  /** Where the link leads; absent for an open. */
  url?: string;
  address: string;
  userAgent: string;
  /** Asked with HEAD, which no person does. */
  isHead?: boolean;
  at: Date;
}

export type BotReason =
  | NonNullable<KnownClient["reason"]>
  | "no_user_agent"
  | "head_request"
  | "before_delivery"
  | "too_soon"
  | "all_links_at_once";

/** Who made a visit, and the name of the machine, or of the proxy a person came through, where it is known. */
export type Verdict =
  | { isBot: false; reason: null; name?: string }
  | { isBot: true; reason: BotReason; name?: string };

export interface Judged {
  visit: Visit;
  verdict: Verdict;
}

/** What is known of the delivery that was visited. */
export interface Visited {
  state: string;
  /** How often it was attempted; a host may have taken it at an attempt that seemed to fail. */
  attempts: number;
  settledAt: Date | null;
  /** Of its content. */
  links: number;
}

/** Sooner than a person can see that there is mail, and read enough of it to click. */
const soonestMs = { opened: 1_000, clicked: 3_000 };

/** Clicks on so many different links at once are nobody's; of a short message, on most of them. */
const burstOf = (links: number) => Math.min(5, Math.max(3, Math.ceil(links * 0.6)));

/** Judges the visits of one delivery that came within a few seconds; `isBurst` says who has clicked everything lately. */
export function judgeVisits(
  visits: Visit[],
  visited: Visited,
  isBurst = (_address: string) => false,
): Judged[] {
  const clicked = visits.filter(({ kind }) => kind === "clicked");
  const isAllAtOnce = new Set(clicked.map(({ url }) => url)).size >= burstOf(visited.links);
  const bursting = new Set(isAllAtOnce ? clicked.map(({ address }) => address) : []);
  return visits.map((visit) => {
    const verdict = judgeVisit(visit, visited);
    const isOfBurst = bursting.has(visit.address) || isBurst(visit.address);
    return { visit, verdict: isOfBurst && !verdict.isBot ? machine("all_links_at_once") : verdict };
  });
}

export function judgeVisit({ kind, address, userAgent, isHead, at }: Visit, visited: Visited): Verdict {
  const agent = userAgent.trim();
  if (agent === "") return machine("no_user_agent");
  const known = findClient(agent, address);
  if (known?.is === "machine") return machine(known.reason ?? "scanner", known.name);
  if (isHead) return machine("head_request", known?.name);
  const { state, attempts, settledAt } = visited;
  const isTriedOnce = attempts <= 1;
  if ((state === "queued" || state === "deferred") && attempts === 0) return machine("before_delivery");
  if (state === "delivered" && settledAt) {
    const afterMs = at.getTime() - settledAt.getTime();
    if (afterMs < 0 && isTriedOnce) return machine("before_delivery");
    if (afterMs >= 0 && afterMs < soonestMs[kind]) return machine("too_soon");
  }
  return { isBot: false, reason: null, name: known?.name };
}

const machine = (reason: BotReason, name?: string): Verdict => ({ isBot: true, reason, name });

const clients = knownClients.map((client) => ({
  ...client,
  networks: client.networks?.map((network) => ipaddr.parseCIDR(network)) ?? [],
}));

function findClient(agent: string, address: string): Omit<KnownClient, "networks"> | undefined {
  const ip = ipaddr.isValid(address) ? ipaddr.process(address) : undefined;
  // A network can't be made up as a name can: what comes from a scanner's is the scanner's, whatever it says it is.
  const byNetwork = clients.find(({ networks }) =>
    networks.some(([network, bits]) => ip?.kind() === network.kind() && ip.match(network, bits)),
  );
  return byNetwork ?? clients.find((client) => client.agent?.test(agent));
}
