import type { App } from "../app.ts";
import { findDomainByName } from "../domains/store.ts";
import { Refusal } from "../errors.ts";
import { parseAddress } from "../mail/address.ts";
import { formatReply } from "../smtp/reply.ts";
import { decidingRoute, findRecipient } from "./recipients.ts";
import type { InboundRoute, RouteAction } from "./schema.ts";
import { listRoutes } from "./store.ts";

/** What would become of mail to an address now. */
export interface TriedAddress {
  address: string;
  outcome: RouteAction;
  /** The one that decides; undefined where none does. */
  route: InboundRoute | undefined;
  /** What a sender would be told where the mail is refused. */
  reply: string | undefined;
}

/** Which route would take mail to an address of the team's domains. */
export async function tryAddress(app: App, teamId: string, text: string): Promise<TriedAddress> {
  const address = parseAddress(text);
  if (!address) {
    throw new Refusal(
      "validation_error",
      "Invalid `address` field. It must be an address such as support@example.com.",
    );
  }
  const domain = await findDomainByName(app.db, address.domain);
  // What other teams do with their mail is nobody else's business.
  if (domain?.teamId !== teamId) {
    throw new Refusal(
      "validation_error",
      `Invalid \`address\` field. ${address.domain} is none of this team's domains.`,
    );
  }
  const recipient = await findRecipient(app, address.address);
  const routes = domain.receiving ? await listRoutes(app.db, domain.id) : [];
  const route = decidingRoute(routes, address);
  if (recipient.kind === "ours") {
    return {
      address: address.address,
      outcome: recipient.webhookId ? "webhook" : "store",
      route,
      reply: undefined,
    };
  }
  return recipient.kind === "dropped"
    ? { address: address.address, outcome: "drop", route, reply: undefined }
    : { address: address.address, outcome: "reject", route, reply: formatReply(recipient.reply) };
}
