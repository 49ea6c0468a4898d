/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { DomainRecord } from "../src/domains/records.ts";
import type { SigningKey } from "../src/domains/rotate.ts";
import type { Domain } from "../src/domains/schema.ts";
import type { ApiKey } from "../src/keys/schema.ts";
import { DomainState, TlsField, TrackingFields } from "./domains.tsx";
import { ActForm } from "./parts/acting.tsx";
import { Badge, type Tone } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Copyable } from "./parts/copy.tsx";
import { Checkbox, Form, FormMistake } from "./parts/form.tsx";
import { Icon } from "./parts/icon.tsx";
import { Table } from "./parts/list.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Sentence, Time } from "./parts/time.tsx";

export interface DomainPageProps {
  domain: Domain;
  records: DomainRecord[];
  keys: SigningKey[];
  /** All records as text for a name server. */
  zoneFile: string;
  /** API keys that may send from it alone. */
  boundKeys: ApiKey[];
  isSandbox: boolean;
  csrf: string;
  settings: DomainSettings;
  mistakes: Partial<Record<"tracking_subdomain" | "capabilities" | "form", string>>;
}

/** What the form of its settings holds. */
export interface DomainSettings {
  openTracking: boolean;
  clickTracking: boolean;
  trackingSubdomain: string;
  tls: string;
  sending: boolean;
  receiving: boolean;
}

export function DomainPage(props: DomainPageProps) {
  const { domain, records, keys, zoneFile, csrf, isSandbox } = props;
  return (
    <>
      <PageHead title={domain.name} up={{ path: "/admin/domains", name: "Domains" }}>
        <RemoveDomain {...props} />
        <ActForm csrf={csrf} action={`/admin/domains/${domain.id}/verify`}>
          <button type="submit" class="primary">
            Look up the records
          </button>
        </ActForm>
      </PageHead>
      <DomainStanding domain={domain} isSandbox={isSandbox} />
      <section>
        <h2>DNS records</h2>
        <p class="quiet">
          Publish these where the domain's DNS is kept. Names are as most providers want them typed; the whole
          name stands below.
        </p>
        <DomainRecords records={records} />
        <details class="zone">
          <summary>All records as a zone file</summary>
          <pre>{zoneFile}</pre>
          <button type="button" data-copy={zoneFile} aria-label="Copy all records">
            <Icon name="copy" />
            Copy all records
          </button>
        </details>
      </section>
      <DomainKeys domain={domain} keys={keys} />
      <Rotation domain={domain} csrf={csrf} />
      <SettingsForm {...props} />
    </>
  );
}

/** Where it stands, in a sentence; live. */
export function DomainStanding({ domain, isSandbox }: { domain: Domain; isSandbox: boolean }) {
  return (
    <section id="domain-standing" class="standing" aria-live="polite">
      <p>
        <DomainState status={domain.status} /> {standingOf(domain)}
        {isSandbox && " In the sandbox DNS is not asked: records count as published once they are looked up."}
      </p>
      {domain.checkedAt && (
        <p class="quiet">
          Last looked up <Time at={domain.checkedAt} />
          {domain.checkUntil && (
            <>
              ; it is looked again by itself until <Time at={domain.checkUntil} isShort />
            </>
          )}
          .
        </p>
      )}
    </section>
  );
}

function standingOf({ status, sending, receiving }: Domain): string {
  switch (status) {
    case "not_started":
      return "Publish the records below, then have them looked up.";
    case "pending":
      return "The records are being looked for. New ones often take minutes, and at some providers hours, to be seen.";
    case "verified":
      if (sending && receiving) return "It sends and receives.";
      return sending ? "You can send from it." : "It receives mail.";
    case "partially_verified":
      return "You can send from it. Mail to it is not received yet: its MX record is missing.";
    case "partially_failed":
      return "A part of its records was not found in time. Publish them, and look again.";
    case "failed":
      return "Its records were not found in time, so nothing can be sent from it. Publish them, and look again.";
  }
}

/** Expected and found side by side; live. */
export function DomainRecords({ records }: { records: DomainRecord[] }) {
  return (
    <ul id="domain-records" class="records">
      {records.map((record) => (
        <RecordItem record={record} />
      ))}
    </ul>
  );
}

const recordStates: Record<DomainRecord["status"], { tone: Tone; word: string }> = {
  not_started: { tone: "quiet", word: "not looked up" },
  pending: { tone: "info", word: "not found yet" },
  verified: { tone: "good", word: "found" },
  failed: { tone: "bad", word: "wrong or missing" },
  temporary_failure: { tone: "warn", word: "missing since lately" },
};

const meanings: Record<DomainRecord["purpose"], string> = {
  SPF: "The return path: bounces come back by it, and it says that this server may send",
  DKIM: "Receivers check with it that mail is yours and unchanged",
  DMARC: "Recommended: says what receivers do with forged mail",
  Receiving: "Brings the domain's mail here",
  Tracking: "Tracked links then stand under your own name",
  Claim: "Shows that the domain is yours",
};

export function RecordItem({ record }: { record: Pick<DomainRecord, keyof DomainRecord> }) {
  const { purpose, type, name, host, value, priority, status, reason, found, required, keepUntil } = record;
  const isOptional = status === "not_started" && !required && purpose === "Receiving";
  const { tone, word } = isOptional ? { tone: "quiet" as const, word: "optional" } : recordStates[status];
  const label = `${purpose} ${type}`;
  return (
    <li class="record">
      <div class="row">
        <Badge tone="quiet">{type}</Badge>
        <strong>{purpose}</strong>
        <span class="quiet grow">
          {meanings[purpose]}
          {!required && purpose === "Receiving" && ", if you turn receiving on"}
          {!required && purpose === "DKIM" && !keepUntil && "; signs once it is found"}
        </span>
        <Badge tone={tone}>{word}</Badge>
      </div>
      <dl class="sides">
        <div>
          <dt>Name</dt>
          <dd>
            <Copyable text={name} label={`the name of the ${label} record`} />
            <span class="quiet host">
              {host.split(/(?<=\.)/).map((label) => (
                <>
                  {label}
                  <wbr />
                </>
              ))}
            </span>
          </dd>
        </div>
        <div>
          <dt>Expected</dt>
          <dd>
            <Copyable text={value} label={`the value of the ${label} record`} />
            {priority !== undefined && <span class="quiet host">Priority {priority}</span>}
          </dd>
        </div>
        <div>
          <dt>Found</dt>
          <dd>
            {found.length === 0 ? (
              <span class="quiet">{status === "not_started" ? "not looked up" : "nothing"}</span>
            ) : (
              found.map((text) => <code class="found">{text}</code>)
            )}
          </dd>
        </div>
      </dl>
      {reason && (
        <p class={status === "failed" ? "reason bad" : "reason"}>
          <Sentence text={reason} />
        </p>
      )}
    </li>
  );
}

/** Live. */
export function DomainKeys({ domain, keys }: { domain: Domain; keys: SigningKey[] }) {
  return (
    <section id="domain-keys">
      <h2>DKIM keys</h2>
      <Table label="DKIM keys" columns={["Selector", "Algorithm", "State", "Made"]}>
        {keys.map((key) => (
          <tr>
            <td>
              <code>{key.selector}</code>
            </td>
            <td>{key.algorithm === "rsa" ? "RSA 2048" : "Ed25519"}</td>
            <td>
              <KeyState domain={domain} state={key} />
            </td>
            <td class="quiet">
              <Time at={key.createdAt} isShort />
            </td>
          </tr>
        ))}
      </Table>
      {keys.some(({ state }) => state === "pending") && (
        <p class="quiet">
          New keys wait: publish their records above. Until DNS shows them, the ones before sign.
        </p>
      )}
    </section>
  );
}

function KeyState({ domain, state: { state, retireAt } }: { domain: Domain; state: SigningKey }) {
  if (state === "pending") {
    return (
      <>
        <Badge tone="info">waiting</Badge> <span class="quiet">signs once its record is found</span>
      </>
    );
  }
  if (state === "retired") {
    return (
      <>
        <Badge tone="quiet">retired</Badge>{" "}
        <span class="quiet">
          keep its record {retireAt && "until "}
          {retireAt && <Time at={retireAt} isShort />}
        </span>
      </>
    );
  }
  return domain.firstVerifiedAt ? (
    <Badge tone="good">signs</Badge>
  ) : (
    <>
      <Badge tone="info">ready</Badge> <span class="quiet">signs once the domain is verified</span>
    </>
  );
}

function Rotation({ domain, csrf }: { domain: Domain; csrf: string }) {
  return (
    <div class="after">
      <Confirm
        id="rotate"
        csrf={csrf}
        action={`/admin/domains/${domain.id}/rotate`}
        label="Rotate the keys"
        title={`Make new DKIM keys for ${domain.name}?`}
        act="Make new keys"
        isDestructive={false}
      >
        {domain.firstVerifiedAt ? (
          <p>
            You get two more records to publish. Until DNS shows them the present keys sign; then the new ones
            do, and the old records are to stay for another week. While new keys wait, no others are made.
          </p>
        ) : (
          <p>
            Nothing has been signed with the present keys, so the new ones take their place: their records
            replace those you see.
          </p>
        )}
      </Confirm>
    </div>
  );
}

function SettingsForm({ domain, csrf, settings, mistakes }: DomainPageProps) {
  return (
    <section class="card" id="settings">
      <h2>Settings</h2>
      <Form isShown csrf={csrf} action={`/admin/domains/${domain.id}/settings`}>
        <FormMistake>{mistakes.form ?? mistakes.capabilities}</FormMistake>
        <Checkbox
          name="sending"
          label="Sending"
          checked={settings.sending}
          hint="Off: nothing new is taken for sending from it."
        />
        <Checkbox
          name="receiving"
          label="Receiving"
          checked={settings.receiving}
          hint="On: its MX record has to lead here, and mail to any address of it is taken."
        />
        <TrackingFields values={settings} mistakes={mistakes} />
        <TlsField value={settings.tls} />
        <button type="submit">Save</button>
      </Form>
    </section>
  );
}

function RemoveDomain({ domain, boundKeys, csrf }: DomainPageProps) {
  const names = boundKeys.slice(0, 5).map(({ name }) => name);
  return (
    <Confirm
      id="remove"
      csrf={csrf}
      action={`/admin/domains/${domain.id}/remove`}
      label="Remove"
      title={`Remove ${domain.name}?`}
      act="Remove the domain"
    >
      <p>
        Its DKIM keys go with it, and emails that are scheduled from it will fail.
        {domain.receiving && " Mail to it is refused from then on."}
      </p>
      {boundKeys.length > 0 && (
        <p>
          {boundKeys.length === 1 ? "One API key" : `${boundKeys.length} API keys`} that may send from it
          alone
          {boundKeys.length === 1 ? " is" : " are"} revoked: {names.join(", ")}
          {boundKeys.length > names.length && " and others"}.
        </p>
      )}
      <p>This can't be taken back: added again, it gets other keys, and so other records.</p>
    </Confirm>
  );
}
