import type { App } from "../app.ts";
import { matchesMx } from "../dns/mta-sts.ts";
import type { TlsResult } from "../smtp/client.ts";
import type { Session } from "../smtp/session.ts";
import { type StsPolicy, stsPolicyFor } from "./mta-sts.ts";
import type { Route } from "./route.ts";
import type { AttemptTls } from "./schema.ts";
import { sitePolicy } from "./site-policy.ts";

/** What a delivery wants of encryption on its way. */
export interface TlsWish {
  mode: "opportunistic" | "mandatory" | "off" | "implicit";
  wanted: AttemptTls["wanted"];
  /** The recipient's domain vouches for its hosts (RFC 8461). */
  sts?: StsPolicy;
}

/** The strictest of what the operator, the sending domain and the recipient's domain ask for. */
export async function tlsWish(
  app: App,
  route: Route,
  domain: { tls: "opportunistic" | "enforced" },
): Promise<TlsWish> {
  const { tls, relay } = app.config.smtpOutbound;
  if (route.isRelay && relay.tls === "implicit") return { mode: "implicit", wanted: "implicit" };
  // The domain's own: a site's other domains may have asked for something else.
  const policy = sitePolicy(app.config, { hosts: route.hosts, domain: route.domain });
  const configured = route.isRelay ? relay.tls : (policy.tls ?? tls);
  const mode =
    domain.tls === "enforced" ? "mandatory" : (configured as "opportunistic" | "mandatory" | "off");
  // Switched off on purpose, in a closed network: then nobody's policy is asked for. The sandbox has no web to ask.
  if (mode === "off" || route.isRelay || app.sandbox) return { mode, wanted: mode };

  const sts = await stsPolicyFor(app, route.domain);
  if (!sts) return { mode, wanted: mode };
  if (sts.mode === "enforce") return { mode: "mandatory", wanted: "mta-sts", sts };
  return { mode, wanted: "mta-sts testing", sts };
}

/** Whether the domain's policy forbids a host altogether (RFC 8461 §4.1). */
export function isForbidden({ sts }: TlsWish, host: string): boolean {
  return sts?.mode === "enforce" && !matchesMx(sts.mx, host);
}

/** Whether only a certificate that is valid for the host will do. */
export const mustVerify = ({ sts }: TlsWish): boolean => sts?.mode === "enforce";

/** Whether a connection that is open already is as well protected as one opened for this delivery would be. */
export function isProtectedEnough(wish: TlsWish, { tls, host }: Session): boolean {
  if (wish.mode !== "mandatory" && !mustVerify(wish)) return true;
  // An opportunistic one may have come to a version that would not do here (RFC 8996).
  if (!tls || !["TLSv1.2", "TLSv1.3"].includes(tls.version)) return false;
  return !mustVerify(wish) || (tls.authorized && !isForbidden(wish, host));
}

/** What came of a wish, for the record of the attempt. */
export function tlsRecord(
  wish: TlsWish,
  host: string,
  tls: TlsResult | undefined,
  problem?: string,
): AttemptTls {
  const record: AttemptTls = { wanted: wish.wanted };
  if (tls) {
    record.version = tls.version;
    record.cipher = tls.cipher;
    record.certificate = tls.authorized ? "valid" : (tls.authorizationError ?? "not valid");
  }
  const failed = problem ?? testingProblem(wish, host, tls);
  if (failed !== undefined) record.problem = failed;
  return record;
}

/** RFC 8461 §5: a policy in testing stops nothing, but says what it would have stopped. */
function testingProblem({ sts }: TlsWish, host: string, tls: TlsResult | undefined): string | undefined {
  if (sts?.mode !== "testing") return undefined;
  if (!matchesMx(sts.mx, host)) return `${host} is not in the domain's MTA-STS policy`;
  if (!tls) return "not encrypted, though the domain's MTA-STS policy asks for it";
  return tls.authorized ? undefined : `the certificate is not valid: ${tls.authorizationError ?? "unknown"}`;
}
