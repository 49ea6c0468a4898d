import { afterEach } from "bun:test";
import net from "node:net";
import { eq, sql } from "drizzle-orm";
import type { Domain } from "../../src/domains/schema.ts";
import { type Event, events } from "../../src/events/schema.ts";
import { readingInbound } from "../../src/inbound/read.ts";
import {
  type InboundAttachment,
  type InboundBody,
  type InboundEmail,
  inboundAttachments,
  inboundBodies,
  inboundEmails,
} from "../../src/inbound/schema.ts";
import { type Dispatcher, startDispatcher } from "../../src/jobs/dispatcher.ts";
import { listenInbound } from "../../src/listeners/inbound.ts";
import type { Listener, ListenerOptions } from "../../src/smtp/listener.ts";
import { closeClients, SmtpClient } from "./smtp-client.ts";
import { type TestApp, type TestAppOptions, testApp, testTeam } from "./test-app.ts";
import { testDomain } from "./test-domain.ts";

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  closeClients();
  for (const close of open.splice(0).reverse()) await close();
});

/** Port 25 of a server with one team, whose domain example.com receives. */
export interface InboundScene {
  app: TestApp;
  teamId: string;
  domain: Domain;
  listener: Listener;
  dispatcher: Dispatcher;
  /** Connects and reads the greeting. */
  connect(): Promise<SmtpClient>;
  /** Hands in a message for these addresses and gives the last reply: the message's, or that of the last RCPT refused. */
  hand(message: string, to: string | string[], from?: string): Promise<string>;
  /** Waits until everything that came in has been read. */
  read(): Promise<void>;
  /** Everything of a team, oldest first. */
  rows(teamId?: string): Promise<InboundEmail[]>;
  body(id: string): Promise<InboundBody | undefined>;
  attachments(id: string): Promise<InboundAttachment[]>;
  received(teamId?: string): Promise<Event[]>;
}

export async function inboundScene(
  options: TestAppOptions & { listener?: Partial<ListenerOptions> } = {},
): Promise<InboundScene> {
  const app = await testApp(options);
  const { teamId } = await testTeam(app);
  const domain = await receivingDomain(app, teamId, "example.com");
  const listener = await listenInbound(app, { greetingMs: 0, closeMs: 100, ...options.listener });
  const dispatcher = await startDispatcher(app, [readingInbound], { node: "test", graceMs: 100 });
  open.push(
    () => dispatcher.stop(),
    () => listener.close(),
  );

  const connect = async () => {
    const client = new SmtpClient(net.connect(listener.port, listener.hostname));
    const greeting = await client.reply();
    if (!greeting.startsWith("220 ")) throw new Error(`not greeted: ${greeting}`);
    return client;
  };
  return {
    ...{ app, teamId, domain, listener, dispatcher, connect },
    async hand(message, to, from = "ada@sender.test") {
      const client = await connect();
      await client.say("EHLO mx.sender.test\r\n");
      await client.say(`MAIL FROM:<${from}>\r\n`);
      let taken = 0;
      let last = "";
      for (const address of [to].flat()) {
        last = await client.say(`RCPT TO:<${address}>\r\n`);
        if (last.startsWith("250")) taken++;
      }
      if (taken > 0) {
        await client.say("DATA\r\n");
        last = await client.say(`${message.replace(/^\./gm, "..")}\r\n.\r\n`);
      }
      client.socket.end("QUIT\r\n");
      return last;
    },
    read: () => dispatcher.drained(),
    rows: async (team = teamId) =>
      app.db.select().from(inboundEmails).where(eq(inboundEmails.teamId, team)).orderBy(sql`id`).all(),
    body: async (id) => app.db.select().from(inboundBodies).where(eq(inboundBodies.inboundId, id)).get(),
    attachments: async (id) =>
      app.db
        .select()
        .from(inboundAttachments)
        .where(eq(inboundAttachments.inboundId, id))
        .orderBy(sql`position`)
        .all(),
    received: async (team = teamId) =>
      app.db
        .select()
        .from(events)
        .where(sql`team_id = ${team} and type = 'email.received'`)
        .orderBy(sql`id`)
        .all(),
  };
}

/** A domain whose mail comes here. */
export const receivingDomain = (app: TestApp, teamId: string, name: string, changes: Partial<Domain> = {}) =>
  testDomain(app, teamId, name, { receiving: true, receivingVerifiedAt: app.now(), ...changes });
