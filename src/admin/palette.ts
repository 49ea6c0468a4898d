import { Elysia } from "elysia";
import { h } from "preact";
import { foundPath } from "../../views/emails.tsx";
import { Palette, type PaletteEntry, PaletteResults } from "../../views/palette.tsx";
import type { IconName } from "../../views/parts/icon.tsx";
import { type NavPlace, placesOf } from "../../views/shell.tsx";
import type { App } from "../app.ts";
import { findBroadcastsBy } from "../broadcasts/read.ts";
import { searchContacts } from "../contacts/search.ts";
import { listSegments } from "../contacts/segments.ts";
import { listTopics } from "../contacts/topics.ts";
import { listDomains } from "../domains/service.ts";
import { searchEmails } from "../emails/search.ts";
import { Refusal } from "../errors.ts";
import { findReceivedBy } from "../inbound/received.ts";
import { listTeamKeys } from "../keys/service.ts";
import { atLeast } from "../roles.ts";
import { findTemplatesBy } from "../templates/service.ts";
import { getWebhooks } from "../webhooks/service.ts";
import { signedIn, type Visit } from "./visit.ts";

/** What the navigation doesn't name: parts of its places. */
const parts: PaletteEntry[] = [
  { path: "/admin/settings/members", name: "Members", icon: "people", also: "team people roles" },
  { path: "/admin/settings/invitations", name: "Invitations", icon: "people", also: "invite team" },
  { path: "/admin/settings/sending", name: "Sending and SMTP", icon: "settings", also: "host port password" },
  { path: "/admin/settings/audit-log", name: "Audit log", icon: "log", also: "history who did what" },
  {
    path: "/admin/settings/account",
    name: "Your account",
    icon: "person",
    also: "password sign out browsers",
  },
  {
    path: "/admin/receiving/routes",
    name: "Routes of received mail",
    icon: "filter",
    also: "inbound mailbox",
  },
  { path: "/admin/contacts/imports", name: "Imports of contacts", icon: "people", also: "csv" },
  { path: "/admin/contacts/erasures", name: "Personal data", icon: "person", also: "erase gdpr export" },
  { path: "/admin/domains/claims", name: "Claims of domains", icon: "domain" },
  {
    path: "/admin/webhooks/event-types",
    name: "Events of webhooks",
    icon: "webhook",
    also: "payload examples",
  },
];

/** Words people know these by from elsewhere. */
const alsoOf: Partial<Record<NavPlace, string>> = {
  settings: "team name",
  docs: "api smtp code sdk help",
  receiving: "inbound inbox",
  suppressions: "blocked bounced unsubscribed",
  queue: "pause resume retry waiting",
  metrics: "statistics analytics rates",
  contacts: "audience subscribers",
  logs: "requests",
};

const commands: PaletteEntry[] = [
  { path: "/admin/emails/new", name: "Write an email", icon: "plus", also: "new send" },
  { path: "/admin/broadcasts/new", name: "Write a broadcast", icon: "plus", also: "new send campaign" },
  { path: "/admin/templates/new", name: "Write a template", icon: "plus", also: "new" },
  { path: "/admin/contacts/new", name: "Add a contact", icon: "plus", also: "new" },
  { path: "/admin/contacts/imports/new", name: "Import contacts", icon: "plus", also: "csv upload" },
  { path: "/admin/segments/new", name: "Make a segment", icon: "plus", also: "new" },
  { path: "/admin/topics/new", name: "Make a topic", icon: "plus", also: "new" },
  { path: "/admin/domains/new", name: "Add a domain", icon: "plus", also: "new" },
  { path: "/admin/api-keys#new", name: "Make an API key", icon: "plus", also: "new token" },
  { path: "/admin/webhooks/new", name: "Add a webhook", icon: "plus", also: "new endpoint" },
  { path: "/admin/suppressions/new", name: "Suppress an address", icon: "plus", also: "new block" },
];

const mostOfAKind = 5;

/** The command palette: places and commands by name, and what is found by what is typed. */
export const palettePages = (app: App) =>
  new Elysia({ prefix: "/palette" })
    .use(signedIn(app))
    .get("", ({ visit }) => visit.piece(h(Palette, { groups: ownGroups(app, visit, "") })))
    .get("/find", async ({ visit, query }) => {
      const text = (query.q ?? "").trim().slice(0, 200);
      const found = text.length < 2 ? [] : await find(app, visit, text);
      return visit.piece(h(PaletteResults, { groups: [...ownGroups(app, visit, text), ...found] }));
    });

interface Group {
  label: string;
  entries: PaletteEntry[];
}

function ownGroups(app: App, { role }: Visit, text: string): Group[] {
  const wanted = text.toLowerCase().split(/\s+/);
  const has = ({ name, also = "" }: PaletteEntry) => {
    const words = `${name} ${also}`.toLowerCase();
    return wanted.every((each) => words.includes(each));
  };
  const places = placesOf(app.sandbox).map((each) => ({ ...each, also: alsoOf[each.id] ?? "" }));
  return filled([
    // Nobody reads all of it: unasked, only what the navigation has.
    { label: "Go to", entries: [...places, ...(text === "" ? [] : parts)].filter(has) },
    { label: "Do", entries: atLeast(role, "developer") ? commands.filter(has) : [] },
  ]);
}

/** Of what a team has few of, so many of the newest are looked at. */
const few = { limit: 100 };

async function find(app: App, { teamId }: Visit, text: string): Promise<Group[]> {
  const page = { limit: mostOfAKind };
  const [{ emails }, contacts, received, templates, broadcasts, ...named] = await Promise.all([
    searchEmails(app, teamId, { text }, page),
    searchContacts(app, teamId, text, page).catch(nothingFor),
    findReceivedBy(app, teamId, "email", text, page),
    findTemplatesBy(app, teamId, text, page),
    findBroadcastsBy(app, teamId, { search: text }, page),
    listSegments(app, teamId, few),
    listTopics(app, teamId, few),
    listDomains(app, teamId, few),
    listTeamKeys(app, teamId, few),
    getWebhooks(app, teamId, few),
  ]);
  const [segments, topics, domains, keys, webhooks] = named;
  const wanted = text.toLowerCase();
  const of = (place: string, icon: IconName, rows: { id: string; name: string | null }[]) =>
    rows
      .filter(({ name }) => (name ?? "").toLowerCase().includes(wanted))
      .slice(0, mostOfAKind)
      .map(({ id, name }) => ({ path: `/admin/${place}/${id}`, name: name || "Untitled", icon }));
  return filled([
    {
      label: "Emails",
      entries: emails.map((email) => ({
        ...{ path: foundPath(email), name: email.subject || "(no subject)", icon: "email" as const },
        detail: email.recipients[0] ?? "",
      })),
    },
    {
      label: "Received",
      entries: received.emails.map(({ id, subject, sender }) => ({
        ...{ path: `/admin/receiving/${id}`, name: subject || "(no subject)", icon: "inbox" as const },
        detail: sender ?? "",
      })),
    },
    {
      label: "Contacts",
      entries: contacts.slice(0, mostOfAKind).map(({ id, email, firstName, lastName }) => ({
        ...{ path: `/admin/contacts/${id}`, name: email, icon: "people" as const },
        detail: [firstName, lastName].filter(Boolean).join(" "),
      })),
    },
    { label: "Segments", entries: of("segments", "filter", segments) },
    { label: "Topics", entries: of("topics", "topic", topics) },
    { label: "Templates", entries: of("templates", "template", templates.rows) },
    // By subject, too: they are not asked for their names again.
    {
      label: "Broadcasts",
      entries: broadcasts.rows.map(({ id, name }) => ({
        ...{ path: `/admin/broadcasts/${id}`, name: name || "Untitled", icon: "broadcast" as const },
      })),
    },
    { label: "Domains", entries: of("domains", "domain", domains) },
    { label: "API keys", entries: of("api-keys", "key", keys) },
    {
      label: "Webhooks",
      entries: of(
        "webhooks",
        "webhook",
        webhooks.map(({ id, endpoint }) => ({ id, name: endpoint })),
      ),
    },
  ]);
}

const filled = (groups: Group[]) => groups.filter(({ entries }) => entries.length > 0);

/** What can't be a contact's name finds none. */
function nothingFor(error: unknown): never[] {
  if (error instanceof Refusal) return [];
  throw error;
}
