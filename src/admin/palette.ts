import { Elysia } from "elysia";
import { h } from "preact";
import { Palette, type PaletteEntry, PaletteResults } from "../../views/palette.tsx";
import { placesOf } from "../../views/shell.tsx";
import type { App } from "../app.ts";
import { findBroadcastsBy } from "../broadcasts/read.ts";
import { searchContacts } from "../contacts/search.ts";
import { listDomains } from "../domains/service.ts";
import { searchEmails } from "../emails/search.ts";
import { Refusal } from "../errors.ts";
import { atLeast } from "../roles.ts";
import { findTemplatesBy } from "../templates/service.ts";
import { signedIn, type Visit } from "./visit.ts";

const commands: PaletteEntry[] = [
  { path: "/admin/emails/new", name: "Write an email", icon: "plus" },
  { path: "/admin/api-keys#new", name: "Make an API key", icon: "plus" },
  { path: "/admin/broadcasts/new", name: "Write a broadcast", icon: "plus" },
  { path: "/admin/domains/new", name: "Add a domain", icon: "plus" },
  { path: "/admin/contacts/imports", name: "Import contacts", icon: "plus" },
  { path: "/admin/settings/account", name: "Your account", icon: "person" },
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
  const wanted = text.toLowerCase();
  const mayWrite = atLeast(role, "developer");
  const has = ({ name }: PaletteEntry) => name.toLowerCase().includes(wanted);
  return filled([
    { label: "Go to", entries: [...placesOf(app.sandbox)].filter(has) },
    { label: "Do", entries: commands.filter((each) => has(each) && (mayWrite || each.icon !== "plus")) },
  ]);
}

async function find(app: App, { teamId }: Visit, text: string): Promise<Group[]> {
  const page = { limit: mostOfAKind };
  const wanted = text.toLowerCase();
  const [{ emails }, contacts, domains, templates, broadcasts] = await Promise.all([
    searchEmails(app, teamId, { text }, page),
    searchContacts(app, teamId, text, page).catch(nothingFor),
    listDomains(app, teamId, { limit: 100 }),
    findTemplatesBy(app, teamId, text, page),
    findBroadcastsBy(app, teamId, { search: text }, page),
  ]);
  const named = domains.filter(({ name }) => name.toLowerCase().includes(wanted)).slice(0, mostOfAKind);
  return filled([
    {
      label: "Emails",
      entries: emails.map(({ id, subject, recipients }) => ({
        ...{ path: `/admin/emails/${id}`, name: subject || "(no subject)", icon: "email" as const },
        detail: recipients[0] ?? "",
      })),
    },
    {
      label: "Contacts",
      entries: contacts.slice(0, mostOfAKind).map(({ id, email, firstName, lastName }) => ({
        ...{ path: `/admin/contacts/${id}`, name: email, icon: "people" as const },
        detail: [firstName, lastName].filter(Boolean).join(" "),
      })),
    },
    { label: "Domains", entries: named.map(({ id, name }) => entry("domains", id, name, "domain")) },
    {
      label: "Templates",
      entries: templates.rows.map(({ id, name }) => entry("templates", id, name, "template")),
    },
    {
      label: "Broadcasts",
      entries: broadcasts.rows.map(({ id, name }) =>
        entry("broadcasts", id, name || "Untitled", "broadcast"),
      ),
    },
  ]);
}

const entry = (place: string, id: string, name: string, icon: PaletteEntry["icon"]): PaletteEntry => ({
  ...{ path: `/admin/${place}/${id}`, name, icon },
});

const filled = (groups: Group[]) => groups.filter(({ entries }) => entries.length > 0);

/** What can't be a contact's name finds none. */
function nothingFor(error: unknown): never[] {
  if (error instanceof Refusal) return [];
  throw error;
}
