import { onTestFinished } from "bun:test";
import { startDnsServer } from "../support/dns-server.ts";
import { dnsTable } from "../support/dns-table.ts";
import { type MxHost, type MxScript, startMxHost } from "../support/mx-host.ts";
import type { DnsEntry } from "./story.ts";

/** The outside world of a server that runs without --sandbox: real DNS packets and a real MX host, both on loopback. */
export interface Internet {
  mx: MxHost;
  /** The settings with which MailIt finds it. */
  env: Record<string, string>;
  publish(records: DnsEntry[]): void;
  /** Sets one name's records of a type, as `dnsTable` writes them. */
  set(name: string, type: string, ...values: string[]): void;
  /** The TXT records of a name, as a verifier's resolver has them. */
  txt(name: string): Promise<string[]>;
}

export const serverName = "mail.mailit.example";

/** Starts the outside world until the end of the test: mail for `domain` goes to the one MX host. */
export async function startInternet(domain: string, script: MxScript = {}): Promise<Internet> {
  const table = dnsTable({
    [`${domain} MX`]: "10 mx.example.com",
    "mx.example.com A": "127.0.0.1",
    [`${serverName} A`]: "127.0.0.1",
  });
  const [dns, mx] = await Promise.all([startDnsServer(table), startMxHost(script)]);
  onTestFinished(async () => {
    await Promise.all([dns.close(), mx.close()]);
  });
  return {
    mx,
    env: {
      MAILIT_DOMAIN: serverName,
      MAILIT_DNS_SERVERS: dns.address,
      MAILIT_SMTP_OUTBOUND_PORT: String(mx.port),
      MAILIT_SMTP_OUTBOUND_ALLOW_PRIVATE_ADDRESSES: "true",
    },
    publish(records) {
      for (const { name, type, value, priority } of records) {
        table.set(`${name} ${type}`, priority === undefined ? value : `${priority} ${value}`);
      }
    },
    set: (name, type, ...values) => table.set(`${name} ${type}`, values),
    async txt(name) {
      const answer = await table.resolve(name, "TXT");
      return answer.kind === "found" ? answer.records : [];
    },
  };
}
