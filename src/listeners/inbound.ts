/** Port 25: mail for our domains comes in here, and nothing for anybody else. */
import type { App } from "../app.ts";
import { parseListenAddress } from "../config/listen-address.ts";
import { ConfigFault } from "../errors.ts";
import { acceptMessage } from "../inbound/accept.ts";
import { findRecipient } from "../inbound/recipients.ts";
import { metersOf } from "../meters.ts";
import { type Listener, type ListenerOptions, startListener } from "../smtp/listener.ts";
import type { Reply } from "../smtp/reply.ts";
import { mailCertificate } from "./certificate.ts";
import { MessageRate } from "./message-rate.ts";

const limits = {
  maxRecipients: 100, // RFC 5321 §4.5.3.1.8: no fewer
  maxErrors: 20,
  maxCommands: 1_000,
  greetingMs: 20, // whoever does not wait for the greeting has spoken by then
  idleMs: 300_000, // RFC 5321 §4.5.3.2.7
  pace: { wholeMs: 600_000, everyMs: 60_000, bytes: 10_000 },
  closeMs: 5_000,
};

const tooMany: Reply = {
  code: 450,
  enhanced: "4.7.1",
  text: "Too many messages from your address in this minute; try again later",
};

/** Starts to listen at `smtpInbound.addr`. */
export async function listenInbound(app: App, changes: Partial<ListenerOptions> = {}): Promise<Listener> {
  const { addr, maxMessageBytes, maxConnections, maxConnectionsPerAddress, messagesPerMinute } =
    app.config.smtpInbound;
  const rate = new MessageRate(messagesPerMinute);
  const options: Omit<ListenerOptions, "hostname" | "port"> = {
    name: app.config.smtpOutbound.hostname,
    log: app.log,
    tls: await mailCertificate(app),
    maxMessageBytes,
    maxConnections,
    maxConnectionsPerAddress,
    ...limits,
    onMail: (_address, { remoteAddress }) => (rate.take(remoteAddress, app.now()) ? undefined : tooMany),
    async onRcpt(address) {
      const recipient = await findRecipient(app, address);
      return recipient.kind === "refused" ? recipient.reply : undefined;
    },
    onMessage: (envelope, session) => acceptMessage(app, envelope, session),
    ...changes,
  };
  try {
    const listener = await listen(addr, options);
    metersOf(app).listens("inbound", listener.connections);
    return listener;
  } catch (error) {
    throw explain(error, addr);
  }
}

async function listen(addr: string, options: Omit<ListenerOptions, "hostname" | "port">): Promise<Listener> {
  const { hostname, port } = parseListenAddress(addr);
  if (hostname !== undefined) return startListener({ ...options, hostname, port });
  try {
    return await startListener({ ...options, hostname: "::", port }); // which takes IPv4 as well
  } catch (error) {
    if (codeOf(error) !== "EAFNOSUPPORT" && codeOf(error) !== "EADDRNOTAVAIL") throw error;
    return startListener({ ...options, hostname: "0.0.0.0", port });
  }
}

const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? error.code : undefined);

/** What keeps a port from being ours, and what an operator does about it. */
function explain(error: unknown, addr: string): unknown {
  const reasons: Record<string, string> = {
    EADDRINUSE:
      "another program has that port: stop it (often Postfix, Exim or Sendmail), choose another address, or set smtpInbound.enabled to false",
    EACCES:
      "this user may not listen there: ports below 1024 need root or CAP_NET_BIND_SERVICE, or choose another port",
    EADDRNOTAVAIL:
      "this machine has no such address: correct it, or leave the address out and name only the port",
  };
  const reason = reasons[String(codeOf(error))];
  return reason ? new ConfigFault(`smtpInbound.addr is "${addr}"; ${reason}.`, { cause: error }) : error;
}
