import nodemailer from "nodemailer";
import type { Mailit } from "./mailit.ts";

/** Where a server takes mail for its domains. */
export interface Inbound {
  host: string;
  port: number;
}

export async function inboundOf(mailit: Mailit): Promise<Inbound> {
  const [, host = "", port] = await mailit.printed(/Mail for your domains is taken at (\S+):(\d+)/);
  return { host, port: Number(port) };
}

/** Hands a message in as another mail server does, over STARTTLS, and gives the last reply. */
export async function handIn(inbound: Inbound, message: object): Promise<string> {
  const transport = nodemailer.createTransport({
    ...inbound,
    name: "mx.elsewhere.test",
    requireTLS: true,
    tls: { rejectUnauthorized: false }, // between mail servers nobody asks who signed (RFC 7435)
  });
  const { response } = await transport.sendMail(message);
  transport.close();
  return response;
}
