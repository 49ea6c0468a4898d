/** The sandbox's mail server: the far side of every delivery, in this process, over real SMTP (D11). */
import { type App, atomically } from "../app.ts";
import { findReportedDelivery } from "../delivery/report-store.ts";
import { newId } from "../ids.ts";
import { enqueue } from "../jobs/job.ts";
import { readReturnPath } from "../mail/verp.ts";
import { makeSelfSignedCertificate } from "../smtp/certificate.ts";
import { type Listener, startListener, whole } from "../smtp/listener.ts";
import type { Reply } from "../smtp/reply.ts";
import { bounceLater } from "./bounce-later.ts";
import { sandboxHost } from "./internet.ts";
import { complain } from "./jobs.ts";
import { insertSandboxMessage, trimSandboxMessages } from "./store.ts";

const maxMessageBytes = 60_000_000;
const keptMessages = 1_000;
const reportAfterMs = 500;

const taken: Reply = { code: 250, enhanced: "2.0.0", text: "Taken by the sandbox" };
const notOurs: Reply = {
  code: 550,
  enhanced: "5.7.1",
  text: "The sandbox takes only what this server sends",
};

/** Replies that a local part asks for; `bounced+anything@` of any domain works as well. */
const steering: Record<string, Reply> = {
  bounced: { code: 550, enhanced: "5.1.1", text: "The sandbox knows no such user" },
  deferred: { code: 451, enhanced: "4.3.0", text: "The sandbox asks you to try again later" },
};

/** Starts the listener on a free loopback port. */
export async function listenAsInternet(app: App): Promise<Listener> {
  const sourceOf = (returnPath: string) => readReturnPath(returnPath, app.secrets.derive("return-path"));
  return startListener({
    hostname: "127.0.0.1",
    port: 0,
    name: sandboxHost,
    log: app.log,
    tls: await makeSelfSignedCertificate(sandboxHost, app.now()),
    maxMessageBytes,
    maxRecipients: 1,
    onMail: (address) => (sourceOf(address) ? undefined : notOurs),
    onRcpt: (address) => steering[steerOf(address)],
    onMessage: whole(async (raw, { from, to }, session) => {
      const source = sourceOf(from);
      const delivery = source && (await findReportedDelivery(app.db, source.deliveryId));
      const [rcptTo] = to;
      if (!delivery || rcptTo === undefined) return notOurs;
      const { id: deliveryId, teamId, emailId } = delivery;
      const createdAt = app.now();
      const isEncrypted = session.isSecure;
      const message = {
        id: newId(),
        teamId,
        emailId,
        deliveryId,
        mailFrom: from,
        rcptTo,
        isEncrypted,
        createdAt,
      };
      const soon = { runAt: new Date(createdAt.getTime() + reportAfterMs) };
      await atomically(app, [
        insertSandboxMessage(app.db, { ...message, raw: Buffer.from(raw) }),
        trimSandboxMessages(keptMessages),
        ...(steerOf(rcptTo) === "complained" ? enqueue(app, complain, { deliveryId }, soon) : []),
        ...(steerOf(rcptTo) === "bounced-later"
          ? enqueue(app, bounceLater, { messageId: message.id }, soon)
          : []),
      ]);
      return taken;
    }),
  });
}

function steerOf(address: string): string {
  return address.split("@", 1)[0]!.split("+", 1)[0]!.toLowerCase();
}
