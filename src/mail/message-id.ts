/** The Message-ID of an email (RFC 5322 §3.6.4), the same on every retry and for every recipient. */
export function makeMessageId(emailId: string, domain: string): string {
  return `<${emailId}@${domain}>`;
}
