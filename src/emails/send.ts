/** Accepting an email: everything that happens between a client's request and the one batch that makes it ours. */
import { type App, atomically } from "../app.ts";
import type { Write } from "../db/write.ts";
import { Refusal } from "../errors.ts";
import { metersOf } from "../meters.ts";
import { acceptFetched } from "./accept-fetched.ts";
import { type AdmittedEmail, admitEmail, type Sender } from "./admit.ts";
import type { EmailDraft } from "./draft.ts";
import { answerOnce, type OnceOnly } from "./idempotency.ts";
import { prepareEmails } from "./prepare.ts";
import { isIncomplete, withAttachments } from "./remote-attachments.ts";

/** Takes an email. When it returns, the email and the jobs that will deliver it are on disk. */
export function sendEmail(
  app: App,
  sender: Sender,
  draft: EmailDraft,
  onceOnly?: OnceOnly,
): Promise<{ id: string }> {
  const looksFirst = draft.attachments.length > 0;
  return answerOnce<{ id: string }>(app, sender.teamId, onceOnly, looksFirst, async (remember) => {
    const email = await admitEmail(app, sender, draft);
    if (!isIncomplete(email.draft)) return accept(app, sender, email, remember, atomically);
    return withAttachments(app, sender.teamId, [email.draft], ([fetched]) => {
      if (fetched instanceof Refusal) throw fetched;
      const complete = { ...email, draft: fetched! };
      return accept(app, sender, complete, remember, acceptFetched(sender.teamId, [complete]));
    });
  });
}

/** Writes an email that may be sent, and its answer, in one batch. */
export async function accept(
  app: App,
  sender: Sender,
  email: AdmittedEmail,
  remember: (answer: { id: string }) => Write[],
  write: (app: App, writes: Write[]) => Promise<unknown>,
): Promise<{ id: string }> {
  const begunAt = performance.now();
  const { ids, writes, areStored } = await prepareEmails(app, sender, [email]);
  const answer = { id: ids[0]! };
  await write(app, [...remember(answer), ...writes]);
  areStored();
  metersOf(app).accepted(1, (performance.now() - begunAt) / 1000);
  return answer;
}
