import { afterEach } from "bun:test";
import { asc, eq, sql } from "drizzle-orm";
import { delivering } from "../../src/delivery/deliver.ts";
import { type Attempt, attempts } from "../../src/delivery/schema.ts";
import { closeSites } from "../../src/delivery/sites.ts";
import type { EmailDraft } from "../../src/emails/draft.ts";
import type { Delivery } from "../../src/emails/schema.ts";
import { sendEmail } from "../../src/emails/send.ts";
import { listDeliveries } from "../../src/emails/store.ts";
import { events } from "../../src/events/schema.ts";
import { type Dispatcher, startDispatcher } from "../../src/jobs/dispatcher.ts";
import type { JobHandler } from "../../src/jobs/job.ts";
import { type JobRow, jobs } from "../../src/jobs/schema.ts";
import { dnsTable } from "./dns-table.ts";
import { type MxHost, type MxScript, startMxHost } from "./mx-host.ts";
import { type TestApp, type TestAppOptions, testApp, testTeam } from "./test-app.ts";
import { testDomain } from "./test-domain.ts";

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A verified domain of ours, an MX host for everybody at recipient.test, and the dispatcher at work. */
export interface DeliveryScene {
  app: TestApp;
  host: MxHost;
  teamId: string;
  dispatcher: Dispatcher;
  domainKeys: Awaited<ReturnType<typeof testDomain>>["keys"];
  /** Sends an email and waits until nothing is due any more; its id. */
  send(changes?: Partial<EmailDraft>): Promise<string>;
  /** Another host on the port of the first, at an address of its own such as 127.0.0.2 or ::1. */
  addHost(address: string, script?: MxScript): Promise<MxHost>;
  deliveries(emailId: string): Promise<Delivery[]>;
  onlyDelivery(emailId: string): Promise<Delivery>;
  /** All attempts of an email, in order. */
  attempts(emailId: string): Promise<Attempt[]>;
  /** `email.delivered bob@recipient.test`, in order. */
  events(emailId: string): Promise<string[]>;
  waitingJobs(): Promise<JobRow[]>;
  /** Moves the clock to a delivery's next attempt and waits until it was made. */
  retry(emailId: string): Promise<void>;
}

export const draft: EmailDraft = {
  from: "Ada <ada@example.com>",
  to: ["bob@recipient.test"],
  cc: [],
  bcc: [],
  replyTo: [],
  subject: "Grüße",
  html: "<p>Hello <b>Bob</b></p>",
  headers: {},
  tags: [],
  attachments: [],
};

/** Everything is closed when the test ends. */
export async function deliveryScene(
  script: MxScript = {},
  options: TestAppOptions = {},
  others: JobHandler[] = [],
): Promise<DeliveryScene> {
  const host = await startMxHost(script);
  open.push(() => host.close());
  const dns = dnsTable({ "recipient.test MX": ["10 mx.recipient.test"], "mx.recipient.test A": "127.0.0.1" });
  const app = await testApp({
    dns,
    ...options,
    config: {
      ...options.config,
      smtpOutbound: { port: host.port, allowPrivateAddresses: true, ...options.config?.smtpOutbound },
    },
  });
  const { teamId } = await testTeam(app);
  const { keys } = await testDomain(app, teamId);
  const dispatcher = await startDispatcher(app, [delivering, ...others], { node: "test" });
  open.push(async () => {
    await dispatcher.stop();
    closeSites(app);
  });

  const deliveries = (emailId: string) => listDeliveries(app.db, teamId, emailId);
  const onlyDelivery = async (emailId: string) => (await deliveries(emailId))[0]!;
  return {
    app,
    host,
    teamId,
    dispatcher,
    domainKeys: keys,
    async send(changes = {}) {
      const { id } = await sendEmail(app, { teamId }, { ...draft, ...changes });
      await dispatcher.drained();
      return id;
    },
    async addHost(address, hostScript) {
      const added = await startMxHost(hostScript, { address, port: host.port });
      open.push(() => added.close());
      return added;
    },
    deliveries,
    onlyDelivery,
    async attempts(emailId) {
      const ids = (await deliveries(emailId)).map(({ id }) => id);
      const rows = await Promise.all(
        ids.map((id) =>
          app.db
            .select()
            .from(attempts)
            .where(eq(attempts.deliveryId, id))
            .orderBy(asc(attempts.number), asc(attempts.position))
            .all(),
        ),
      );
      return rows.flat();
    },
    async events(emailId) {
      const rows = await app.db
        .select()
        .from(events)
        .where(sql`email_id = ${emailId}`)
        .orderBy(sql`id`)
        .all();
      return rows.map(({ type, recipient }) => (recipient ? `${type} ${recipient}` : type));
    },
    waitingJobs: () => app.db.select().from(jobs).all(),
    async retry(emailId) {
      const times = (await deliveries(emailId)).flatMap(({ nextAttemptAt }) => nextAttemptAt ?? []);
      const next = Math.min(...times.map((at) => at.getTime()));
      app.clock.set(new Date(next));
      await dispatcher.drained();
    },
  };
}
