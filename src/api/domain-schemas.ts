import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { blockedReasons, claimStatuses, domainStatuses, recordStatuses, regions } from "../domains/schema.ts";
import { listOf } from "./openapi.ts";

const oneOf = <V extends string>(...values: readonly V[]) => t.Union(values.map((value) => t.Literal(value)));
const orNull = <S extends Parameters<typeof t.Union>[0][number]>(schema: S) => t.Union([schema, t.Null()]);
const isOn = t.Optional(orNull(t.Boolean()));

const changeable = {
  open_tracking: isOn,
  click_tracking: isOn,
  tracking_subdomain: t.Optional(
    orNull(
      t.String({ description: "The label of tracking links, such as `links`, or a host under the domain." }),
    ),
  ),
  tls: t.Optional(t.Union([t.Literal("opportunistic"), t.Literal("enforced")])),
  capabilities: t.Optional(
    t.Object(
      {
        sending: t.Optional(t.Union([t.Literal("enabled"), t.Literal("disabled")])),
        receiving: t.Optional(t.Union([t.Literal("enabled"), t.Literal("disabled")])),
      },
      { additionalProperties: true },
    ),
  ),
};

export const creation = t.Object(
  {
    name: t.String({ description: "A domain name such as `example.com`.", examples: ["example.com"] }),
    region: t.Optional(orNull(t.String({ examples: [...regions] }))),
    custom_return_path: t.Optional(
      orNull(t.String({ description: "The label bounces go to; `send` when absent." })),
    ),
    ...changeable,
  },
  { additionalProperties: true },
);

export const changes = t.Object(changeable, { additionalProperties: true });

const id = Type.String({ format: "uuid" });
const capability = Type.Union([Type.Literal("enabled"), Type.Literal("disabled")]);

const summary = {
  id,
  name: Type.String({ examples: ["example.com"] }),
  status: oneOf(...domainStatuses),
  created_at: Type.String({ format: "date-time" }),
  region: oneOf(...regions),
  open_tracking: Type.Boolean(),
  click_tracking: Type.Boolean(),
  tracking_subdomain: Type.String(),
  tls: Type.Union([Type.Literal("opportunistic"), Type.Literal("enforced")]),
  capabilities: Type.Object({ sending: capability, receiving: capability }),
};

const record = (...kinds: string[]) =>
  Type.Object({
    record: oneOf(...kinds),
    name: Type.String({
      description: "Relative to the registered domain, as DNS providers ask for it.",
      examples: ["send"],
    }),
    host: Type.String({ description: "The same name in full.", examples: ["send.example.com"] }),
    type: oneOf("MX", "TXT", "CNAME"),
    ttl: Type.Literal("Auto"),
    status: oneOf(...recordStatuses),
    reason: Type.String({ description: "What was found and what to change; empty when all is well." }),
    value: Type.String({ examples: ["v=spf1 a:mail.example.com ~all"] }),
    found: Type.Array(Type.String(), {
      description: "What is published there, as it was last seen.",
      examples: [["v=spf1 a:mail.example.com ~all"]],
    }),
    priority: Type.Optional(Type.Integer()),
  });

const time = Type.String({ format: "date-time" });
const detailed = {
  ...summary,
  checked_at: orNull(
    Type.String({ format: "date-time", description: "When its records were last looked up." }),
  ),
  checked_until: orNull(
    Type.String({ format: "date-time", description: "Until when they are looked up again by themselves." }),
  ),
  records: Type.Array(record("SPF", "DKIM", "Receiving", "Tracking")),
  recommended_records: Type.Array(record("DMARC", "Receiving")),
};

const object = Type.Literal("domain");
export const createdAnswer = Type.Object(detailed);
export const domainAnswer = Type.Object({ object, ...detailed });
export const domainList = listOf(Type.Object(summary));
export const domainReference = Type.Object({ object, id });
export const deletedAnswer = Type.Object({ object, id, deleted: Type.Literal(true) });

export const signingKeyList = listOf(
  Type.Object({
    object: Type.Literal("dkim_key"),
    id,
    selector: Type.String({ examples: ["mailit"] }),
    host: Type.String({
      description: "Where its record is published.",
      examples: ["mailit._domainkey.example.com"],
    }),
    algorithm: oneOf("rsa", "ed25519"),
    public_key: Type.String({
      description: "As in the record's `p=`.",
      examples: ["11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="],
    }),
    state: Type.Union(
      ["active", "pending", "retired"].map((state) => Type.Literal(state)),
      { description: "`pending` until DNS shows it; `retired` once another has taken its place." },
    ),
    signs: Type.Boolean({ description: "An active key signs once the domain has been verified." }),
    created_at: time,
    keep_until: orNull(
      Type.String({
        format: "date-time",
        description: "Of a retired key: until when its record is to stay, for messages under way.",
      }),
    ),
  }),
);

export const claimAnswer = Type.Object({
  object: Type.Literal("domain_claim"),
  id,
  name: Type.String({ examples: ["example.com"] }),
  status: oneOf(...claimStatuses),
  domain_id: Type.String({ format: "uuid", description: "The id the domain will have." }),
  region: oneOf(...regions),
  record: Type.Object({
    type: Type.Literal("TXT"),
    name: Type.String({
      description: "Relative to the registered domain; `@` is that domain itself.",
      examples: ["@"],
    }),
    host: Type.String({ description: "The same name in full.", examples: ["example.com"] }),
    value: Type.String({
      description: "The token to publish.",
      examples: ["mailit-domain-verification=4f2a1c"],
    }),
    ttl: Type.Literal("Auto"),
  }),
  blocked_reason: Type.Union([oneOf(...blockedReasons), Type.Null()]),
  failure_reason: Type.Union([Type.String(), Type.Null()], {
    description: "What was found in place of the token, or why the claim has ended.",
  }),
  created_at: Type.String({ format: "date-time" }),
  expires_at: Type.String({ format: "date-time" }),
});

export const claimList = listOf(claimAnswer);
