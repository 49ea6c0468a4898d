/** Accepting an email: everything that happens between a client's request and the one batch that makes it ours. */
import { type App, atomically } from "../app.ts";
import { Refusal } from "../errors.ts";
import { acceptFetched } from "./accept-fetched.ts";
import { admitEmail, type Sender } from "./admit.ts";
import type { EmailDraft } from "./draft.ts";
import { answerOnce, type OnceOnly } from "./idempotency.ts";
import { prepareEmails } from "./prepare.ts";
import { fetchAttachments, isIncomplete } from "./remote-attachments.ts";

/** Takes an email. When it returns, the email and the jobs that will deliver it are on disk. */
export function sendEmail(
  app: App,
  sender: Sender,
  draft: EmailDraft,
  onceOnly?: OnceOnly,
): Promise<{ id: string }> {
  return answerOnce<{ id: string }>(app, sender.teamId, onceOnly, async (remember) => {
    const email = await admitEmail(app, sender, draft);
    const isFetching = isIncomplete(draft);
    if (isFetching) email.draft = await complete(app, sender.teamId, draft);
    const { ids, writes, areStored } = await prepareEmails(app, sender, [email]);
    const answer = { id: ids[0]! };
    const all = [...remember(answer), ...writes];
    await (isFetching ? acceptFetched(app, sender.teamId, [email], all) : atomically(app, all));
    areStored();
    return answer;
  });
}

async function complete(app: App, teamId: string, draft: EmailDraft): Promise<EmailDraft> {
  const [fetched] = await fetchAttachments(app, teamId, [draft]);
  if (fetched instanceof Refusal) throw fetched;
  return fetched!;
}
