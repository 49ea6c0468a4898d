import { createBroadcast } from "../../src/broadcasts/change.ts";
import { conducting } from "../../src/broadcasts/conduct.ts";
import type { BroadcastFields } from "../../src/broadcasts/draft.ts";
import { getBroadcast } from "../../src/broadcasts/read.ts";
import type { Broadcast } from "../../src/broadcasts/schema.ts";
import { sendBroadcast } from "../../src/broadcasts/send.ts";
import type { Contact, Segment } from "../../src/contacts/schema.ts";
import { testContact, testSegment } from "./audience-rows.ts";
import { type DeliveryScene, deliveryScene } from "./delivery-scene.ts";
import type { MxScript } from "./mx-host.ts";
import type { TestAppOptions } from "./test-app.ts";

/** A delivery scene with an audience, and broadcasts to it. */
export interface BroadcastScene extends DeliveryScene {
  contacts: Contact[];
  segment: Segment;
  /** A draft to the segment. */
  draft(changes?: BroadcastFields): Promise<string>;
  /** Sends one and waits until nothing is due any more. */
  broadcast(changes?: BroadcastFields): Promise<string>;
  get(id: string): Promise<Broadcast>;
  /** Moves the clock on and waits until what is due by then is done. */
  pass(ms: number): Promise<void>;
  /** Who got a message, in the order of their addresses. */
  reached(): string[];
}

export async function broadcastScene(
  people: Record<string, Partial<Contact>>,
  script: MxScript = {},
  options: TestAppOptions = {},
): Promise<BroadcastScene> {
  const scene = await deliveryScene(script, options, [conducting]);
  const { app, teamId, dispatcher, host } = scene;
  const contacts: Contact[] = [];
  for (const [email, about] of Object.entries(people)) {
    contacts.push(await testContact(app, teamId, email, about));
  }
  const segment = await testSegment(app, teamId, contacts);
  const draft = async (changes: BroadcastFields = {}) => {
    const fields = {
      segmentId: segment.id,
      from: "Ada <ada@example.com>",
      subject: "News",
      html: "<p>Hi</p>",
    };
    return (await createBroadcast(app, teamId, { ...fields, ...changes })).id;
  };
  return {
    ...scene,
    ...{ contacts, segment, draft },
    async broadcast(changes) {
      const id = await draft(changes);
      await sendBroadcast(app, { teamId }, id);
      await dispatcher.drained();
      return id;
    },
    get: (id) => getBroadcast(app, teamId, id),
    async pass(ms) {
      app.clock.advance(ms);
      await dispatcher.drained();
    },
    reached: () => host.received.flatMap(({ to }) => to).sort(),
  };
}

/** So many people at recipient.test. */
export const crowd = (count: number): Record<string, Partial<Contact>> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`user${String(n).padStart(5, "0")}@recipient.test`, {}]),
  );
