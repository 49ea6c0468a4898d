/** Attachments that clients name by URL. Whoever sends them waits, so all of it has one time limit. */
import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";
import type { HttpAnswer } from "../http/client.ts";
import { saysItsType } from "../mail/attachment.ts";
import { checkAttachments, isFetched, maxAttachmentBytes, nameOf } from "./attach.ts";
import type { DraftAttachment, EmailDraft } from "./draft.ts";
import { maxTeamBytes, takeRoom } from "./fetch-budget.ts";
import { Turns } from "./turns.ts";

/** For everything a request names; below the time after which the HTTP server gives its connection up. */
const timeLimitMs = 20_000;
const fetchesAtOnce = 4;

/**
 * Fetches what the drafts of one request name by URL, each URL once, and goes on with `use`: drafts come with the content
 * in its place, or as the refusal of what could not be fetched. The contents count as held until `use` is done.
 */
export async function withAttachments<T>(
  app: App,
  teamId: string,
  drafts: EmailDraft[],
  use: (drafts: (EmailDraft | Refusal)[]) => Promise<T>,
): Promise<T> {
  const urls = new Set(drafts.flatMap(urlsOf));
  if (urls.size === 0) return use(drafts);
  const deadline = app.now().getTime() + timeLimitMs;
  // All files together may be as large as a request could be that carries them itself.
  const most = Math.min(urls.size * maxAttachmentBytes, app.config.server.maxBodyBytes, maxTeamBytes);
  const giveBack = await roomInTime(app, teamId, most, deadline);
  if (!giveBack) return use(drafts.map(refuseIncomplete));

  const fetcher = new Fetcher(app, most, deadline);
  try {
    const complete = await Promise.all(drafts.map((draft) => completed(draft, fetcher)));
    void fetcher.stop(); // a file that failed has refused its email while others of it were on their way
    giveBack(fetcher.bytesHeld);
    return await use(complete);
  } finally {
    void fetcher.stop().then(() => giveBack());
  }
}

/** Whether something of a draft is still to be fetched. */
export function isIncomplete(draft: EmailDraft): boolean {
  return urlsOf(draft).length > 0;
}

const urlsOf = ({ attachments }: EmailDraft): string[] =>
  attachments.flatMap(({ content }) => (isFetched(content) ? [] : [content.url]));

async function roomInTime(app: App, teamId: string, bytes: number, deadline: number) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), Math.max(0, deadline - app.now().getTime()));
  const giveBack = await takeRoom(app, teamId, bytes, late.signal);
  clearTimeout(timer);
  if (giveBack && app.now().getTime() < deadline) return giveBack;
  giveBack?.();
  return undefined;
}

function refuseIncomplete(draft: EmailDraft): EmailDraft | Refusal {
  if (!isIncomplete(draft)) return draft;
  return new Refusal(
    "service_unavailable",
    `The attachments could not be fetched from their \`path\`, as too many others are being fetched and there was no room within ${timeLimitMs / 1000} s. Try again later, or send the files as \`content\`.`,
  );
}

type File = { kind: "fetched"; headers: Headers; body: Uint8Array } | { kind: "failed"; reason: string };

/** Asks for each URL once. Fetches that run side by side draw on the same bytes, piece by piece as these arrive. */
class Fetcher {
  bytesHeld = 0;
  readonly #turns = new Turns(fetchesAtOnce);
  readonly #files = new Map<string, Promise<File>>();
  #isStopped = false;

  constructor(
    private readonly app: App,
    private readonly most: number,
    private readonly deadline: number,
  ) {}

  fetch(url: string): Promise<File> {
    const file = this.#files.get(url) ?? this.#turns.run(() => this.#ask(url));
    this.#files.set(url, file);
    return file;
  }

  /** Keeps no further byte from now on. Resolves once no fetch is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.allSettled(this.#files.values());
  }

  async #ask(url: string): Promise<File> {
    const timeoutMs = this.deadline - this.app.now().getTime();
    if (timeoutMs <= 0 || this.#isStopped) return failed(`no answer within ${timeLimitMs / 1000} s`);
    let own = 0;
    let isOverAll = false;
    const mayKeep = (bytes: number): boolean => {
      isOverAll = this.bytesHeld + bytes > this.most;
      if (isOverAll || this.#isStopped) return false;
      this.bytesHeld += bytes;
      own += bytes;
      return true;
    };
    const about = { maxBytes: maxAttachmentBytes, mayKeep, onTooBig: "cut" as const };
    const answer = await this.app.http.request({ url, timeoutMs, ...about });
    const file = answer.kind === "failed" ? answer : readAnswer(answer, isOverAll);
    if (file.kind === "failed") this.bytesHeld -= own; // the body is dropped here
    return file;
  }
}

const failed = (reason: string): File => ({ kind: "failed", reason });

function readAnswer(answer: HttpAnswer & { kind: "answered" }, isOverAll: boolean): File {
  const reason = whyUnusable(answer, isOverAll);
  return reason === undefined ? { ...answer, kind: "fetched" } : failed(reason);
}

/** A draft with its files in place, or why it can't be sent. */
async function completed(draft: EmailDraft, fetcher: Fetcher): Promise<EmailDraft | Refusal> {
  try {
    return await withContents(draft, fetcher);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

async function withContents(draft: EmailDraft, fetcher: Fetcher): Promise<EmailDraft> {
  const attachments = await Promise.all(
    draft.attachments.map(async (attachment, index) => {
      const { content } = attachment;
      return isFetched(content) ? attachment : fetched(attachment, index, await fetcher.fetch(content.url));
    }),
  );
  const complete = { ...draft, attachments };
  checkAttachments(complete);
  return complete;
}

function fetched(attachment: DraftAttachment, index: number, file: File): DraftAttachment {
  if (file.kind === "failed") {
    const name = nameOf(attachment, index);
    throw new Refusal(
      "invalid_attachment",
      `${name} could not be fetched from its \`path\`: ${file.reason}.`,
    );
  }
  const { filename } = attachment;
  const type = file.headers.get("content-type") ?? undefined;
  const isTold = attachment.contentType !== undefined || (filename !== undefined && saysItsType(filename));
  return { ...attachment, contentType: isTold ? attachment.contentType : type, content: file.body };
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

/** Why an answer is not the file; undefined when it is. */
function whyUnusable(
  { status, headers, isCut }: HttpAnswer & { kind: "answered" },
  isOverAll: boolean,
): string | undefined {
  if (status >= 300 && status < 400) {
    return `it answers with a redirect (status ${status}), which is not followed; give the URL it leads to`;
  }
  if (!isSuccess(status)) return `it answers with status ${status}`;
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity")
    return "it answers with a compressed file, which was not asked for";
  if (isOverAll) return "all files of the request are too large together";
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
