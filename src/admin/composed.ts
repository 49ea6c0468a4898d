import type { App } from "../app.ts";
import { getMessage } from "../delivery/composed.ts";
import type { Delivery } from "../emails/schema.ts";
import { Refusal } from "../errors.ts";

/** The copy for one recipient, or why there is none to be shown. */
export async function composedFor(
  app: App,
  teamId: string,
  { emailId, id }: Pick<Delivery, "emailId" | "id">,
): Promise<{ message?: Uint8Array; problem: string | undefined }> {
  try {
    return { message: await getMessage(app, teamId, emailId, id), problem: undefined };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { problem: error.message };
  }
}
