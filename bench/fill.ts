/** A database as it looks after a million emails, made by SQL in seconds; the program must not be running on it. */
import { Database } from "bun:sqlite";

export interface Filled {
  emails: number;
  /** Some ids, oldest first, evenly over all of them. */
  sample: string[];
}

const dayMs = 86_400_000;
const perTransaction = 20_000;

/**
 * Puts delivered emails of the one team into the database, over the last 30 days: each with its delivery, its events, its
 * counters and the log of its request, and a suppression for every tenth.
 */
export function fill(path: string, emails: number): Filled {
  const database = new Database(path);
  database.run("pragma synchronous = off");
  database.run("pragma cache_size = -200000");
  const [teamId] = database.query("select id from teams").values()[0] as [string];
  const [domainId] = database.query("select id from domains").values()[0] as [string];
  const [keyId] = database.query("select id from api_keys").values()[0] as [string];

  const insert = (table: string, columns: string) =>
    database.prepare(
      `insert into ${table} (${columns}) values (${columns
        .split(",")
        .map(() => "?")
        .join()})`,
    );
  const content = insert("contents", "id,html,text,created_at");
  const email = insert(
    "emails",
    "id,team_id,domain_id,api_key_id,message_id,sender,recipients,cc,bcc,reply_to,subject,content_id,headers,tags,last_event,created_at",
  );
  const delivery = insert(
    "deliveries",
    "id,team_id,email_id,recipient,domain,state,attempts,last_reply,mx_host,first_attempt_at,settled_at,created_at",
  );
  const event = insert("events", "id,team_id,type,email_id,delivery_id,recipient,data,created_at");
  const counter = insert("email_counters", "email_id,hour,event,team_id,total");
  const log = insert(
    "logs",
    "team_id,id,key_id,method,path,status,duration_ms,user_agent,address,request_body,response_body,created_at",
  );
  const suppression = insert("suppressions", "id,team_id,address,reason,created_at");
  const tagged = database.prepare(
    `insert into tag_counters (team_id, name, hour, value, event, total) values (?, ?, ?, ?, ?, 1)
     on conflict do update set total = total + 1`,
  );
  const hourly = database.prepare(
    `insert into counters (team_id, hour, domain_id, broadcast_id, event, total) values (?, ?, ?, '', ?, 1)
     on conflict do update set total = total + 1`,
  );

  const start = Date.now() - 30 * dayMs;
  const body = `<p>${"Lorem ipsum dolor sit amet. ".repeat(70)}</p>`;
  const contentIds = Array.from({ length: 1_000 }, (_, n) => {
    const id = Bun.randomUUIDv7("hex", start);
    content.run(id, `${body}${n}`, null, start);
    return id;
  });
  const sample: string[] = [];
  const write = database.transaction((from: number, to: number) => {
    for (let n = from; n < to; n++) {
      const at = start + Math.floor((n / emails) * (30 * dayMs - 60_000));
      const hour = at - (at % 3_600_000);
      const [id, deliveryId] = [Bun.randomUUIDv7("hex", at), Bun.randomUUIDv7("hex", at)];
      const recipient = `user${n}@domain${n % 500}.test`;
      const domain = `domain${n % 500}.test`;
      if (n % Math.floor(emails / 1_000) === 0) sample.push(id);
      const tags = { category: `kind-${n % 20}`, campaign: `campaign-${n % 150}` };
      const people = [JSON.stringify([recipient]), "[]", "[]", "[]"] as const;
      email.run(
        ...([id, teamId, domainId, keyId, `<${id}@example.com>`, "Bench <bench@example.com>"] as const),
        ...people,
        ...[
          `Message ${n}`,
          contentIds[n % 1_000]!,
          "{}",
          JSON.stringify(Object.entries(tags).map(([name, value]) => ({ name, value }))),
          "delivered",
          at,
        ],
      );
      delivery.run(
        ...[deliveryId, teamId, id, recipient, domain, "delivered", 1, "250 2.0.0 Ok", "mx.test", at, at, at],
      );
      for (const type of ["email.queued", "email.delivered"]) {
        event.run(Bun.randomUUIDv7("hex", at), teamId, type, id, deliveryId, recipient, "{}", at);
        hourly.run(teamId, hour, domainId, type);
        for (const [name, value] of Object.entries(tags)) tagged.run(teamId, name, hour, value, type);
        if (type !== "email.queued") counter.run(id, hour, type, teamId, 1);
      }
      const status = n % 50 === 0 ? 422 : 200;
      log.run(
        ...[teamId, Bun.randomUUIDv7("hex", at), keyId, "POST", "/emails", status, 3, "resend-node:6.38.0"],
        ...["192.0.2.1", `{"to":"${recipient}","subject":"Message ${n}"}`, `{"id":"${id}"}`, at],
      );
      if (n % 10 === 0) suppression.run(Bun.randomUUIDv7("hex", at), teamId, recipient, "bounce", at);
    }
  });
  for (let from = 0; from < emails; from += perTransaction)
    write(from, Math.min(emails, from + perTransaction));
  database.run("pragma wal_checkpoint(truncate)");
  database.close();
  return { emails, sample };
}
