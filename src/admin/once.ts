/** Forms that are sent twice act once: by a second click, and by loading again or going back to what was sent. */
import type { App } from "../app.ts";
import { perApp } from "../per-app.ts";

/** Longer than anybody waits who has clicked; whoever comes back to an old page later means it. */
export const keptForMs = 10 * 60_000;
const mostKept = 1_000;

interface Kept {
  status: number;
  headers: [string, string][];
  body: string;
}

interface Sent {
  form: string;
  until: number;
  /** Undefined where nothing was done: it may be sent again. */
  answer: Promise<Kept | undefined>;
}

interface Memory {
  /** What a sign-in has sent last: once it has sent something else, the same may be meant again. The oldest make room. */
  sent: Map<string, Sent>;
  /** What waits for the answer of a request. */
  waiting: WeakMap<Request, (answer: Kept | undefined) => void>;
}

const memoryOf = perApp((): Memory => ({ sent: new Map(), waiting: new WeakMap() }));

/** Stops a request whose form has been sent before, and carries what that was answered. */
export class SentBefore extends Error {
  override readonly name = "SentBefore";

  constructor(readonly answer: Response) {
    super("this form was sent before");
  }
}

/**
 * Lets the first sending of a form on; a later one waits for what that is answered, and is answered the same
 * (`SentBefore`). It is known on this node alone: what is mailed is held to once between nodes, too (`Visit.once`).
 */
export async function refuseSentBefore(
  app: App,
  request: Request,
  signInId: string,
  form: string,
): Promise<void> {
  const { sent, waiting } = memoryOf(app);
  for (;;) {
    forgetOld(sent, app.now().getTime());
    const before = sent.get(signInId);
    if (before?.form !== form) break;
    const answer = await before.answer;
    if (answer) throw new SentBefore(responseOf(answer));
  }
  const { promise, resolve } = Promise.withResolvers<Kept | undefined>();
  sent.delete(signInId); // so that it goes to the end of the line
  sent.set(signInId, { form, until: app.now().getTime() + keptForMs, answer: promise });
  waiting.set(request, (answer) => {
    if (!answer && sent.get(signInId)?.answer === promise) sent.delete(signInId);
    resolve(answer);
  });
}

/** An answer may hold a key that is shown once: it is kept no longer than it is of use. */
function forgetOld(sent: Map<string, Sent>, now: number): void {
  for (const [signInId, { until }] of sent) {
    if (until > now && sent.size <= mostKept) break;
    sent.delete(signInId);
  }
}

/** Takes note of what a form was answered where it has done something: it leads on (303) or shows what it made (201). */
export async function noteAnswer(
  app: App,
  request: Request,
  answer?: Response,
): Promise<Response | undefined> {
  const { waiting } = memoryOf(app);
  const tell = waiting.get(request);
  if (!tell) return answer;
  waiting.delete(request);
  if (!answer || ![201, 303].includes(answer.status)) {
    tell(undefined);
    return answer;
  }
  const { status, headers } = answer;
  const kept = { status, headers: [...headers], body: await answer.text() };
  tell(kept);
  return responseOf(kept);
}

const responseOf = ({ status, headers, body }: Kept): Response =>
  new Response(body === "" ? null : body, { status, headers });
