import { conducting } from "./broadcasts/conduct.ts";
import { clearingProperty, clearingSegment, clearingTopic } from "./contacts/clear.ts";
import { importingContacts } from "./contacts/import.ts";
import { forgettingImports } from "./contacts/imports.ts";
import { delivering } from "./delivery/deliver.ts";
import { forgettingPolicies } from "./delivery/mta-sts.ts";
import { expiringDeliveries } from "./delivery/queue-expiry.ts";
import { reporting } from "./delivery/reports.ts";
import { verifyingClaim } from "./domains/claim-jobs.ts";
import { verifyingDomain } from "./domains/jobs.ts";
import { forgettingAnswers } from "./emails/idempotency.ts";
import { forgettingLinks } from "./emails/links.ts";
import { forgettingContent } from "./emails/retention.ts";
import { indexingEmails } from "./emails/search-index.ts";
import { forgettingEvents } from "./events/retention.ts";
import { forgettingInbound } from "./inbound/forget.ts";
import { readingInbound } from "./inbound/read.ts";
import { forgettingLanes } from "./jobs/forget-lanes.ts";
import type { JobHandler } from "./jobs/job.ts";
import type { Recurring } from "./jobs/recurring.ts";
import { forgettingLogs } from "./logs/retention.ts";
import { summingCounters } from "./metrics/sums.ts";
import { erasing } from "./people/walk.ts";
import { bouncingLater } from "./sandbox/bounce-later.ts";
import { complaining } from "./sandbox/jobs.ts";
import { forgettingSuppressions } from "./suppressions/expiry.ts";
import { callingWebhooks } from "./webhooks/call.ts";
import { clearingWebhooks } from "./webhooks/clear.ts";
import { replayingWebhooks } from "./webhooks/replay.ts";
import { forgettingWebhookEvents } from "./webhooks/retention.ts";

/** Work that comes back for ever. */
export const recurringWork: Recurring[] = [
  forgettingAnswers,
  forgettingLanes,
  expiringDeliveries,
  forgettingPolicies,
  forgettingSuppressions,
  forgettingImports,
  forgettingLogs,
  forgettingInbound,
  forgettingLinks,
  forgettingContent,
  forgettingEvents,
  forgettingWebhookEvents,
  indexingEmails,
  summingCounters,
];

/** Every job handler, in one list, as routes are in one list. */
export const handlers: JobHandler[] = [
  delivering,
  conducting,
  reporting,
  verifyingDomain,
  verifyingClaim,
  importingContacts,
  clearingProperty,
  clearingSegment,
  clearingTopic,
  erasing,
  complaining,
  readingInbound,
  bouncingLater,
  callingWebhooks,
  clearingWebhooks,
  replayingWebhooks,
  ...recurringWork.map(({ handler }) => handler),
];
