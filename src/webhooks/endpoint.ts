import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";
import { readTarget } from "../http/target.ts";

const mostCharacters = 2_048;

/**
 * The URL of an endpoint, as it was given. Where it leads is looked up at every call: what a name points to today says
 * nothing about tomorrow.
 */
export function readEndpoint(app: App, given: string): string {
  const text = given.trim();
  // Plain http tells everybody on the way what is in an email; only a closed network may do with it.
  const httpsOnly = !app.config.webhooks.allowPrivateAddresses;
  const target = readTarget(text, { httpsOnly });
  if (target.kind === "refused") {
    throw new Refusal("validation_error", `Invalid \`endpoint\` field: ${target.reason}.`);
  }
  // The URL standard drops or escapes these, so that what is shown would not be what is called.
  if (/[\s\p{Cc}]/u.test(text)) {
    throw new Refusal("validation_error", "Invalid `endpoint` field: the URL has white space in it.");
  }
  if (text.length > mostCharacters) {
    throw new Refusal(
      "validation_error",
      `Invalid \`endpoint\` field: a URL has ${mostCharacters} characters at most.`,
    );
  }
  return text;
}
