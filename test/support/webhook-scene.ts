import { onTestFinished } from "bun:test";
import type { RequestListener } from "node:http";
import { atomically } from "../../src/app.ts";
import { type NewEvent, recordEvent } from "../../src/events/record.ts";
import { type Dispatcher, startDispatcher } from "../../src/jobs/dispatcher.ts";
import { callingWebhooks } from "../../src/webhooks/call.ts";
import { clearingWebhooks } from "../../src/webhooks/clear.ts";
import { replayingWebhooks } from "../../src/webhooks/replay.ts";
import type { Webhook } from "../../src/webhooks/schema.ts";
import { createWebhook, type NewWebhook } from "../../src/webhooks/service.ts";
import { type HttpsHost, startHttpsHost } from "./https-host.ts";
import { type TestApp, type TestAppOptions, testApp, testTeam } from "./test-app.ts";

const open: (() => PromiseLike<void>)[] = [];

/** Runs after the test, last come first: a receiver that holds its answers goes before the dispatcher waits for them. */
function afterwards(close: () => PromiseLike<void>): void {
  if (open.length === 0) {
    onTestFinished(async () => {
      for (const each of open.splice(0).reverse()) await each();
    });
  }
  open.push(close);
}

/** A receiver on a real socket, which takes every call unless told otherwise. */
export interface Receiver extends HttpsHost {
  url: string;
  /** The types of the events that came, in their order. */
  types(): string[];
}

export async function startReceiver(answer: RequestListener = taken): Promise<Receiver> {
  const host = await startHttpsHost({ isPlain: true });
  afterwards(() => host[Symbol.asyncDispose]());
  host.answer(answer);
  return Object.assign(host, {
    url: `http://127.0.0.1:${host.port}/hook`,
    types: () => host.requests.map(({ body }) => JSON.parse(body).type as string),
  });
}

export const taken: RequestListener = (_request, response) => response.end("taken");
export const answering =
  (status: number, body = "no"): RequestListener =>
  (_request, response) =>
    response.writeHead(status).end(body);

export interface WebhookScene {
  app: TestApp;
  teamId: string;
  dispatcher: Dispatcher;
  /** Adds an endpoint at the receiver, or elsewhere. */
  addWebhook(
    receiver: Receiver | string,
    changes?: Partial<NewWebhook>,
  ): Promise<{ webhook: Webhook; secret: string }>;
  /** Records an event of the team and waits until nothing is due any more. */
  happens(...events: Omit<NewEvent, "teamId">[]): Promise<void>;
}

/** A team, whose endpoints may be on this machine, and the dispatcher at work on their calls. */
export async function webhookScene(options: TestAppOptions = {}): Promise<WebhookScene> {
  const app = await testApp({
    ...options,
    config: { ...options.config, webhooks: { allowPrivateAddresses: true, ...options.config?.webhooks } },
  });
  const { teamId } = await testTeam(app);
  const dispatcher = await startDispatcher(app, [callingWebhooks, clearingWebhooks, replayingWebhooks], {
    node: "test",
  });
  afterwards(() => dispatcher.stop());
  return {
    app,
    teamId,
    dispatcher,
    addWebhook: (receiver, changes) =>
      createWebhook(app, teamId, {
        endpoint: typeof receiver === "string" ? receiver : receiver.url,
        events: ["*"],
        ...changes,
      }),
    async happens(...events) {
      await atomically(
        app,
        events.flatMap((event) => recordEvent(app, { teamId, ...event })),
      );
      await dispatcher.drained();
    },
  };
}
