/** What the form of a broadcast holds, read and written. */
import type { BroadcastValues } from "../../views/broadcast-draft.tsx";
import type { BroadcastFields } from "../broadcasts/draft.ts";
import type { Broadcast } from "../broadcasts/schema.ts";
import type { Form } from "./request.ts";
import { linesOf } from "./template-form.ts";

export const valuesOf = (broadcast: Broadcast, testTo: string): BroadcastValues => ({
  name: broadcast.name,
  segmentId: broadcast.segmentId,
  topicId: broadcast.topicId ?? "",
  from: broadcast.sender,
  replyTo: broadcast.replyTo.join("\n"),
  subject: broadcast.subject,
  previewText: broadcast.previewText ?? "",
  html: broadcast.html ?? "",
  text: broadcast.text ?? "",
  rate: broadcast.ratePerMinute?.toString() ?? "",
  contact: "",
  testTo,
});

/** As it was typed. */
export const readValues = (form: Form): BroadcastValues => ({
  name: form.text("name"),
  segmentId: form.text("segment_id"),
  topicId: form.text("topic_id"),
  from: form.text("from"),
  replyTo: form.raw("reply_to"),
  subject: form.text("subject"),
  previewText: form.text("preview_text"),
  html: form.raw("html"),
  text: form.raw("text"),
  rate: form.text("rate"),
  contact: form.text("contact"),
  testTo: form.text("test_to"),
});

/** Messages a minute; empty for as many as there can be. */
export const readRate = (text: string): number | null =>
  text === "" ? null : Number(text.replaceAll(",", "")); // NaN is refused, like 0

/** Every field is given: what is empty is taken away. */
export function toFields(values: BroadcastValues): BroadcastFields {
  const { name, segmentId, topicId, from, subject, previewText, html, text, rate } = values;
  return {
    ...{ name, segmentId, from, subject, replyTo: linesOf(values.replyTo) },
    ...{ topicId: topicId || null, previewText: previewText || null, html: html || null, text: text || null },
    ratePerMinute: readRate(rate),
  };
}
