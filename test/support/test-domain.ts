import type { App } from "../../src/app.ts";
import { atomically } from "../../src/app.ts";
import { forgetDomains } from "../../src/domains/memory.ts";
import type { Domain } from "../../src/domains/schema.ts";
import { sealingPurpose } from "../../src/domains/service.ts";
import { insertDomain, insertKeys } from "../../src/domains/store.ts";
import { newId } from "../../src/ids.ts";
import { type DkimKeyPairs, makeDkimKeyPairs } from "../../src/mail/dkim-keys.ts";

let pairs: Promise<DkimKeyPairs> | undefined;

/** A domain as it is when it has just been added. */
export const domainRow = (
  teamId: string,
  name: string,
  createdAt: Date,
  changes: Partial<Domain> = {},
): Domain => ({
  id: newId(),
  teamId,
  name,
  status: "not_started",
  region: "us-east-1",
  returnPathLabel: "send",
  openTracking: false,
  clickTracking: false,
  trackingLabel: null,
  tls: "opportunistic",
  sending: true,
  receiving: false,
  checkUntil: null,
  checkJobId: null,
  checkedAt: null,
  verifiedAt: null,
  firstVerifiedAt: null,
  receivingVerifiedAt: null,
  trackingVerifiedAt: null,
  createdAt,
  ...changes,
});

/** A verified domain with keys. The keys are made once a process: an RSA key costs more than all else in a test. */
export async function testDomain(
  app: App,
  teamId: string,
  name = "example.com",
  changes: Partial<Domain> = {},
): Promise<Domain & { keys: DkimKeyPairs }> {
  pairs ??= makeDkimKeyPairs();
  const keys = await pairs;
  const createdAt = app.now();
  const domain = domainRow(teamId, name, createdAt, {
    ...{ status: "verified", checkedAt: createdAt, verifiedAt: createdAt, firstVerifiedAt: createdAt },
    ...changes,
  });
  const row = (algorithm: "rsa" | "ed25519", selector: string) => {
    const id = newId();
    const { publicKey, privateKey } = keys[algorithm];
    const sealedPrivateKey = app.secrets.seal(privateKey, sealingPurpose(id));
    const kept = { publicKey, sealedPrivateKey, createdAt, state: "active" as const, retireAt: null };
    return { id, domainId: domain.id, selector, algorithm, ...kept };
  };
  await atomically(app, [
    insertDomain(app.db, domain),
    insertKeys(app.db, [row("rsa", "mailit"), row("ed25519", "mailit-ed25519")]),
  ]);
  forgetDomains(app);
  return { ...domain, keys };
}
