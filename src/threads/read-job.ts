import { type Ask, type Authenticity, authenticateMessage, type Handover } from "../mail/authenticate.ts";
import { parseMessage, type ReceivedMessage } from "../mail/parse.ts";
import { isAutomatic, type Report, readReport } from "../mail/report.ts";

/** A message that came in: its bytes, or the absolute path of the file that has them. */
export type ReadJob = {
  raw: Uint8Array | { file: string };
  /** How it came; without it nobody's word for it is checked. */
  handover?: Handover;
};

export type ReadMessage = {
  message: ReceivedMessage;
  authenticity?: Authenticity;
  /** The DSN or the complaint that it is. */
  report?: Report;
  /** Whether a machine answered. */
  isAutomatic: boolean;
};

export async function runReadJob({ raw, handover }: ReadJob, ask: Ask): Promise<ReadMessage> {
  const bytes = raw instanceof Uint8Array ? raw : await Bun.file(raw.file).bytes();
  const message = await parseMessage(bytes);
  return {
    message,
    ...(handover && { authenticity: await authenticateMessage(bytes, handover, ask) }),
    report: readReport(message),
    isAutomatic: isAutomatic(message),
  };
}
