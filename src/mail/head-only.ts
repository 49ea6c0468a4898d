import { readHead } from "./fields.ts";
import type { ReceivedMessage } from "./parse.ts";

const maxHeadBytes = 64_000;
const maxValueLength = 8_000;

/**
 * A message of which only the head is shown, undecoded and by the simplest means, because the parser does not survive it.
 * `problem` says so.
 */
export function readHeadOnly(raw: Uint8Array, problem: string): ReceivedMessage {
  const fields = readHead(new TextDecoder().decode(raw.subarray(0, maxHeadBytes)));
  const value = (name: string) =>
    (fields.get(name) ?? "")
      .replace(/\p{Cc}+/gu, " ")
      .slice(0, maxValueLength)
      .toWellFormed();
  const list = (name: string) => [value(name)].filter((text) => text !== "");
  return {
    messageId: value("message-id") || null,
    subject: value("subject"),
    from: value("from"),
    to: list("to"),
    cc: list("cc"),
    bcc: list("bcc"),
    replyTo: list("reply-to"),
    headers: Object.fromEntries([...fields.keys()].map((name) => [name, value(name)])),
    html: null,
    text: null,
    attachments: [],
    reportType: null,
    problem,
  };
}
