import { findOldestTeam } from "../accounts/store.ts";
import type { App } from "../app.ts";
import { domainsByName } from "../domains/memory.ts";
import type { Domain } from "../domains/schema.ts";
import { findDomainByName } from "../domains/store.ts";
import { type Address, parseAddress, recipientKey } from "../mail/address.ts";
import { readReturnPath } from "../mail/verp.ts";
import { parseReply, type Reply } from "../smtp/reply.ts";
import type { Place } from "./jobs.ts";
import { routesByDomain, teamOfServer } from "./memory.ts";
import { findRoute } from "./route-match.ts";
import type { InboundRoute } from "./schema.ts";
import { findDeliveryTeam, listRoutes } from "./store.ts";

/** Whose an address of an envelope is. */
export interface Mailbox {
  kind: "ours";
  /** `local@domain`; the domain in ASCII. */
  address: string;
  teamId: string;
  /** Null for this server's own name. */
  domainId: string | null;
  place: Place;
  /** The delivery whose return path it is. */
  deliveryId: string | null;
  /** The one endpoint that hears of mail to it. */
  webhookId: string | null;
}

export type Recipient = Mailbox | { kind: "dropped" } | { kind: "refused"; reply: Reply };

const refused = (code: number, enhanced: string, text: string): Recipient => ({
  kind: "refused",
  reply: { code, enhanced, text },
});

const notAnAddress = refused(553, "5.1.3", "That is no address mail can be sent to; write local-part@domain");
const notOurs = refused(
  550,
  "5.7.1",
  "This server is no relay; send to the mail server that the domain's MX record names",
);
const noReceiving = refused(550, "5.7.1", "This server takes no mail for that domain");
const noSuchMailbox = refused(550, "5.1.1", "There is no such mailbox here; check the address");
const unknownReturnPath = refused(550, "5.1.1", "That return path was never used here, or its email is gone");

const abuseNames = new Set(["abuse", "fbl"]);
const roleNames = new Set([...abuseNames, "postmaster"]);

/**
 * Whose an address is, and what becomes of mail to it. Asked for every RCPT and again for every message: except for
 * return paths, which are rare, the answer comes from memory.
 */
export async function findRecipient(app: App, text: string): Promise<Recipient> {
  const { hostname } = app.config.smtpOutbound;
  // RFC 5321 §4.5.1: postmaster is an address without a domain, too.
  const address = parseAddress(/^postmaster$/i.test(text) ? `postmaster@${hostname}` : text);
  if (!address) return text.includes("@") && !isForwarding(text) ? notAnAddress : notOurs;
  if (isForwarding(address.local)) return notOurs;

  const returnPathOf = await findReturnPathDomain(app, address.domain);
  if (returnPathOf) {
    const found = await findReturnPath(app, address, returnPathOf);
    if (found) return found;
  }
  const domain = await recallDomain(app, address.domain);
  if (domain?.receiving && domain.receivingVerifiedAt) return route(app, address, domain);
  const owner = [domain, returnPathOf].find((each) => each?.sending && each.verifiedAt);
  if (owner && isRole(address)) return mailbox(address, owner);
  if (address.domain === hostname.toLowerCase()) return toServer(app, address);
  if (returnPathOf) return isVerp(address) ? unknownReturnPath : noSuchMailbox;
  return domain ? noReceiving : notOurs;
}

/** The percent hack and bang paths: addresses that want to be sent on (RFC 5321 §3.6.1, RFC 1123 §5.2.16). */
const isForwarding = (local: string) => /[%!]/.test(local) || local.startsWith("@");

const isRole = ({ local }: Address) => roleNames.has(recipientKey(local));

const isVerp = ({ local }: Address) => /^b\+/i.test(local);

function mailbox(
  address: Address,
  domain: Pick<Domain, "id" | "teamId">,
  more: Partial<Mailbox> = {},
): Mailbox {
  return {
    kind: "ours",
    address: address.address,
    teamId: domain.teamId,
    domainId: domain.id,
    place: abuseNames.has(recipientKey(address.local)) ? "abuse" : "mailbox",
    deliveryId: null,
    webhookId: null,
    ...more,
  };
}

/** The route that decides about an address; undefined where its mail is simply stored. */
export function decidingRoute(routes: readonly InboundRoute[], address: Address): InboundRoute | undefined {
  const found = findRoute(routes, address);
  // RFC 2142 wants these to be read: only a route of their own keeps mail from them, no pattern that happens to fit.
  return found && isRole(address) && found.match !== "address" ? undefined : found;
}

async function route(app: App, address: Address, domain: Domain): Promise<Recipient> {
  const routes = await routesByDomain.recall(app, domain.id, () => listRoutes(app.db, domain.id));
  const found = decidingRoute(routes, address);
  if (!found) return mailbox(address, domain);
  switch (found.action) {
    case "store":
      return mailbox(address, domain);
    case "webhook":
      return mailbox(address, domain, { webhookId: found.webhookId });
    case "reject":
      return { kind: "refused", reply: replyOf(found) };
    case "drop":
      return { kind: "dropped" };
  }
}

/** A route's own words may begin with a code, and with an enhanced one. */
function replyOf({ reply }: InboundRoute): Reply {
  const { code, enhanced, text } = parseReply(reply ?? "");
  const isRefusal = code >= 400 && code !== 421; // 421 would end the session, and refuse the other recipients too
  if (isRefusal) return { code, enhanced: enhanced ?? (code < 500 ? "4.2.1" : "5.1.1"), text };
  return { code: 550, enhanced: "5.1.1", text: text || "There is no such mailbox here; check the address" };
}

/** The domain of ours whose bounces go to `host`. */
async function findReturnPathDomain(app: App, host: string): Promise<Domain | undefined> {
  const dot = host.indexOf(".");
  const domain = await recallDomain(app, host.slice(dot + 1));
  return domain?.returnPathLabel === host.slice(0, dot) ? domain : undefined;
}

async function findReturnPath(app: App, address: Address, domain: Domain): Promise<Mailbox | undefined> {
  const read = readReturnPath(address.address, app.secrets.derive("return-path"));
  // The domain may be another team's by now: a bounce is for whoever sent.
  const teamId = read && (await findDeliveryTeam(app.db, read.deliveryId));
  if (!teamId) return undefined;
  return mailbox(address, { id: domain.id, teamId }, { place: "return_path", deliveryId: read.deliveryId });
}

async function toServer(app: App, address: Address): Promise<Recipient> {
  if (!isRole(address)) return noSuchMailbox;
  const teamId = await teamOfServer.recall(app, "", async () => (await findOldestTeam(app.db))?.id);
  if (!teamId) return noSuchMailbox;
  return { ...mailbox(address, { id: "", teamId }), domainId: null };
}

const recallDomain = (app: App, name: string) =>
  domainsByName.recall(app, name, () => findDomainByName(app.db, name));
