/** Mail from nowhere: what a stranger would have sent to one of the team's addresses, without a stranger. */
import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";
import { newId } from "../ids.ts";
import { acceptMessage } from "../inbound/accept.ts";
import { tryAddress } from "../inbound/try-address.ts";
import { parseAddress } from "../mail/address.ts";
import { composeMessage } from "../mail/compose.ts";
import type { ListenerSession } from "../smtp/listener.ts";
import { sandboxHost } from "./internet.ts";

export interface InjectedMail {
  from: string;
  to: string;
  subject: string;
  html?: string;
  text?: string;
}

const longestSubject = 2_000;

/** Takes a message as port 25 would. `isDropped`: a route says that nothing of it is kept. */
export async function injectMail(
  app: App,
  teamId: string,
  mail: InjectedMail,
): Promise<{ isDropped: boolean }> {
  const from = addressOf("from", mail.from);
  const to = addressOf("to", mail.to);
  if (mail.subject.length > longestSubject || /\p{Cc}/u.test(mail.subject)) {
    throw new Refusal(
      "validation_error",
      "Invalid `subject` field. It must be one line of at most 2,000 characters.",
    );
  }
  const tried = await tryAddress(app, teamId, to.address).catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(error.code, error.message.replace("`address`", "`to`"));
  });
  if (tried.reply !== undefined) {
    throw new Refusal("validation_error", `Invalid \`to\` field. The sender would be told: ${tried.reply}`);
  }
  const message = await composeMessage({
    messageId: `<${newId()}@${sandboxHost}>`,
    date: app.now(),
    ...{ from: mail.from, to: [mail.to], cc: [], replyTo: [], subject: mail.subject },
    // An email without any content has an empty text.
    ...(mail.html !== undefined && { html: mail.html }),
    ...(mail.text === undefined ? (mail.html === undefined ? { text: "\n" } : {}) : { text: mail.text }),
    ...{ headers: {}, attachments: [] },
  });
  const sink = await acceptMessage(app, { from: from.address, to: [to.address] }, fromNowhere());
  try {
    await sink.write(message);
    await sink.end();
  } catch (error) {
    await sink.abort();
    throw error;
  }
  return { isDropped: tried.outcome === "drop" };
}

const fromNowhere = (): ListenerSession => ({
  ...{ id: newId(), remoteAddress: "127.0.0.1", clientName: sandboxHost, isSecure: false, protocol: "ESMTP" },
});

function addressOf(field: string, text: string) {
  const address = parseAddress(text);
  if (address) return address;
  throw new Refusal(
    "validation_error",
    `Invalid \`${field}\` field. It must be an address such as ada@example.com, or Ada <ada@example.com>.`,
  );
}
