import { afterAll, expect } from "bun:test";
import { asc, sql } from "drizzle-orm";
import { verifyingClaim } from "../../src/domains/claim-jobs.ts";
import { createDomain, type NewDomain } from "../../src/domains/create.ts";
import { verifyingDomain } from "../../src/domains/jobs.ts";
import { type DomainRecord, recordsOf } from "../../src/domains/records.ts";
import type { Domain, DomainStatus } from "../../src/domains/schema.ts";
import { findSendingDomain, getDomain } from "../../src/domains/service.ts";
import { startVerification } from "../../src/domains/verify.ts";
import { events } from "../../src/events/schema.ts";
import { startDispatcher } from "../../src/jobs/dispatcher.ts";
import { jobs } from "../../src/jobs/schema.ts";
import { type TestApp, testApp, testTeam } from "./test-app.ts";

export interface DomainStories {
  app: TestApp;
  teamId: string;
  /** Makes the jobs that are due now. */
  drained(): Promise<void>;
  /** A domain just added, with a name of its own. */
  begin(options?: Partial<NewDomain>): Promise<DomainStory>;
  /** A domain whose records are all there and have been found. */
  verified(options?: Partial<NewDomain>): Promise<DomainStory>;
}

/** An app, a team and a dispatcher that verifies domains and claims to them; for the top of a test file. */
export async function domainStories(): Promise<DomainStories> {
  const fresh = await testApp();
  // Randomness: one real pair of keys for all domains here, because making RSA keys takes long.
  const pairs = await fresh.threads.makeDkimKeyPairs();
  const app: TestApp = { ...fresh, threads: { ...fresh.threads, makeDkimKeyPairs: async () => pairs } };
  const { teamId } = await testTeam(app);
  const dispatcher = await startDispatcher(app, [verifyingDomain, verifyingClaim], { node: "a" });
  afterAll(() => dispatcher.stop());

  const drained = () => dispatcher.drained();
  let made = 0;
  const begin = async (options: Partial<NewDomain> = {}) => {
    const domain = await createDomain(app, teamId, { name: `d${++made}.example.com`, ...options });
    return new DomainStory(app, drained, domain, await recordsOf(app, domain));
  };
  const verified = async (options: Partial<NewDomain> = {}) => {
    const story = await begin(options);
    story.publish(...story.required);
    await story.verify();
    expect(await story.status()).toBe("verified");
    return story;
  };
  return { app, teamId, drained, begin, verified };
}

/** One domain whose DNS, time and checks a test holds in its hands. */
export class DomainStory {
  constructor(
    readonly app: TestApp,
    readonly drained: () => Promise<void>,
    readonly domain: Domain,
    readonly records: DomainRecord[],
  ) {}

  get required(): DomainRecord[] {
    return this.records.filter(({ required }) => required);
  }

  record(purpose: DomainRecord["purpose"], type: DomainRecord["type"]): DomainRecord {
    return this.records.find((record) => record.purpose === purpose && record.type === type)!;
  }

  publish(...records: DomainRecord[]): void {
    for (const { host, type, value, priority } of records) {
      this.app.dns.set(`${host} ${type}`, priority === undefined ? value : `${priority} ${value}`);
    }
  }

  answer({ host, type }: DomainRecord, value: string | string[]): void {
    this.app.dns.set(`${host} ${type}`, value);
  }

  withdraw({ host, type }: DomainRecord): void {
    this.app.dns.remove(`${host} ${type}`);
  }

  async verify(): Promise<void> {
    await startVerification(this.app, this.domain.teamId, this.domain.id);
    await this.drained();
  }

  /** Lets time go by, with every check made that falls due on the way. */
  async wait(ms: number): Promise<void> {
    const end = this.app.now().getTime() + ms;
    for (let due = await this.nextCheck(); due && due.getTime() <= end; due = await this.nextCheck()) {
      this.app.clock.set(due);
      await this.drained();
    }
    this.app.clock.set(new Date(end));
    await this.drained();
  }

  async nextCheck(): Promise<Date | undefined> {
    const [job] = await this.waitingJobs();
    return job?.runAt;
  }

  async waitingJobs() {
    const mine = sql`${jobs.payload} ->> 'domainId' = ${this.domain.id}`;
    return this.app.db.select().from(jobs).where(mine).orderBy(asc(jobs.runAt)).all();
  }

  async now(): Promise<Domain> {
    return getDomain(this.app, this.domain.teamId, this.domain.id);
  }

  async status(): Promise<DomainStatus> {
    return (await this.now()).status;
  }

  async maySend(): Promise<boolean> {
    return (await findSendingDomain(this.app, this.domain.teamId, this.domain.name)) !== undefined;
  }

  /** What is now said about a record. */
  async said({ host, type }: DomainRecord): Promise<string> {
    const records = await recordsOf(this.app, await this.now());
    const { status, reason } = records.find((record) => record.host === host && record.type === type)!;
    return reason === "" ? status : `${status}: ${reason}`;
  }

  async eventsTold(): Promise<string[]> {
    const about = sql`${events.data} ->> 'id' = ${this.domain.id}`;
    const rows = await this.app.db.select().from(events).where(about).orderBy(asc(events.id)).all();
    return rows.map(({ type, data }) => `${type} ${data.status}`);
  }
}
