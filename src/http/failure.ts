/** What the headers of an answer may take together. */
export const maxHeaderBytes = 16 * 1024;

const certificate = (why: string) => `the certificate is not valid: ${why}`;
const untrusted = certificate("no authority that we trust has signed it");
const unreachable = "the host can't be reached";

/** In our own words: messages of the TLS library quote the far side's certificate, of any length. */
const reasons: Record<string, string> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection broke off",
  EPIPE: "the connection broke off",
  EADDRNOTAVAIL: unreachable,
  EAFNOSUPPORT: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  EACCES: unreachable,
  ETIMEDOUT: unreachable,
  CERT_HAS_EXPIRED: certificate("it has expired"),
  CERT_NOT_YET_VALID: certificate("its time has not come yet"),
  ERR_TLS_CERT_ALTNAME_INVALID: certificate("it is for another name"),
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  HPE_HEADER_OVERFLOW: `the headers of the answer are larger than ${maxHeaderBytes / 1024} KiB`,
  ERR_INVALID_CHAR: "a header of the request is not valid",
  ERR_INVALID_HTTP_TOKEN: "a header or the method of the request is not valid",
};

/** Codes that come in families; OpenSSL alone has some seventy ways to dislike a certificate. */
const families: [RegExp, (code: string) => string][] = [
  [/^HPE_/, () => "the answer is not HTTP"],
  [/^(CERT|CRL|UNABLE|ERROR_IN|INVALID|PATH|HOSTNAME|EE|CA)_/, (code) => certificate(code)],
  [/SSL|TLS/, () => "no encrypted connection could be made"],
];

/** Why a request failed, as part of a sentence. */
export function failureReason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
  if (known !== undefined) return known;
  const family = families.find(([pattern]) => pattern.test(code));
  if (family) return family[1](code);
  return code === "" ? "the request failed" : `the request failed (${code})`;
}

/** What had not come when the time of a request was over. */
export function lateReason(timeoutMs: number, what: "no answer" | "no complete answer"): string {
  return `${what} within ${timeoutMs / 1000} s`;
}
