import { dkimVerify } from "mailauth/lib/dkim/verify";

/** What became of one DKIM-Signature. The words of `result` are those of RFC 8601 §2.7.1. */
export type DkimVerdict = {
  domain: string;
  selector: string;
  /** As in `a=`, e.g. `rsa-sha256`. */
  algorithm: string;
  result: string;
  /** Why, unless it passed. */
  reason?: string;
};

/**
 * Checks every DKIM-Signature of a message as the RFCs demand of verifiers; none gives an empty list. `txt` answers with
 * a name's TXT records, each joined, and throws what a resolver throws (`code` ENOTFOUND, ENODATA, …).
 *
 * Apart from `dkim.ts`, so that message workers, which only sign, need not load the verifier.
 */
export async function verifyMessage(
  message: Uint8Array,
  txt: (name: string) => Promise<string[]>,
): Promise<DkimVerdict[]> {
  const { results } = await dkimVerify(Buffer.from(message.buffer, message.byteOffset, message.byteLength), {
    strict: true,
    resolver: async (name) => (await txt(name)).map((record) => [record]),
  });
  return results
    .filter((result) => result.signingDomain !== undefined)
    .map(({ signingDomain, selector, algo, status }) => ({
      domain: signingDomain ?? "",
      selector: selector ?? "",
      algorithm: algo ?? "",
      result: status.result,
      ...(status.comment ? { reason: status.comment } : {}),
    }));
}
