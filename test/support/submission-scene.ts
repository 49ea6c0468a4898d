import { afterEach } from "bun:test";
import { createTransport, type SendMailOptions } from "nodemailer";
import { createKey, type NewKey } from "../../src/keys/service.ts";
import { listenForSubmission, type SubmissionDoor } from "../../src/listeners/submission.ts";
import { type DeliveryScene, deliveryScene } from "./delivery-scene.ts";
import { authPlain, closeClients, dialSmtps, type SmtpClient } from "./smtp-client.ts";
import type { TestAppOptions } from "./test-app.ts";

const doors: SubmissionDoor[] = [];
afterEach(async () => {
  closeClients();
  await Promise.all(doors.splice(0).map((door) => door.close()));
});

/** A delivery scene with the SMTP door of our users open, and a key to it. */
export interface SubmissionScene extends DeliveryScene {
  door: SubmissionDoor;
  key: string;
  keyId: string;
  /** Hands in an email with nodemailer on the port with TLS; gives the id in the receipt. */
  submit(email: SendMailOptions, key?: string): Promise<string>;
  /** A session that has logged in. */
  session(key?: string): Promise<SmtpClient>;
  makeKey(options?: Partial<NewKey>): Promise<{ id: string; token: string }>;
}

/** What nodemailer throws when it is refused. */
export interface Refused {
  responseCode: number;
  response: string;
}

export async function submissionScene(options: TestAppOptions = {}): Promise<SubmissionScene> {
  const scene = await deliveryScene({}, options);
  const door = await listenForSubmission(scene.app);
  doors.push(door);
  const makeKey = (key: Partial<NewKey> = {}) =>
    createKey(scene.app, scene.teamId, { name: "SMTP", permission: "sending_access", ...key });
  const { id: keyId, token: key } = await makeKey();
  return {
    ...scene,
    ...{ door, key, keyId, makeKey },
    async submit(email, pass = key) {
      const { response } = await transportTo(door, pass).sendMail(email);
      return idIn(response);
    },
    async session(pass = key) {
      const talker = await dialSmtps(door.tls.port);
      const reply = await talker.line(authPlain("resend", pass));
      if (!reply.startsWith("235 ")) throw new Error(`No login: ${reply}`);
      return talker;
    },
  };
}

export const transportTo = ({ tls }: SubmissionDoor, pass: string, user = "resend") =>
  createTransport({
    ...{ host: "127.0.0.1", port: tls.port, secure: true, auth: { user, pass } },
    tls: { rejectUnauthorized: false },
  });

/** The email's id in our receipt. */
export function idIn(response: string): string {
  const [, id] = /^250 2\.0\.0 Accepted as ([0-9a-f-]{36})$/.exec(response) ?? [];
  if (id === undefined) throw new Error(`Not accepted: ${response}`);
  return id;
}
