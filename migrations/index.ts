import down0001 from "./0001_init.down.sql" with { type: "text" };
import up0001 from "./0001_init.up.sql" with { type: "text" };
import down0002 from "./0002_delivery.down.sql" with { type: "text" };
import up0002 from "./0002_delivery.up.sql" with { type: "text" };
import down0003 from "./0003_api.down.sql" with { type: "text" };
import up0003 from "./0003_api.up.sql" with { type: "text" };
import down0004 from "./0004_inbound.down.sql" with { type: "text" };
import up0004 from "./0004_inbound.up.sql" with { type: "text" };
import down0005 from "./0005_submission.down.sql" with { type: "text" };
import up0005 from "./0005_submission.up.sql" with { type: "text" };
import down0006 from "./0006_tracking.down.sql" with { type: "text" };
import up0006 from "./0006_tracking.up.sql" with { type: "text" };
import down0007 from "./0007_webhooks.down.sql" with { type: "text" };
import up0007 from "./0007_webhooks.up.sql" with { type: "text" };
import down0008 from "./0008_idempotency.down.sql" with { type: "text" };
import up0008 from "./0008_idempotency.up.sql" with { type: "text" };
import down0009 from "./0009_audience.down.sql" with { type: "text" };
import up0009 from "./0009_audience.up.sql" with { type: "text" };
import down0010 from "./0010_templates.down.sql" with { type: "text" };
import up0010 from "./0010_templates.up.sql" with { type: "text" };
import down0011 from "./0011_broadcasts.down.sql" with { type: "text" };
import up0011 from "./0011_broadcasts.up.sql" with { type: "text" };
import down0012 from "./0012_provider_counters.down.sql" with { type: "text" };
import up0012 from "./0012_provider_counters.up.sql" with { type: "text" };
import down0013 from "./0013_admin.down.sql" with { type: "text" };
import up0013 from "./0013_admin.up.sql" with { type: "text" };
import down0014 from "./0014_search.down.sql" with { type: "text" };
import up0014 from "./0014_search.up.sql" with { type: "text" };
import down0015 from "./0015_people.down.sql" with { type: "text" };
import up0015 from "./0015_people.up.sql" with { type: "text" };
import down0016 from "./0016_tag_counters.down.sql" with { type: "text" };
import up0016 from "./0016_tag_counters.up.sql" with { type: "text" };
import down0017 from "./0017_tag_days.down.sql" with { type: "text" };
import up0017 from "./0017_tag_days.up.sql" with { type: "text" };
import down0018 from "./0018_invitation_emails.down.sql" with { type: "text" };
import up0018 from "./0018_invitation_emails.up.sql" with { type: "text" };
import down0019 from "./0019_broadcast_pace.down.sql" with { type: "text" };
import up0019 from "./0019_broadcast_pace.up.sql" with { type: "text" };
import down0020 from "./0020_retention.down.sql" with { type: "text" };
import up0020 from "./0020_retention.up.sql" with { type: "text" };
import down0021 from "./0021_broadcast_emails.down.sql" with { type: "text" };
import up0021 from "./0021_broadcast_emails.up.sql" with { type: "text" };
import down0022 from "./0022_told.down.sql" with { type: "text" };
import up0022 from "./0022_told.up.sql" with { type: "text" };
import down0023 from "./0023_counter_sums.down.sql" with { type: "text" };
import up0023 from "./0023_counter_sums.up.sql" with { type: "text" };

/** One step of the database's shape. `up` and `down` are SQL statements separated by empty lines. */
export interface Migration {
  version: number;
  name: string;
  up: string;
  down: string;
}

/** Every migration, in order. A released one is never edited; a new one follows. */
export const migrations: Migration[] = [
  { version: 1, name: "init", up: up0001, down: down0001 },
  { version: 2, name: "delivery", up: up0002, down: down0002 },
  { version: 3, name: "api", up: up0003, down: down0003 },
  { version: 4, name: "inbound", up: up0004, down: down0004 },
  { version: 5, name: "submission", up: up0005, down: down0005 },
  { version: 6, name: "tracking", up: up0006, down: down0006 },
  { version: 7, name: "webhooks", up: up0007, down: down0007 },
  { version: 8, name: "idempotency", up: up0008, down: down0008 },
  { version: 9, name: "audience", up: up0009, down: down0009 },
  { version: 10, name: "templates", up: up0010, down: down0010 },
  { version: 11, name: "broadcasts", up: up0011, down: down0011 },
  { version: 12, name: "provider_counters", up: up0012, down: down0012 },
  { version: 13, name: "admin", up: up0013, down: down0013 },
  { version: 14, name: "search", up: up0014, down: down0014 },
  { version: 15, name: "people", up: up0015, down: down0015 },
  { version: 16, name: "tag_counters", up: up0016, down: down0016 },
  { version: 17, name: "tag_days", up: up0017, down: down0017 },
  { version: 18, name: "invitation_emails", up: up0018, down: down0018 },
  { version: 19, name: "broadcast_pace", up: up0019, down: down0019 },
  { version: 20, name: "retention", up: up0020, down: down0020 },
  { version: 21, name: "broadcast_emails", up: up0021, down: down0021 },
  { version: 22, name: "told", up: up0022, down: down0022 },
  { version: 23, name: "counter_sums", up: up0023, down: down0023 },
];
