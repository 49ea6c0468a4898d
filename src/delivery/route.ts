import type { App } from "../app.ts";
import { isPublicAddress } from "../dns/address-range.ts";
import { lookUpAddresses, lookUpMx } from "../dns/mx.ts";
import type { ConversationOptions } from "../smtp/client.ts";
import type { Outcome } from "./outcome.ts";

/** One way to reach a host: what a conversation needs to know of it. */
export type Hop = Pick<ConversationOptions, "host" | "address" | "port" | "auth"> & {
  tls: ConversationOptions["tls"];
};

/** The names to try for a domain, in order, or the outcome when there are none. */
export type Route =
  | { kind: "hosts"; names: string[]; port: number; relay: boolean }
  | { kind: "none"; outcome: Outcome };

/** Hosts beyond this are left for the next attempt: an attempt should end before its successor is due. */
const maxHostsPerAttempt = 5;
const maxAddressesPerHost = 4;

/** Where mail for a domain goes: to the smarthost if there is one, else to the domain's MX hosts. */
export async function findRoute(app: App, domain: string): Promise<Route> {
  const { relay, port } = app.config.smtpOutbound;
  if (relay.host) return { kind: "hosts", names: [relay.host], port: relay.port, relay: true };

  const answer = await lookUpMx(app.dns, domain, app.random);
  switch (answer.kind) {
    case "hosts": {
      const names = answer.hosts.map(({ name }) => name).slice(0, maxHostsPerAttempt);
      return { kind: "hosts", names, port, relay: false };
    }
    case "null_mx":
      return bounce(`556 5.1.10 ${domain} accepts no mail (null MX)`);
    case "no_such_domain":
      return bounce(`550 5.1.2 ${answer.detail}`);
    case "failed":
      return defer(`The MX records of ${domain} could not be looked up: ${answer.reason}`);
  }
}

/** The addresses to try for a host. Private ones are refused: a stranger's DNS must not lead us into our own network. */
export async function findHops(
  app: App,
  name: string,
  route: { port: number; relay: boolean },
): Promise<Hop[] | Outcome> {
  const found = await lookUpAddresses(app.dns, name);
  if (found.kind === "failed") {
    return {
      kind: "deferred",
      said: `${name} could not be looked up: ${found.reason}`,
      class: "infrastructure",
    };
  }
  const addresses = found.kind === "none" ? [] : found.addresses.map(({ address }) => address);
  const isAllowed =
    route.relay || app.config.smtpOutbound.allowPrivateAddresses ? () => true : isPublicAddress;
  const allowed = addresses.filter(isAllowed);
  if (addresses.length > 0 && allowed.length === 0) {
    const said = `550 5.4.4 ${name} has only private addresses, which no mail is sent to`;
    return { kind: "bounced", said, class: "infrastructure", host: name };
  }
  if (allowed.length === 0) {
    return { kind: "deferred", said: `${name} has no address`, class: "infrastructure", host: name };
  }
  const { relay } = app.config.smtpOutbound;
  const auth =
    route.relay && relay.username !== undefined
      ? { username: relay.username, password: relay.password ?? "" }
      : undefined;
  return allowed.slice(0, maxAddressesPerHost).map((address) => ({
    host: name,
    address,
    port: route.port,
    auth,
    tls: route.relay ? relay.tls : app.config.smtpOutbound.tls,
  }));
}

// A domain's DNS can be mended within the hour: it never suppresses an address, whatever it says.
function bounce(said: string): Route {
  return { kind: "none", outcome: { kind: "bounced", said, class: "infrastructure" } };
}

function defer(said: string): Route {
  return { kind: "none", outcome: { kind: "deferred", said, class: "infrastructure" } };
}
