import { expect, test } from "bun:test";
import { domainRow } from "../../test/support/test-domain.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { insertTeam } from "../accounts/store.ts";
import { atomically } from "../app.ts";
import { openDb } from "../db/open.ts";
import type { Transport } from "../db/transport.ts";
import { expectChange, rawWrite } from "../db/write.ts";
import { newId, newIdAt } from "../ids.ts";
import {
  completeOpenClaim,
  findBlock,
  findOpenClaim,
  insertClaim,
  supersedeClaims,
  takeDomain,
  updateOpenClaim,
} from "./claim-store.ts";
import type { Domain, DomainClaim } from "./schema.ts";
import { findDomainById, insertDomain } from "./store.ts";

const at = new Date("2026-03-01T12:30:00Z");
const day = 24 * 3_600_000;
const before = (ms: number) => new Date(at.getTime() - ms);

eachTransport((_name, open) => {
  test.each<[string | undefined, Partial<Domain>, (domain: Domain) => string[]]>([
    [undefined, {}, () => []],
    [undefined, { verifiedAt: before(3 * day) }, () => []],
    ["grace_period", { verifiedAt: before(3 * day - 1) }, () => []],
    ["recent_owner_activity", {}, (domain) => [counted(domain, "email.delivered", before(7 * day))]],
    [undefined, {}, (domain) => [counted(domain, "email.delivered", before(8 * day))]],
    [undefined, {}, (domain) => [counted(domain, "email.opened", at)]],
    [undefined, {}, (domain) => [counted({ ...domain, id: newId() }, "email.delivered", at)]],
    ["pending_scheduled_emails", {}, (domain) => emailOf(domain, "scheduled")],
    [undefined, {}, (domain) => emailOf(domain, "delivered")],
    ["recent_owner_activity", {}, (domain) => [counted(domain, "email.delivery_delayed", before(7 * day))]],
    ["pending_scheduled_emails", {}, (domain) => waitingOf(domain, "queued", before(7 * day))],
    ["pending_scheduled_emails", {}, (domain) => waitingOf(domain, "delivery_delayed", before(29 * day))],
    // To one of its recipients it is delivered.
    ["pending_scheduled_emails", {}, (domain) => waitingOf(domain, "delivered", before(8 * day))],
    [undefined, {}, (domain) => waitingOf({ ...domain, id: newId() }, "queued", before(8 * day))],
  ])(
    "what stands against taking a domain (%s) also keeps it from being taken",
    async (reason, changes, use) => {
      const { app, db, domain } = await start(open, changes);
      await atomically(
        app,
        use(domain).map((text) => rawWrite(text)),
      );
      expect(await findBlock(db, domain, at)).toBe(reason as never);
      const taken = await atomically(app, [takeDomain(db, domain, at), expectChange()]).then(
        () => true,
        () => false,
      );
      expect(taken).toBe(reason === undefined);
      expect((await findDomainById(db, domain.id)) === undefined).toBe(taken);
    },
  );

  test("a domain is taken only from the team that was looked at", async () => {
    const { app, db, domain } = await start(open);
    await atomically(app, [takeDomain(db, { ...domain, teamId: newId() }, at)]);
    expect(await findDomainById(db, domain.id)).toBeDefined();
  });

  test("a team has one claim under way for a name, and an ended one is in nobody's way", async () => {
    const { app, db, domain } = await start(open);
    const first = claimOf(domain);
    await atomically(app, [insertClaim(db, first)]);
    const second = claimOf(domain);
    const twice = atomically(app, [insertClaim(db, second)]).catch((error: unknown) => error);
    expect(await twice).toMatchObject({ kind: "unique" });
    expect(await findOpenClaim(db, domain.teamId, domain.name, at)).toEqual(first);
    expect(await findOpenClaim(db, domain.teamId, domain.name, first.expiresAt)).toBeUndefined();
    await atomically(app, [supersedeClaims(db, domain.name, "none"), insertClaim(db, second)]);
    expect(await findOpenClaim(db, domain.teamId, domain.name, at)).toEqual(second);

    await atomically(app, [updateOpenClaim(db, first.id, { status: "blocked" })]);
    for (const [id, when] of [
      [first.id, at],
      [second.id, second.expiresAt],
    ] as const) {
      const completed = atomically(app, [completeOpenClaim(db, id, when), expectChange()]);
      expect(await completed.catch((error: unknown) => error)).toMatchObject({ kind: "stale" });
    }
  });
});

function counted({ teamId, id }: Domain, event: string, when: Date): string {
  const hour = Math.floor(when.getTime() / 3_600_000) * 3_600_000;
  return `insert into counters values ('${teamId}', ${hour}, '${id}', '', '${event}', 1)`;
}

function emailOf({ teamId, id }: Domain, lastEvent: string): string[] {
  const contentId = newId();
  return [
    `insert into contents (id, created_at) values ('${contentId}', 0)`,
    `insert into emails (id, team_id, domain_id, message_id, sender, recipients, cc, bcc, reply_to, subject,
       content_id, headers, tags, last_event, created_at)
     values ('${newId()}', '${teamId}', '${id}', 'm', 'a@b.c', '[]', '[]', '[]', '[]', 's', '${contentId}', '{}', '[]',
       '${lastEvent}', 0)`,
  ];
}

/** One that was accepted so long ago, and whose delivery still waits. */
function waitingOf(domain: Domain, lastEvent: string, since: Date): string[] {
  const [content, email] = emailOf(domain, lastEvent);
  const delivery = newIdAt(since);
  return [
    content!,
    email!,
    `insert into deliveries (id, team_id, email_id, recipient, domain, state, attempts, created_at)
     select '${delivery}', team_id, id, 'b@c.d', 'c.d', 'queued', 0, 0 from emails where domain_id = '${domain.id}'`,
    `insert into jobs (id, kind, lane, payload, run_at, attempts, fence, created_at)
     values ('${delivery}', 'deliver', 'deliver/c.d', '{}', 0, 0, 0, 0)`,
  ];
}

function claimOf({ teamId, name }: Domain): DomainClaim {
  return {
    id: newId(),
    teamId,
    name,
    token: "00",
    status: "pending",
    wanted: { region: "eu-west-1" },
    domainId: newId(),
    blockedReason: null,
    failureReason: null,
    createdAt: at,
    expiresAt: new Date(at.getTime() + 7 * day),
  };
}

async function start(open: () => Promise<Transport>, changes: Partial<Domain> = {}) {
  const transport = await open();
  const app = { transport, jobsDue: { notify() {} } };
  const db = openDb(transport);
  const teamId = newId();
  const domain = domainRow(teamId, "example.com", before(30 * day), changes);
  await atomically(app, [
    insertTeam(db, { id: teamId, name: "Team", createdAt: at }),
    insertDomain(db, domain),
  ]);
  return { app, db, domain };
}
