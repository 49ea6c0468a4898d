/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { DomainInList } from "../src/domains/records.ts";
import type { Domain, DomainClaim } from "../src/domains/schema.ts";
import { aboutClaims, ClaimTable } from "./domain-claims.tsx";
import { Acting } from "./parts/acting.tsx";
import { Badge, type Tone } from "./parts/badge.tsx";
import { Checkbox, Form, FormMistake, SelectField, TextField } from "./parts/form.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Ago } from "./parts/time.tsx";

export interface DomainRowsProps {
  domains: DomainInList[];
  /** The cursor of the next page. */
  next: string | undefined;
  now: Date;
}

const columns = [
  "Domain",
  "Status",
  "Missing",
  { name: "Used for", isWide: true },
  { name: "Added", isWide: true },
] as const;

interface DomainsPageProps extends DomainRowsProps {
  /** The newest ones. */
  claims: DomainClaim[];
  hasMoreClaims: boolean;
}

export function DomainsPage({ claims, hasMoreClaims, ...list }: DomainsPageProps) {
  return (
    <>
      <PageHead title="Domains" lead="What your mail is from. Each sends once its DNS records are found.">
        <Acting>
          <a class="button primary" href="/admin/domains/new">
            Add a domain
          </a>
        </Acting>
      </PageHead>
      {list.domains.length === 0 ? (
        <Empty icon="domain" title="No domain yet">
          <p>Add the domain your mail is to be from. You then get the DNS records to publish.</p>
          <p>
            <Acting>
              <a class="button" href="/admin/domains/new">
                Add a domain
              </a>
            </Acting>
          </p>
        </Empty>
      ) : (
        <Table label="Domains" columns={columns}>
          <DomainRows {...list} />
        </Table>
      )}
      {claims.length > 0 && (
        <section>
          <h2>Claims</h2>
          <p class="quiet">{aboutClaims}</p>
          <ClaimTable claims={claims} next={undefined} now={list.now} />
          {hasMoreClaims && (
            <p>
              <a href="/admin/domains/claims">All claims</a>
            </p>
          )}
        </section>
      )}
    </>
  );
}

export function DomainRows({ domains, next, now }: DomainRowsProps) {
  return (
    <>
      {domains.map(({ domain, missing }) => (
        <tr id={`domain-${domain.id}`}>
          <td>
            <a href={`/admin/domains/${domain.id}`}>
              <strong>{domain.name}</strong>
            </a>
          </td>
          <td>
            <DomainState status={domain.status} />
          </td>
          <td class="quiet">{missing.length === 0 ? "nothing" : missing.join(", ")}</td>
          <td class="quiet wide">{usesOf(domain).join(", ")}</td>
          <td class="quiet wide">
            <Ago at={domain.createdAt} now={now} />
          </td>
        </tr>
      ))}
      {next && <More href={`/admin/domains?after=${next}`} columns={columns.length} />}
    </>
  );
}

function usesOf({ sending, receiving, openTracking, clickTracking }: Domain): string[] {
  return [
    ...(sending ? ["sending"] : []),
    ...(receiving ? ["receiving"] : []),
    ...(openTracking || clickTracking ? ["tracking"] : []),
  ];
}

const states: Record<Domain["status"], { tone: Tone; word: string }> = {
  not_started: { tone: "quiet", word: "not looked up" },
  pending: { tone: "info", word: "looking" },
  verified: { tone: "good", word: "verified" },
  partially_verified: { tone: "warn", word: "partly verified" },
  partially_failed: { tone: "warn", word: "partly failed" },
  failed: { tone: "bad", word: "failed" },
};

export function DomainState({ status }: Pick<Domain, "status">) {
  const { tone, word } = states[status];
  return <Badge tone={tone}>{word}</Badge>;
}

export interface NewDomainValues {
  name: string;
  customReturnPath: string;
  trackingSubdomain: string;
  openTracking: boolean;
  clickTracking: boolean;
  receiving: boolean;
  tls: string;
}

export interface NewDomainProps {
  csrf: string;
  values: NewDomainValues;
  mistakes: Partial<Record<"name" | "custom_return_path" | "tracking_subdomain" | "form", string>>;
  /** Another team has the domain: it can be claimed. */
  canClaim: boolean;
}

export function NewDomainPage({ csrf, values, mistakes, canClaim }: NewDomainProps) {
  return (
    <>
      <PageHead title="Add a domain" up={{ path: "/admin/domains", name: "Domains" }} />
      <section class="card">
        <Form csrf={csrf} action="/admin/domains">
          <FormMistake>{mistakes.form}</FormMistake>
          {canClaim && (
            <div class="claim" role="alert">
              <p>
                Another team on this server has added <strong>{values.name}</strong>. If the domain is yours,
                claim it: you publish a record that shows it, and the domain moves to your team unless the
                other one is sending from it.
              </p>
              <button type="submit" formaction="/admin/domains/claims">
                Claim the domain
              </button>
            </div>
          )}
          <TextField
            name="name"
            label="Domain"
            required
            maxLength={254}
            value={values.name}
            placeholder="example.com"
            autocapitalize="off"
            spellcheck={false}
            hint="As it stands behind the @ in the address you send from."
            mistake={mistakes.name}
          />
          <Checkbox
            name="receiving"
            label="Receive mail for it, too"
            checked={values.receiving}
            hint="Its MX record then has to lead here. Leave it off if its mail goes elsewhere today."
          />
          <details open={Boolean(mistakes.custom_return_path ?? mistakes.tracking_subdomain)}>
            <summary>Return path, tracking and TLS</summary>
            <div class="stack">
              <TextField
                name="custom_return_path"
                label="Return path"
                value={values.customReturnPath}
                placeholder="send"
                hint="The name under the domain that bounces come back to. It can't be changed later."
                mistake={mistakes.custom_return_path}
              />
              <TrackingFields values={values} mistakes={mistakes} />
              <TlsField value={values.tls} />
            </div>
          </details>
          <button type="submit" class={canClaim ? "" : "primary"}>
            Add the domain
          </button>
        </Form>
      </section>
    </>
  );
}

export function TrackingFields({
  values,
  mistakes,
}: {
  values: Pick<NewDomainValues, "openTracking" | "clickTracking" | "trackingSubdomain">;
  mistakes: { tracking_subdomain?: string };
}) {
  return (
    <>
      <Checkbox
        name="open_tracking"
        label="Track opens"
        checked={values.openTracking}
        hint="Adds a picture of one pixel to each email. Many mail programs load it by themselves."
      />
      <Checkbox
        name="click_tracking"
        label="Track clicks"
        checked={values.clickTracking}
        hint="Leads each link through this server."
      />
      <TextField
        name="tracking_subdomain"
        label="Tracking subdomain"
        value={values.trackingSubdomain}
        placeholder="links"
        hint="Tracked links stand under this name of your domain once its record is found, and under this server's own name until then."
        mistake={mistakes.tracking_subdomain}
      />
    </>
  );
}

export function TlsField({ value }: { value: string }) {
  return (
    <SelectField
      name="tls"
      label="TLS"
      value={value}
      options={[
        ["opportunistic", "Opportunistic: encrypted wherever the recipient's server can"],
        ["enforced", "Enforced: sent encrypted or not at all"],
      ]}
    />
  );
}
