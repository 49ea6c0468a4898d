/** Who hands in mail: a fixed user name, and an API key for a password. */
import type { App } from "../app.ts";
import { sourceOf } from "../client-address.ts";
import { Refusal } from "../errors.ts";
import { authenticateHash, hashToken, type KeyHolder } from "../keys/authenticate.ts";
import { requireAllowedAddress } from "../keys/networks.ts";
import { countRequest } from "../keys/request-count.ts";
import type { ListenerSession } from "../smtp/listener.ts";
import type { Reply } from "../smtp/reply.ts";
import { forgetFailedLogins, noteFailedLogin, secondsToWait } from "./failed-logins.ts";

const users = new Set(["resend", "mailit"]);
const mostFailures = 4;
const mostSessions = 10_000;

/** `POST /emails` and SMTP are two ways to the same, so a key's messages are counted together. */
const endpoint = "POST /emails";

const wrongUser: Reply = {
  code: 535,
  enhanced: "5.7.8",
  text: "The user name is resend or mailit, and the password is an API key",
};
const wrongKey: Reply = { code: 535, enhanced: "5.7.8", text: "The password is no valid API key" };
const notFromHere: Reply = {
  code: 535,
  enhanced: "5.7.8",
  text: "This API key can't be used from your address: add it to the key's allowed_ips, or use another key",
};
const goAway: Reply = {
  code: 421,
  enhanced: "4.7.0",
  text: "Too many failed logins: check the API key and connect again later",
};
const again = (seconds: number): Reply => ({
  code: 454,
  enhanced: "4.7.0",
  text: `Too many failed logins: try again in ${seconds} ${seconds === 1 ? "second" : "seconds"}`,
});

interface Credentials {
  username: string;
  password: string;
}

/** Lets sessions in. What it gives as the session's user is the hash of its key, with which the key is asked for again. */
export function submissionLogin(app: App) {
  /** How often a session was refused; who comes last is the last to be forgotten. */
  const refused = new Map<string, number>();

  const refuse = ({ id }: ListenerSession, reply: Reply): Reply => {
    const times = (refused.get(id) ?? 0) + 1;
    refused.delete(id);
    if (times >= mostFailures) return goAway;
    refused.set(id, times);
    if (refused.size > mostSessions) refused.delete(refused.keys().next().value!);
    return reply;
  };

  return async ({ username, password }: Credentials, session: ListenerSession) => {
    const user = hashToken(password);
    const names = [`address ${sourceOf(session.remoteAddress)}`, `key ${user}`];
    const seconds = secondsToWait(app, names);
    if (seconds > 0) return refuse(session, again(seconds));

    const why = users.has(username) ? await objectionTo(app, user, session) : wrongUser;
    if (why) {
      noteFailedLogin(app, names);
      return refuse(session, why);
    }
    forgetFailedLogins(app, names);
    refused.delete(session.id);
    return { user };
  };
}

async function objectionTo(app: App, user: string, session: ListenerSession): Promise<Reply | undefined> {
  const holder = await authenticateHash(app, user);
  if (!holder) return wrongKey;
  try {
    requireAllowedAddress(holder.networks, session.remoteAddress);
  } catch (error) {
    if (error instanceof Refusal) return notFromHere;
    throw error;
  }
  return undefined;
}

/** The holder of a session's key, asked for with every message: it may have been revoked or changed meanwhile. */
export async function holderOf(app: App, { user, remoteAddress }: ListenerSession): Promise<KeyHolder> {
  const holder = user === undefined ? undefined : await authenticateHash(app, user);
  if (!holder) {
    throw new Refusal("not_permitted", "The API key of this session was revoked: log in with another one.");
  }
  requireAllowedAddress(holder.networks, remoteAddress);
  return holder;
}

/** Takes one message from what a key may send in a second. */
export function takeMessage(app: App, { keyId }: KeyHolder): void {
  const { enabled, requestsPerSecond: most } = app.config.rateLimit;
  if (!enabled || countRequest(app, keyId, endpoint) >= 0) return;
  throw new Refusal(
    "rate_limit_exceeded",
    `Too many messages: this API key may send ${most} per second. Try again in 1 second.`,
  );
}
