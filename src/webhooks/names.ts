/** What endpoints may subscribe to. */
import { Refusal } from "../errors.ts";

/** The contract's names. Those of things this server does not have yet, or never will, are taken and never heard. */
const contractNames = [
  "email.sent",
  "email.scheduled",
  "email.delivered",
  "email.delivery_delayed",
  "email.complained",
  "email.bounced",
  "email.opened",
  "email.clicked",
  "email.failed",
  "email.suppressed",
  "email.received",
  "contact.created",
  "contact.updated",
  "contact.deleted",
  "contact.topics.updated",
  "domain.created",
  "domain.updated",
  "domain.deleted",
  "suppression.added",
  "suppression.removed",
  "topic.created",
  "topic.updated",
  "topic.deleted",
  "inbox.created",
  "inbox.updated",
  "inbox.deleted",
  "inbox.thread.created",
  "inbox.thread.folder.updated",
  "inbox.thread.assigned",
  "inbox.thread.unassigned",
  "inbox.thread.labels.updated",
  "inbox.email.received",
  "inbox.email.sent",
  "inbox.draft.created",
  "inbox.draft.updated",
  "inbox.draft.sent",
  "inbox.draft.deleted",
];

/** Names that the original MailIt's endpoints know (D10), and the types of event they are names of. */
const otherNames: Record<string, string> = {
  "email.inbound": "email.received",
  "contact.unsubscribed": "email.unsubscribed",
};

export const everything = "*";
export const eventNames = [...contractNames, ...Object.keys(otherNames)];

export interface Subscription {
  type: string;
  name: string;
}

/**
 * What an endpoint hears. `*` stands for every type by its one name, so that it brings nothing twice; an `email.inbound`
 * beside it was asked for, and is heard as well.
 */
export function subscriptionsOf(names: readonly string[]): Subscription[] {
  const isAll = names.includes(everything);
  const others = isAll ? names.filter((name) => name === "email.inbound") : names;
  return [
    ...(isAll ? [{ type: everything, name: everything }] : []),
    ...others.map((name) => ({ type: otherNames[name] ?? name, name })),
  ];
}

/** Names as a request gives them, each once. */
export function readEventNames(given: readonly string[]): string[] {
  const names = [...new Set(given)];
  if (names.length === 0) {
    throw new Refusal(
      "validation_error",
      "Invalid `events` field. Name at least one event, or `*` for all of them.",
    );
  }
  const unknown = names.find((name) => name !== everything && !eventNames.includes(name));
  if (unknown !== undefined) {
    throw new Refusal(
      "validation_error",
      `Invalid \`events\` field. There is no event ${JSON.stringify(unknown.slice(0, 64))}: use \`*\` or any of ${eventNames.join(", ")}.`,
    );
  }
  return names;
}
