/** @jsxImportSource preact */
import { Code } from "./parts/code.tsx";
import { SelectField } from "./parts/form.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { SelfSigned, type SmtpAccess } from "./parts/smtp-access.tsx";

export const languages = ["curl", "Node", "Python", "PHP", "Ruby", "Go"] as const;
export type Language = (typeof languages)[number];

export interface DocsProps {
  /** Where the API answers. */
  url: string;
  smtp: SmtpAccess;
  domains: string[];
  /** Ids and names. */
  keys: (readonly [string, string])[];
  domain: { name: string; isVerified: boolean } | undefined;
  /** Not `key`, which is Preact's own. */
  apiKey: { id: string; name: string } | undefined;
  language: Language;
  isSandbox: boolean;
}

export function DocsPage(props: DocsProps) {
  const { url, domain, apiKey, language, isSandbox } = props;
  const names: Names = {
    url,
    from: `hello@${domain?.name ?? "your-domain.example"}`,
    to: isSandbox ? "delivered@example.org" : "you@example.org",
    key: `re_… (${printable(apiKey?.name ?? "make a key first")})`,
  };
  return (
    <>
      <PageHead
        title="Documentation"
        lead="What there is to copy has your domain, this server and the name of your key in it."
      >
        <a class="button" href="/openapi">
          All of the API
        </a>
      </PageHead>
      <Choice {...props} />
      <nav class="row contents" aria-label="On this page">
        <a href="#send">Send</a>
        <a href="#smtp">SMTP</a>
        <a href="#webhooks">Webhooks</a>
        <a href="#receive">Receive</a>
      </nav>

      <section class="card" id="send">
        <h2>Send an email</h2>
        <ul class="tabs">
          {languages.map((each) => (
            <li>
              <a
                href={`/admin/docs?${chosen(props, each)}#send`}
                aria-current={each === language ? "true" : undefined}
              >
                {each}
              </a>
            </li>
          ))}
        </ul>
        <Sample sample={samples[language](names)} />
        <p class="quiet">
          The answer has the email’s id; what becomes of it is on its <a href="/admin/emails">page</a>, and
          told to webhooks. An <code>Idempotency-Key</code> header makes a request safe to repeat.
        </p>
      </section>

      <Smtp {...props} names={names} />
      <Webhooks names={names} />
      <Receive names={names} />
    </>
  );
}

function Choice({ domains, keys, domain, apiKey, language }: DocsProps) {
  return (
    <>
      {!domain && (
        <p class="notice warn">
          You have no domain yet: <a href="/admin/domains">add one</a>, and its name is filled in below.
        </p>
      )}
      {domain && !domain.isVerified && (
        <p class="notice warn">
          {domain.name} is not verified yet, so sending from it is refused:{" "}
          <a href="/admin/domains">see what is missing</a>.
        </p>
      )}
      {(domains.length > 1 || keys.length > 1) && (
        <form method="get" action="/admin/docs" class="filters">
          <input type="hidden" name="language" value={language} />
          {domains.length > 1 && (
            <SelectField
              name="domain"
              label="Domain"
              value={domain?.name ?? ""}
              options={domains.map((name) => [name, name] as const)}
            />
          )}
          {keys.length > 1 && (
            <SelectField name="key" label="API key" value={apiKey?.id ?? ""} options={keys} />
          )}
          <button type="submit">Fill in</button>
        </form>
      )}
    </>
  );
}

const chosen = ({ domain, apiKey }: DocsProps, language: Language) =>
  new URLSearchParams({
    language,
    ...(domain && { domain: domain.name }),
    ...(apiKey && { key: apiKey.id }),
  });

function Sample({ sample: { install, text, title } }: { sample: Sample }) {
  return (
    <>
      {install && <Code title="Install" text={install} />}
      <Code title={title} text={text} />
    </>
  );
}

function Smtp({ smtp, names, apiKey }: DocsProps & { names: Names }) {
  const port = smtp.startTls ?? 587;
  return (
    <section class="card" id="smtp">
      <h2>Send by SMTP</h2>
      <p>
        For programs that know nothing but SMTP. What they hand in is signed, delivered and counted like the
        rest.
      </p>
      <dl class="facts">
        <dt>Host</dt>
        <dd>
          <code>{smtp.host}</code>
        </dd>
        <dt>Port</dt>
        <dd>
          {smtp.startTls ?? "as the server said when it started"} with STARTTLS;{" "}
          {smtp.tls ?? "as the server said when it started"} with TLS from the first byte
        </dd>
        <dt>User</dt>
        <dd>
          <code>resend</code> (any name will do)
        </dd>
        <dt>Password</dt>
        <dd>the API key{apiKey ? ` “${apiKey.name}”` : ""}</dd>
      </dl>
      {smtp.isSelfSigned && <SelfSigned />}
      <Code
        title="With curl"
        text={[
          `printf 'From: ${names.from}\\r\\nTo: ${names.to}\\r\\nSubject: Hello\\r\\n\\r\\nIt works.\\r\\n' |`,
          `  curl --ssl-reqd ${smtp.isSelfSigned ? "--insecure " : ""}smtp://${smtp.host}:${port} \\`,
          `    --user "resend:$MAILIT_API_KEY" \\`,
          `    --mail-from ${names.from} --mail-rcpt ${names.to} --upload-file -`,
        ].join("\n")}
      />
    </section>
  );
}

function Webhooks({ names }: { names: Names }) {
  return (
    <section class="card" id="webhooks">
      <h2>Hear what becomes of it</h2>
      <p>
        Add an endpoint under <a href="/admin/webhooks">Webhooks</a>, or by the API. Its secret (
        <code>whsec_…</code>) signs each call; check it by the body as it came.
      </p>
      <Code
        title="Add an endpoint"
        text={[
          `curl -X POST '${names.url}/webhooks' \\`,
          '  -H "Authorization: Bearer $MAILIT_API_KEY" \\',
          "  -H 'Content-Type: application/json' \\",
          `  -d '{ "endpoint": "https://example.com/webhooks", "events": ["email.delivered", "email.bounced"] }'`,
        ].join("\n")}
      />
      <Code
        title="Check a call, in Node"
        text={`import { Webhook } from "standardwebhooks";

export async function POST(request) {
  const payload = await request.text(); // the bytes as they came
  const event = new Webhook(process.env.WEBHOOK_SECRET).verify(payload, Object.fromEntries(request.headers));
  if (event.type === "email.bounced") console.log(event.data.email_id);
  return new Response(null, { status: 204 });
}`}
      />
      <Code
        title="By hand, in Python"
        text={`import base64, hashlib, hmac

def is_ours(headers, body: bytes, secret: str) -> bool:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['svix-id']}.{headers['svix-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [each.removeprefix("v1,") for each in headers["svix-signature"].split(" ")]
    return any(hmac.compare_digest(wanted, each) for each in given)`}
      />
    </section>
  );
}

function Receive({ names }: { names: Names }) {
  return (
    <section class="card" id="receive">
      <h2>Receive email</h2>
      <p>
        Turn receiving on for a domain under <a href="/admin/domains">Domains</a>, and publish the MX record
        that its page shows. Each message is under <a href="/admin/receiving">Received</a>, told to webhooks
        as <code>email.received</code>, and here:
      </p>
      <Code
        title="List what came"
        text={[
          `curl '${names.url}/emails/receiving' \\`,
          '  -H "Authorization: Bearer $MAILIT_API_KEY"',
        ].join("\n")}
      />
    </section>
  );
}

/** A key's name is a stranger's text: in a comment of a program it must stay on its line. */
const printable = (name: string) =>
  name
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ")
    .replace(/[*/\\]/g, "")
    .trim();

interface Names {
  url: string;
  from: string;
  to: string;
  /** What stands in for the key: its name, since nobody but its owner has the key itself. */
  key: string;
}

interface Sample {
  title: string;
  install?: string;
  text: string;
}

const samples: Record<Language, (names: Names) => Sample> = {
  curl: ({ url, from, to, key }) => ({
    title: "In a shell",
    text: `export MAILIT_API_KEY='re_…'  # ${key}

curl -X POST '${url}/emails' \\
  -H "Authorization: Bearer $MAILIT_API_KEY" \\
  -H 'Content-Type: application/json' \\
  -d '{
    "from": "${from}",
    "to": "${to}",
    "subject": "Hello",
    "html": "<p>It works.</p>"
  }'`,
  }),
  Node: ({ url, from, to, key }) => ({
    title: "With the Resend SDK",
    install: "npm install resend",
    text: `import { Resend } from "resend";

// MAILIT_API_KEY: ${key}
const mail = new Resend(process.env.MAILIT_API_KEY, { baseUrl: "${url}" });

const { data, error } = await mail.emails.send({
  from: "${from}",
  to: "${to}",
  subject: "Hello",
  html: "<p>It works.</p>",
});
if (error) throw new Error(error.message);
process.stdout.write(data.id);`,
  }),
  Python: ({ url, from, to, key }) => ({
    title: "With the Resend SDK",
    install: "pip install resend",
    text: `import os
import resend

resend.api_key = os.environ["MAILIT_API_KEY"]  # ${key}
resend.api_url = "${url}"

email = resend.Emails.send({
    "from": "${from}",
    "to": "${to}",
    "subject": "Hello",
    "html": "<p>It works.</p>",
})
print(email["id"])`,
  }),
  PHP: ({ url, from, to, key }) => ({
    title: "With what PHP brings",
    text: `<?php
// MAILIT_API_KEY: ${key}
$request = curl_init("${url}/emails");
curl_setopt_array($request, [
    CURLOPT_POST => true,
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HTTPHEADER => [
        "Authorization: Bearer " . getenv("MAILIT_API_KEY"),
        "Content-Type: application/json",
    ],
    CURLOPT_POSTFIELDS => json_encode([
        "from" => "${from}",
        "to" => "${to}",
        "subject" => "Hello",
        "html" => "<p>It works.</p>",
    ]),
]);
echo json_decode(curl_exec($request))->id;`,
  }),
  Ruby: ({ url, from, to, key }) => ({
    title: "With what Ruby brings",
    text: `require "json"
require "net/http"

# MAILIT_API_KEY: ${key}
answer = Net::HTTP.post(
  URI("${url}/emails"),
  { from: "${from}", to: "${to}", subject: "Hello", html: "<p>It works.</p>" }.to_json,
  "Authorization" => "Bearer #{ENV.fetch("MAILIT_API_KEY")}",
  "Content-Type" => "application/json"
)
puts JSON.parse(answer.body)["id"]`,
  }),
  Go: ({ url, from, to, key }) => ({
    title: "With the standard library",
    text: `package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

// MAILIT_API_KEY: ${key}
func main() {
	body, _ := json.Marshal(map[string]string{
		"from": "${from}", "to": "${to}", "subject": "Hello", "html": "<p>It works.</p>",
	})
	request, _ := http.NewRequest("POST", "${url}/emails", bytes.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+os.Getenv("MAILIT_API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	fmt.Println(answer.Status, string(text))
}`,
  }),
};
