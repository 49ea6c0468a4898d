import type { JSX } from "preact";
import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";
import { htmlOf } from "../html-of.ts";
import { perApp } from "../per-app.ts";

/** Makes the live pieces of a page as they are now, by the ids of the elements they take the place of. */
export type Live = () => Promise<Record<string, JSX.Element>>;

/** Bun closes a connection over which nothing went for ten seconds, and proxies do so sooner or later. */
const heartbeatMs = 5_000;
const mostStreams = 200;
/** Pieces that wait for a browser to take them. */
const mostWaiting = 8;
/** So that nobody takes the connections of all. */
const mostOfOne = 30;

interface Streams {
  /** What ends each of those that are open, with whose it is. */
  open: Map<() => void, string>;
}

const streamsOf = perApp((): Streams => ({ open: new Map() }));

interface Viewer {
  /** The person's id. */
  whose: string;
  /** Whether they are signed in still, and look at the same team. */
  isStillThere(): Promise<boolean>;
}

/**
 * One connection over which a page's live pieces come: looked at each second (`everyMs`) and sent when they have changed (server-sent
 * events, each with `<hx-partial>`s). It ends with the sign-in, and with the server.
 */
export function liveAnswer(
  app: App,
  request: Request,
  live: Live,
  { whose, isStillThere }: Viewer,
  everyMs = 1_000,
): Response {
  const { open } = streamsOf(app);
  const own = open.values().filter((each) => each === whose);
  if (open.size >= mostStreams || own.toArray().length >= mostOfOne) {
    throw new Refusal(
      "service_unavailable",
      "Too many pages are open: this one shows how things were when it was loaded.",
    );
  }
  const encoder = new TextEncoder();
  let end = () => {};
  const source: UnderlyingDefaultSource<Uint8Array> = {
    async start(controller) {
      const stop = Promise.withResolvers<"stop">();
      end = () => stop.resolve("stop");
      open.set(end, whose);
      request.signal.addEventListener("abort", end);
      const send = (text: string) => controller.enqueue(encoder.encode(text));
      const run = async () => {
        const sent = new Map<string, string>();
        let saidAt = performance.now();
        send(": connected\n\n");
        for (;;) {
          // To whoever does not read, nothing is added: it would be kept in memory for them.
          const isRead = (controller.desiredSize ?? 0) > 0;
          const changed = isRead ? await changes(live, sent) : "";
          if (changed !== "") send(`data: ${changed.replaceAll("\n", "\ndata: ")}\n\n`);
          else if (isRead && performance.now() - saidAt > heartbeatMs) send(": still here\n\n");
          if (changed !== "" || performance.now() - saidAt > heartbeatMs) saidAt = performance.now();
          const tick = pause(everyMs);
          const next = await Promise.race([stop.promise, tick.over]);
          tick.cancel();
          if (next === "stop" || !(await isStillThere())) return;
        }
      };
      run()
        .catch((err) => app.log.warn({ err }, "a live page ended early"))
        .finally(() => {
          open.delete(end);
          try {
            controller.close();
          } catch {
            // The browser has closed it already.
          }
        });
    },
    cancel: () => end(),
  };
  const body = new ReadableStream<Uint8Array>(source, { highWaterMark: mostWaiting });
  return new Response(body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
  });
}

/** Ends every live connection, so that a server that stops need not wait for pages somebody has left open. */
export function closeLive(app: App): void {
  for (const end of streamsOf(app).open.keys()) end();
}

async function changes(live: Live, sent: Map<string, string>): Promise<string> {
  let text = "";
  for (const [id, node] of Object.entries(await live())) {
    const html = htmlOf(node);
    if (sent.get(id) === html) continue;
    sent.set(id, html);
    text += `<hx-partial hx-target="#${id}" hx-swap="outerMorph">${html}</hx-partial>`;
  }
  return text;
}

function pause(ms: number): { over: Promise<"over">; cancel(): void } {
  const { promise, resolve } = Promise.withResolvers<"over">();
  const timer = setTimeout(() => resolve("over"), ms);
  return { over: promise, cancel: () => clearTimeout(timer) };
}
