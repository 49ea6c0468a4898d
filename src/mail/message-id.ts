/** The Message-ID of an email (RFC 5322 §3.6.4), the same on every retry and for every recipient. */
export function makeMessageId(emailId: string, domain: string): string {
  return `<${emailId}@${domain}>`;
}

/** The email that a Message-ID of ours names; whether it is ours only its row can tell, by the whole of it. */
export function readMessageId(text: string): { emailId: string; messageId: string } | undefined {
  const [messageId, emailId] =
    /<([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})@[^<>@\s]+>/.exec(text) ?? [];
  return messageId !== undefined && emailId !== undefined ? { emailId, messageId } : undefined;
}
