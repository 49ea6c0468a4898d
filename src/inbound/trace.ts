/** The lines this server puts before a message, and those it counts in one. */

export interface Arrival {
  id: string;
  mailFrom: string;
  recipients: string[];
  remoteAddress: string;
  clientName: string;
  protocol: string;
  tls?: string;
  /** This server's name. */
  host: string;
  at: Date;
}

/** Return-Path and Received (RFC 5321 §4.4). */
export function traceFields(arrival: Arrival): string {
  const { id, mailFrom, recipients, remoteAddress, clientName, protocol, tls, host, at } = arrival;
  const received = [
    `Received: from ${safeName(clientName)} (${literalOf(remoteAddress)})`,
    ...(tls === undefined ? [] : [`(using ${tls})`]),
    `by ${host} with ${protocol} id ${id}`,
    // RFC 5321 §7.2: of several, one would hear of another that no header names.
    ...(recipients.length === 1 ? [`for <${recipients[0]}>`] : []),
  ];
  const date = at.toUTCString().replace("GMT", "+0000");
  return `Return-Path: <${mailFrom}>\r\n${received.join("\r\n\t")};\r\n\t${date}\r\n`;
}

/** What a client calls itself may be anything; brackets and white space in it would be read as something else. */
const safeName = (name: string) => (/^[\w.:[\]-]{1,255}$/.test(name) ? name : "unknown");

const literalOf = (address: string) => (address.includes(":") ? `[IPv6:${address}]` : `[${address}]`);

/** How many hosts say in a message's head that they have had it. */
export function countReceived(message: Buffer): number {
  const end = message.indexOf("\r\n\r\n");
  const head = message.toString("latin1", 0, end === -1 ? message.length : end);
  return head.match(/^received:/gim)?.length ?? 0;
}
