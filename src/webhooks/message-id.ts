/** Ids as receivers see them. */
import { leastIdAt, newIdAt } from "../ids.ts";

/** What the ids of all events recorded at that time or later are not less than. */
export const leastMessageIdAt = (at: Date): string => `msg_${withoutDashes(leastIdAt(at))}`;

/** What an endpoint knows an event as, by the one name it has for it; the trigger of the webhooks migration makes it. */
export const messageIdOf = (eventId: string): string => `msg_${withoutDashes(eventId)}`;

export const newAttemptId = (at: Date): string => `atmpt_${withoutDashes(newIdAt(at))}`;

export const isMessageId = (text: string): boolean => /^msg_[0-9a-f]{32}2?$/.test(text);
export const isAttemptId = (text: string): boolean => /^atmpt_[0-9a-f]{32}$/.test(text);

const withoutDashes = (id: string): string => id.replaceAll("-", "");
