/** Accepting several emails in one write. */
import { type App, atomically } from "../app.ts";
import { Refusal } from "../errors.ts";
import { metersOf } from "../meters.ts";
import { acceptFetched } from "./accept-fetched.ts";
import { type AdmittedEmail, admitEmail, type Sender } from "./admit.ts";
import type { EmailDraft } from "./draft.ts";
import { answerOnce, type OnceOnly } from "./idempotency.ts";
import { prepareEmails } from "./prepare.ts";
import { isIncomplete, withAttachments } from "./remote-attachments.ts";

/** Deliveries a batch may ask for: all of them are one commit, and until it is done nothing else moves. */
export const maxBatchRecipients = 2_000;

/** Whether an email that is refused keeps the others of its batch from being sent. */
export type BatchValidation = "strict" | "permissive";

export interface BatchAnswer {
  /** Of those accepted, in their order. */
  ids: string[];
  /** Of the others, by their place in the batch. */
  errors: { index: number; message: string }[];
}

/** Takes the emails of a batch; some may be refused already, by whoever read them. */
export async function sendBatch(
  app: App,
  sender: Sender,
  items: (EmailDraft | Refusal)[],
  validation: BatchValidation,
  onceOnly?: OnceOnly,
): Promise<BatchAnswer> {
  return answerOnce<BatchAnswer>(app, sender.teamId, onceOnly, true, async (remember) => {
    const judged = await Promise.all(items.map((item) => judge(app, sender, item)));
    if (validation === "strict") refuseTogether(judged);
    const drafts = judged.filter(isAccepted).map(({ draft }) => draft);
    refuseTooManyRecipients(judged.filter(isAccepted));
    return withAttachments(app, sender.teamId, drafts, async (fetched) => {
      const complete = putIn(judged, fetched);
      if (validation === "strict") refuseTogether(complete);

      const begunAt = performance.now();
      const accepted = complete.filter(isAccepted);
      const prepared = await prepareEmails(app, sender, accepted);
      const errors = complete.flatMap((item, index) =>
        isAccepted(item) ? [] : [{ index, message: item.message }],
      );
      const answer = { ids: prepared.ids, errors };
      const write = drafts.some(isIncomplete) ? acceptFetched(sender.teamId, accepted) : atomically;
      await write(app, [...remember(answer), ...prepared.writes]);
      prepared.areStored();
      metersOf(app).accepted(accepted.length, (performance.now() - begunAt) / 1000);
      return answer;
    });
  });
}

type Judged = AdmittedEmail | Refusal;

const isAccepted = (item: Judged): item is AdmittedEmail => !(item instanceof Refusal);

async function judge(app: App, sender: Sender, item: EmailDraft | Refusal): Promise<Judged> {
  if (item instanceof Refusal) return item;
  try {
    return await admitEmail(app, sender, item);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function refuseTogether(items: Judged[]): void {
  for (const [index, item] of items.entries()) {
    if (item instanceof Refusal) {
      throw new Refusal(
        item.code,
        `The email at index ${index} is refused, and nothing was sent: ${item.message}`,
      );
    }
  }
}

function refuseTooManyRecipients(emails: AdmittedEmail[]): void {
  const recipients = emails.reduce((sum, { checked }) => sum + checked.recipients.length, 0);
  if (recipients <= maxBatchRecipients) return;
  throw new Refusal(
    "validation_error",
    `A batch can have at most ${maxBatchRecipients} recipients in all, and this one has ${recipients}. Nothing was sent; split it into smaller batches.`,
  );
}

/** The drafts as they were fetched in place of those of the accepted items, in their order. */
function putIn(items: Judged[], fetched: (EmailDraft | Refusal)[]): Judged[] {
  const drafts = fetched.values();
  return items.map((item) => {
    if (!isAccepted(item)) return item;
    const draft = drafts.next().value!;
    return draft instanceof Refusal ? draft : { ...item, draft };
  });
}
