/** What the pages of a broadcast show of it. */
import type { BroadcastPreviewProps } from "../../views/broadcast-draft.tsx";
import type { App } from "../app.ts";
import type { BroadcastFields } from "../broadcasts/draft.ts";
import { type PreviewFor, previewBroadcast } from "../broadcasts/preview.ts";
import type { Broadcast } from "../broadcasts/schema.ts";
import { findNotSending, type NotSending } from "../domains/service.ts";
import { Refusal } from "../errors.ts";
import { parseAddress } from "../mail/address.ts";
import { inWords } from "./mistakes.ts";
import type { Visit } from "./visit.ts";

/** Whose copy is asked for; nobody's in particular where nothing is said. */
export function readWhose({ contact, step }: Record<string, string | undefined>): PreviewFor {
  return {
    contact: contact?.trim() || undefined,
    step: step === "next" || step === "previous" ? step : undefined,
  };
}

/** What can't be shown says why. */
export async function previewFor(
  app: App,
  visit: Visit,
  broadcast: Broadcast,
  edit: BroadcastFields,
  whose: PreviewFor,
): Promise<
  { problem: string } | (Exclude<BroadcastPreviewProps, { problem: string }> & { html: string | null })
> {
  try {
    const preview = await previewBroadcast(app, visit.teamId, broadcast.id, edit, whose);
    const previewText = edit.previewText === undefined ? broadcast.previewText : edit.previewText;
    const notSending =
      broadcast.status === "draft" ? await findWhyNotSent(app, visit.teamId, preview.from) : undefined;
    return { ...preview, previewText, notSending, path: `/admin/broadcasts/${broadcast.id}` };
  } catch (error) {
    if (error instanceof Refusal) return { problem: inWords(error.message) };
    throw error;
  }
}

/** The domain of a From, where nothing can be sent from that; what is no address is refused when it is saved. */
export async function findWhyNotSent(
  app: App,
  teamId: string,
  from: string,
): Promise<NotSending | undefined> {
  const address = parseAddress(from);
  return address && findNotSending(app, teamId, address.domain);
}
