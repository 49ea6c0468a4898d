import { isIP } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import type { SessionOptions } from "./session.ts";

export type TlsResult = {
  version: string;
  cipher: string;
  /** Whether the certificate was valid for the host, which only matters to those who asked for it. */
  authorized: boolean;
  authorizationError?: string;
};

/** How TLS is begun with a host. Its certificate is compared with the host's name, or with its address if it has none. */
export function tlsOptions({ host, tls, rejectUnauthorized, ca }: SessionOptions): ConnectionOptions {
  return {
    host,
    servername: isIP(host) === 0 ? host : undefined,
    rejectUnauthorized,
    ca,
    // RFC 7435: where plaintext is the alternative, old TLS is better than none. The newest both know is still taken.
    minVersion: tls === "opportunistic" && !rejectUnauthorized ? "TLSv1" : "TLSv1.2",
  };
}

export function describeTls(socket: TLSSocket): TlsResult {
  const error: unknown = socket.authorizationError;
  return {
    version: socket.getProtocol() ?? "unknown",
    cipher: socket.getCipher()?.name ?? "unknown",
    authorized: socket.authorized,
    ...(socket.authorized || !error
      ? {}
      : { authorizationError: error instanceof Error ? error.message : String(error) }),
  };
}
