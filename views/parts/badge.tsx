/** @jsxImportSource preact */

export type Tone = "good" | "bad" | "warn" | "info" | "quiet";

/** A state in a word, by colour too. */
export function Badge({ tone, children }: { tone: Tone; children: string }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

const tones: Record<string, Tone> = {
  delivered: "good",
  sent: "good",
  opened: "good",
  clicked: "good",
  verified: "good",
  published: "good",
  subscribed: "good",
  queued: "info",
  scheduled: "info",
  sending: "info",
  pending: "info",
  received: "info",
  delivery_delayed: "warn",
  deferred: "warn",
  paused: "warn",
  temporary_failure: "warn",
  partially_verified: "warn",
  bounced: "bad",
  complained: "bad",
  failed: "bad",
};

/** The name of an event or a state, with the colour it has everywhere. */
export function State({ name }: { name: string }) {
  return <Badge tone={tones[name] ?? "quiet"}>{name.replaceAll("_", " ")}</Badge>;
}
