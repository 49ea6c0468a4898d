import { expect, test } from "bun:test";
import { domainRow } from "../../test/support/test-domain.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { insertTeam } from "../accounts/store.ts";
import { atomically } from "../app.ts";
import { openDb } from "../db/open.ts";
import type { Transport } from "../db/transport.ts";
import { expectChange } from "../db/write.ts";
import { newId } from "../ids.ts";
import type { Domain, DomainCheck } from "./schema.ts";
import {
  deleteDomainRow,
  findDomain,
  findDomainByName,
  insertDomain,
  insertKeys,
  listChecks,
  listDomainsOf,
  listKeys,
  updateDomainRow,
  updateVerdict,
  upsertCheck,
} from "./store.ts";

const at = new Date("2026-03-01T12:00:00Z");

eachTransport((_name, open) => {
  test("a name belongs to one team only", async () => {
    const { app, db, teamId } = await start(open);
    const other = newId();
    await atomically(app, [
      insertTeam(db, { id: other, name: "Other", createdAt: at }),
      insertDomain(db, domainOf(teamId, "example.com")),
    ]);
    const again = atomically(app, [insertDomain(db, domainOf(other, "example.com"))]);
    expect(await again.catch((error: unknown) => error)).toMatchObject({ kind: "unique" });
    expect((await findDomainByName(db, "example.com"))?.teamId).toBe(teamId);
  });

  test("a domain is found by its own team and no other", async () => {
    const { app, db, teamId } = await start(open);
    const domain = domainOf(teamId, "example.com");
    await atomically(app, [insertDomain(db, domain)]);
    expect(await findDomain(db, teamId, domain.id)).toEqual(domain);
    expect(await findDomain(db, newId(), domain.id)).toBeUndefined();
    const elsewhere = atomically(app, [deleteDomainRow(db, newId(), domain.id), expectChange()]);
    expect(await elsewhere.catch((error: unknown) => error)).toMatchObject({ kind: "stale" });
  });

  test("domains come newest first, with one more than a page holds", async () => {
    const { app, db, teamId } = await start(open);
    const rows = ["a", "b", "c", "d"].map((label) => domainOf(teamId, `${label}.example.com`));
    await atomically(
      app,
      rows.map((row) => insertDomain(db, row)),
    );
    const names = async (page: Parameters<typeof listDomainsOf>[2]) =>
      (await listDomainsOf(db, teamId, page)).map(({ name }) => name[0]).join("");
    expect(await names({ limit: undefined })).toBe("dcba");
    expect(await names({ limit: 2 })).toBe("dcb");
    expect(await names({ limit: 2, after: rows[2]!.id })).toBe("ba");
    expect(await names({ limit: 1, before: rows[0]!.id })).toBe("cb");
  });

  test("a domain must send or receive", async () => {
    const { app, db, teamId } = await start(open);
    const domain = domainOf(teamId, "example.com");
    await atomically(app, [insertDomain(db, domain)]);
    const neither = atomically(app, [updateDomainRow(db, teamId, domain.id, { sending: false })]);
    expect(await neither.catch((error: unknown) => error)).toMatchObject({ kind: "check" });
  });

  test("a verdict is written only by the domain's own job", async () => {
    const { app, db, teamId } = await start(open);
    const domain = { ...domainOf(teamId, "example.com"), checkJobId: "mine" };
    await atomically(app, [insertDomain(db, domain)]);
    const verdict = { ...domain, status: "verified" as const, verifiedAt: at, firstVerifiedAt: at };
    const { checkUntil, checkedAt, checkJobId, ...judged } = verdict;
    const { status, verifiedAt, firstVerifiedAt, receivingVerifiedAt, trackingVerifiedAt } = judged;
    const write = (jobId: string) =>
      atomically(app, [
        updateVerdict(db, domain.id, jobId, {
          status,
          verifiedAt,
          firstVerifiedAt,
          receivingVerifiedAt,
          trackingVerifiedAt,
          checkUntil,
          checkedAt,
          checkJobId,
        }),
        expectChange(),
      ]);
    expect(await write("another's").catch((error: unknown) => error)).toMatchObject({ kind: "stale" });
    await write("mine");
    expect(await findDomain(db, teamId, domain.id)).toEqual(verdict);
  });

  test("the last look at a record replaces the one before", async () => {
    const { app, db, teamId } = await start(open);
    const domain = domainOf(teamId, "example.com");
    const first: DomainCheck = {
      domainId: domain.id,
      host: "send.example.com",
      type: "TXT",
      status: "temporary_failure",
      found: [],
      reason: "Nothing is there.",
      failingSince: at,
      checkedAt: at,
    };
    await atomically(app, [insertDomain(db, domain), upsertCheck(db, first)]);
    const second: DomainCheck = {
      ...first,
      status: "verified",
      found: ["v=spf1 ~all"],
      reason: "",
      failingSince: null,
    };
    await atomically(app, [upsertCheck(db, second)]);
    expect(await listChecks(db, domain.id)).toEqual([second]);
  });

  test("keys and checks go with their domain", async () => {
    const { app, db, teamId } = await start(open);
    const domain = domainOf(teamId, "example.com");
    const key = {
      id: newId(),
      domainId: domain.id,
      selector: "mailit",
      algorithm: "rsa" as const,
      publicKey: "AAAA",
      sealedPrivateKey: "sealed",
      createdAt: at,
      state: "active" as const,
      retireAt: null,
    };
    await atomically(app, [insertDomain(db, domain), insertKeys(db, [key])]);
    expect(await listKeys(db, domain.id)).toEqual([key]);
    await atomically(app, [deleteDomainRow(db, teamId, domain.id), expectChange()]);
    expect(await listKeys(db, domain.id)).toEqual([]);
    expect(await listChecks(db, domain.id)).toEqual([]);
  });
});

async function start(open: () => Promise<Transport>) {
  const transport = await open();
  const app = { transport, jobsDue: { notify() {} } };
  const db = openDb(transport);
  const teamId = newId();
  await atomically(app, [insertTeam(db, { id: teamId, name: "Team", createdAt: at })]);
  return { app, db, teamId };
}

const domainOf = (teamId: string, name: string): Domain => domainRow(teamId, name, at);
