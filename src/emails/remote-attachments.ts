/** Attachments that clients name by URL. Whoever sends them waits, so all of it has one time limit. */
import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";
import type { HttpAnswer } from "../http/client.ts";
import { saysItsType } from "../mail/attachment.ts";
import { checkAttachments, isFetched, maxAttachmentBytes, nameOf } from "./attach.ts";
import type { DraftAttachment, EmailDraft } from "./draft.ts";
import { Turns } from "./turns.ts";

/** For everything a request names; below the time after which the HTTP server gives its connection up. */
const timeLimitMs = 20_000;
const fetchesAtOnce = 4;
/** Each holds in memory what it has fetched; by team, so that one with slow hosts keeps no other waiting. */
const requestsAtOnce = 8;

const turnsByApp = new WeakMap<App, Map<string, Turns>>();

/**
 * Fetches what the drafts of one request name by URL, each URL once. Drafts come back with the content in its place, or
 * as the refusal of what could not be fetched.
 */
export async function fetchAttachments(
  app: App,
  teamId: string,
  drafts: EmailDraft[],
): Promise<(EmailDraft | Refusal)[]> {
  if (!drafts.some(({ attachments }) => attachments.some(({ content }) => !isFetched(content))))
    return drafts;
  const deadline = app.now().getTime() + timeLimitMs;
  return turnsOf(app, teamId).run(async () => {
    const fetch = fetcher(app, deadline);
    return Promise.all(
      drafts.map((draft) =>
        withContents(draft, fetch).catch((error: unknown) => {
          if (error instanceof Refusal) return error;
          throw error;
        }),
      ),
    );
  });
}

/** Whether something of a draft is still to be fetched. */
export function isIncomplete({ attachments }: EmailDraft): boolean {
  return attachments.some(({ content }) => !isFetched(content));
}

type Fetch = (url: string) => Promise<HttpAnswer>;

/** Asks for each URL once. All answers together may be as large as a request could be that carries them itself. */
function fetcher(app: App, deadline: number): Fetch {
  const turns = new Turns(fetchesAtOnce);
  const answers = new Map<string, Promise<HttpAnswer>>();
  let bytesLeft = app.config.server.maxBodyBytes;

  async function ask(url: string): Promise<HttpAnswer> {
    const timeoutMs = deadline - app.now().getTime();
    if (timeoutMs <= 0) return { kind: "failed", reason: `no answer within ${timeLimitMs / 1000} s` };
    const maxBytes = Math.max(0, Math.min(bytesLeft, maxAttachmentBytes));
    const answer = await app.http.request({ url, timeoutMs, maxBytes, onTooBig: "cut" });
    if (answer.kind === "failed") return answer;
    bytesLeft -= answer.body.length;
    const isOverAll = answer.isCut && isSuccess(answer.status) && maxBytes < maxAttachmentBytes;
    return isOverAll ? { kind: "failed", reason: "all files of the request are too large together" } : answer;
  }

  return (url) => {
    const asked = answers.get(url) ?? turns.run(() => ask(url));
    answers.set(url, asked);
    return asked;
  };
}

async function withContents(draft: EmailDraft, fetch: Fetch): Promise<EmailDraft> {
  const attachments = await Promise.all(
    draft.attachments.map(async (attachment, index) => {
      const { content } = attachment;
      return isFetched(content) ? attachment : fetched(attachment, index, await fetch(content.url));
    }),
  );
  const complete = { ...draft, attachments };
  checkAttachments(complete);
  return complete;
}

function fetched(attachment: DraftAttachment, index: number, answer: HttpAnswer): DraftAttachment {
  const why = answer.kind === "failed" ? answer.reason : whyUnusable(answer);
  if (why !== undefined || answer.kind === "failed") {
    const name = nameOf(attachment, index);
    throw new Refusal("invalid_attachment", `${name} could not be fetched from its \`path\`: ${why}.`);
  }
  const { filename } = attachment;
  const type = answer.headers.get("content-type") ?? undefined;
  const isTold = attachment.contentType !== undefined || (filename !== undefined && saysItsType(filename));
  return { ...attachment, contentType: isTold ? attachment.contentType : type, content: answer.body };
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

/** Why an answer is not the file; undefined when it is. */
function whyUnusable({ status, headers, isCut }: HttpAnswer & { kind: "answered" }): string | undefined {
  if (status >= 300 && status < 400) {
    return `it answers with a redirect (status ${status}), which is not followed; give the URL it leads to`;
  }
  if (!isSuccess(status)) return `it answers with status ${status}`;
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity")
    return "it answers with a compressed file, which was not asked for";
  return isCut ? "it is too large; an email can have 40 MB, counted after base64 encoding" : undefined;
}

/** The last part of a URL's path, as a file's name. */
export function fileNameOf(url: string): string | undefined {
  const last = URL.parse(url)?.pathname.split("/").at(-1);
  if (!last) return undefined;
  try {
    return decodeURIComponent(last);
  } catch {
    return last; // a % that encodes nothing
  }
}

function turnsOf(app: App, teamId: string): Turns {
  let byTeam = turnsByApp.get(app);
  if (!byTeam) {
    byTeam = new Map();
    turnsByApp.set(app, byTeam);
  }
  let turns = byTeam.get(teamId);
  if (!turns) {
    turns = new Turns(requestsAtOnce);
    byTeam.set(teamId, turns);
  }
  return turns;
}
