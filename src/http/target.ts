import { isIP } from "node:net";

/** What a URL asks for, read as a browser reads it (WHATWG URL): `0x7f.1` is 127.0.0.1 and `bücher.de` is `xn--…`. */
export interface Target {
  kind: "target";
  url: URL;
  /** The name to look up and to find in the certificate, or an address without brackets. */
  host: string;
  isAddress: boolean;
  isTls: boolean;
  port: number;
}

/** A body is free text, in which a mail server would find commands: nobody sends mail through us by a webhook. */
const mailPorts = new Set([25, 465, 587]);

/** Judges a URL before anything is looked up. */
export function readTarget(
  text: string,
  { httpsOnly }: { httpsOnly: boolean },
): Target | { kind: "refused"; reason: string } {
  const refused = (reason: string) => ({ kind: "refused", reason }) as const;
  const url = URL.parse(text);
  if (url === null) return refused("the URL is not valid");
  const isTls = url.protocol === "https:";
  if (httpsOnly && !isTls) return refused("the URL does not begin with https://");
  if (!isTls && url.protocol !== "http:") return refused("the URL begins with neither http:// nor https://");
  if (url.username !== "" || url.password !== "")
    return refused("the URL has a user name or a password in it");
  const port = url.port === "" ? (isTls ? 443 : 80) : Number(url.port);
  if (port === 0) return refused("the URL is not valid");
  if (mailPorts.has(port)) return refused(`port ${port} belongs to mail servers`);
  // A final dot says that the name is complete, which ours always are; certificates (RFC 6066 §3) don't have it.
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  return { kind: "target", url, host, isAddress: isIP(host) !== 0, isTls, port };
}
