/** A sandbox's team that has sent: what stories about figures, queues and logs begin with. */
import { Database } from "bun:sqlite";
import type { Scene } from "./browser.ts";

/** Adds a domain that may send. */
export async function addDomain({ api }: Scene, name = "example.com"): Promise<string> {
  const { id } = await api("POST", "/domains", { name });
  await api("POST", `/domains/${id}/verify`);
  await until(async () => (await api("GET", `/domains/${id}`)).status === "verified");
  return id;
}

/** Sends an email, and waits until something has become of it. */
export async function sendTo(
  { api }: Scene,
  to: string,
  more: Record<string, unknown> = {},
): Promise<string> {
  const draft = { from: "Ada <ada@example.com>", to, subject: "Hello", text: "Hello", ...more };
  const { id } = await api("POST", "/emails", draft);
  await until(async () => !["queued", "sent"].includes((await api("GET", `/emails/${id}`)).last_event));
  return id;
}

const hourMs = 3_600_000;

/** What a month of sending would have counted, hour by hour; the newest hours have what was really sent as well. */
export function countMonth(path: string, domainId: string): void {
  const database = new Database(path);
  database.run("pragma busy_timeout = 5000");
  const teamId = (database.query("select id from teams").values()[0] as [string])[0];
  const hourly = database.prepare(
    `insert into counters (team_id, hour, domain_id, broadcast_id, event, total) values (?, ?, ?, '', ?, ?)
     on conflict do update set total = total + excluded.total`,
  );
  const byProvider = database.prepare(
    `insert into provider_counters (team_id, hour, provider, event, total) values (?, ?, ?, ?, ?)
     on conflict do update set total = total + excluded.total`,
  );
  const now = Math.floor(Date.now() / hourMs) * hourMs;
  database.transaction(() => {
    for (let back = 1; back < 30 * 24; back++) {
      const hour = now - back * hourMs;
      const sent = Math.round(40 + 35 * Math.sin(back / 4) + 10 * Math.sin(back / 24));
      const counts = {
        "email.delivered": sent,
        "email.bounced": Math.round(sent / 60),
        "email.bounced_permanent": Math.round(sent / 60),
        "email.delivery_delayed": Math.round(sent / 25),
        "email.suppressed": Math.round(sent / 70),
        "email.unique_opened": Math.round(sent / 3),
        "email.opened_machine": Math.round(sent / 5),
        "email.unique_clicked": Math.round(sent / 9),
        "email.clicked_machine": Math.round(sent / 20),
        "email.unsubscribed": Math.round(sent / 70),
      };
      for (const [event, total] of Object.entries(counts)) {
        if (total > 0) hourly.run(teamId, hour, domainId, event, total);
        if (total > 1) byProvider.run(teamId, hour, "gmail", event, Math.floor(total / 2));
      }
    }
  })();
  database.close();
}

/** Asks again until it is so: what another process does has no other sign. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`it did not come to be: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
