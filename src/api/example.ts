import type { TSchema } from "@sinclair/typebox";

export const exampleId = "019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b";

const byFormat: Record<string, unknown> = {
  integer: 12, // a number that Elysia takes as text too
  uuid: exampleId,
  "date-time": "2026-03-01T12:00:00.000Z",
};

/** What each field of the API looks like: a field means the same wherever it is. Unions of words show their first. */
const byName: Record<string, unknown> = {
  // what was sent
  from: "Acme <hello@example.com>",
  to: "bob@elsewhere.org",
  cc: "carol@elsewhere.org",
  bcc: "archive@example.com",
  reply_to: "support@example.com",
  subject: "Hello",
  html: "<p>It works.</p>",
  text: "It works.",
  headers: "X-Entity-Ref-ID: 42",
  message_id: "<019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b@example.com>",
  scheduled_at: "2026-03-02T09:00:00.000Z",
  topic_id: "019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b",
  expires_in: "2 hours",
  filename: "report.pdf",
  content: "JVBERi0xLjcK",
  path: "https://example.com/report.pdf",
  content_type: "application/pdf",
  content_id: "logo",
  download_url: "https://mail.example.com/attachments/download?token=019ad1c4.sz1k2a.4f2A",
  url: "https://mail.example.com/shared?token=019ad1c4.sz1k2a.4f2A",
  // what became of it
  recipient: "bob@elsewhere.org",
  last_reply: "250 2.0.0 Ok: queued as 4F2A1",
  reply: "250 2.0.0 Ok: queued as 4F2A1",
  said: "250 2.0.0 Ok: queued as 4F2A1",
  mx_host: "mx.elsewhere.org",
  host: "mx.elsewhere.org",
  lane: "mx.elsewhere.org",
  status: "Delivered to mx.elsewhere.org at 2026-03-01T12:00:02Z: 250 2.0.0 Ok.",
  address: "192.0.2.25",
  local_address: "192.0.2.1",
  step: "rcpt",
  wanted: "opportunistic",
  version: "TLSv1.3",
  cipher: "TLS_AES_256_GCM_SHA384",
  certificate: "valid",
  problem: "the certificate has expired",
  limiter: "5 connections",
  blocked_by: "mx.elsewhere.org asked to be left alone: 421 4.7.0 Try again later",
  period: "2026-03-01",
  mail_from: "b+019ad1c45a3e@send.example.com",
  raw: "From: Acme <hello@example.com>\r\n…",
  // the queue
  domain: "elsewhere.org",
  tag: "category:welcome",
  older_than: "2h",
  newer_than: "3d",
  reason: "the prices were wrong",
  // templates
  alias: "order-confirmation",
  description: "What a customer gets after an order",
  key: "COUNT",
  missing_variables: "COUNT",
  // accounts, keys, domains, lists
  name: "Production",
  token: "re_…",
  password: "correct horse battery staple",
  team_name: "Acme",
  email: "ada@example.com",
  allowed_ips: "192.0.2.0/24",
  value: "welcome",
  custom_return_path: "send",
  tracking_subdomain: "links",
  domain_name: "Production",
  broadcast_name: "March",
  messages_per_minute: 600,
  failure_reason: "The record was not found at example.com",
  domain_id: "019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b",
  file: "email\r\nada@example.com\r\n",
  message: "The email address needs to follow the `email@example.com` format.",
  client_id: "019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b",
  scopes: "full_access",
  revoked_reason: "revoked by the user",
  logo_uri: "https://example.com/logo.svg",
  endpoint: "/emails",
  method: "POST",
  user_agent: "resend-node:6.38.0",
};

/** A value as a schema describes it, for the OpenAPI document. What has no example comes out as its type's name. */
export function exampleOf(schema: TSchema, name = ""): unknown {
  if (schema.examples !== undefined) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const options: TSchema[] | undefined = schema.anyOf ?? schema.oneOf;
  if (options) return exampleOf(options[0]!, name);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((each: TSchema) => exampleOf(each, name)));
  switch (schema.type) {
    case "object":
      return exampleOfObject(schema);
    case "array":
      return [exampleOf(schema.items, name)];
    case "string":
      return byFormat[schema.format] ?? byName[name] ?? "string";
    case "integer":
    case "number":
      return Math.max(schema.minimum ?? 1, 1);
    case "boolean":
      return true;
    default:
      return null;
  }
}

/** A request's schema, with what such a request looks like. */
export function shown<S extends TSchema>(schema: S): S {
  return { ...schema, examples: [exampleOf(schema)] };
}

function exampleOfObject({ properties = {}, patternProperties = {} }: TSchema): Record<string, unknown> {
  const fields = Object.entries(properties as Record<string, TSchema>);
  const others = Object.values(patternProperties as Record<string, TSchema>).map(
    (each) => ["X-Entity-Ref-ID", each] as const,
  );
  return Object.fromEntries([...fields, ...others].map(([name, each]) => [name, exampleOf(each, name)]));
}
