/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ComponentChildren } from "preact";
import { assetUrl } from "../assets/index.ts";
import { Icon, type IconName } from "./parts/icon.tsx";

/** The navigation, in groups; the sandbox's inbox is there only where there is one. */
const navigation = [
  { label: undefined, places: [{ id: "overview", path: "/admin", name: "Overview", icon: "overview" }] },
  {
    label: "Sending",
    places: [
      { id: "emails", path: "/admin/emails", name: "Emails", icon: "email" },
      { id: "broadcasts", path: "/admin/broadcasts", name: "Broadcasts", icon: "broadcast" },
      { id: "templates", path: "/admin/templates", name: "Templates", icon: "template" },
      { id: "queue", path: "/admin/queue", name: "Queue", icon: "queue" },
      { id: "suppressions", path: "/admin/suppressions", name: "Suppressions", icon: "suppression" },
      { id: "metrics", path: "/admin/metrics", name: "Metrics", icon: "chart" },
    ],
  },
  {
    label: "Receiving",
    places: [{ id: "receiving", path: "/admin/receiving", name: "Received", icon: "inbox" }],
  },
  {
    label: "Audience",
    places: [
      { id: "contacts", path: "/admin/contacts", name: "Contacts", icon: "people" },
      { id: "segments", path: "/admin/segments", name: "Segments", icon: "filter" },
      { id: "topics", path: "/admin/topics", name: "Topics", icon: "topic" },
      { id: "properties", path: "/admin/properties", name: "Properties", icon: "tag" },
    ],
  },
  {
    label: "Setting up",
    places: [
      { id: "domains", path: "/admin/domains", name: "Domains", icon: "domain" },
      { id: "api-keys", path: "/admin/api-keys", name: "API keys", icon: "key" },
      { id: "webhooks", path: "/admin/webhooks", name: "Webhooks", icon: "webhook" },
      { id: "logs", path: "/admin/logs", name: "Logs", icon: "log" },
      { id: "docs", path: "/admin/docs", name: "Documentation", icon: "book" },
      { id: "settings", path: "/admin/settings", name: "Settings", icon: "settings" },
    ],
  },
] as const;

const sandboxPlace = {
  id: "sandbox",
  path: "/admin/sandbox",
  name: "Sandbox inbox",
  icon: "sandbox",
} as const;

export type NavPlace = (typeof navigation)[number]["places"][number]["id"] | typeof sandboxPlace.id;

export interface ShellProps {
  title: string;
  place: NavPlace;
  /** The page's own path, without what was asked of it. */
  path: string;
  user: { name: string; email: string };
  role: string;
  team: { id: string; name: string };
  teams: { id: string; name: string }[];
  theme: "system" | "light" | "dark";
  isSandbox: boolean;
  csrf: string;
  /** What was just done. */
  notice: string | undefined;
  /** Scripts that only this page needs. */
  scripts: readonly string[];
  /** Where the page's live pieces come from. */
  live: string | undefined;
}

/** The frame of every page of the admin for somebody who is signed in. */
export function Shell(props: ShellProps & { children?: ComponentChildren }) {
  const { title, path, place, csrf, notice, live, isSandbox, theme, scripts, children } = props;
  return (
    <Document title={title} theme={theme} scripts={scripts} csrf={csrf}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <button type="button" class="plain menu" popovertarget="nav" aria-label="Menu">
          <Icon name="menu" />
        </button>
        <a class="brand" href="/admin">
          <img src={assetUrl("logo.svg")} alt="" width="22" height="22" />
          MailIt
        </a>
        <TeamMenu {...props} />
        {isSandbox && (
          <span class="badge info" title="Nothing leaves this machine">
            Sandbox
          </span>
        )}
        <span class="stretch" />
        <button type="button" class="plain find" data-palette aria-haspopup="dialog">
          <Icon name="search" />
          <span>Search</span>
          <kbd>Ctrl K</kbd>
        </button>
        <ThemeSwitch theme={theme} />
        <PersonMenu {...props} />
      </header>
      <nav id="nav" popover="auto" aria-label="Main">
        <Navigation place={place} isSandbox={isSandbox} />
      </nav>
      <main id="main" tabindex={-1}>
        <div id="problem" role="alert" />
        {notice && (
          <p class="notice" role="status">
            {notice}
          </p>
        )}
        {children}
      </main>
      {live && (
        <>
          <p id="not-live" class="not-live" role="status" hx-sse:connect={live} hx-swap="none" hidden>
            Not live. This page tries again by itself.
          </p>
          <p id="signed-out" class="not-live" role="status" hidden>
            You are signed out. <a href={path}>Sign in again</a>
          </p>
        </>
      )}
      <dialog id="palette" class="palette" aria-label="Search and commands" data-source="/admin/palette" />
    </Document>
  );
}

/** What is around every page, signed in or not. */
export function Document({
  title,
  theme,
  scripts = [],
  csrf,
  children,
}: {
  title: string;
  theme: ShellProps["theme"];
  scripts?: readonly string[];
  csrf?: string;
  children: ComponentChildren;
}) {
  return (
    <html lang="en" data-theme={theme}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          name="htmx-config"
          content='{"extensions":"sse","history":"reload","includeIndicatorCSS":false,"morphIgnore":["data-htmx-powered","open"]}'
        />
        <title>{`${title} · MailIt`}</title>
        <link rel="icon" href={assetUrl("logo.svg")} />
        <link rel="stylesheet" href={assetUrl("admin.css")} />
        {["htmx.js", "admin.js", ...scripts].map((name) => (
          <script src={assetUrl(name)} defer />
        ))}
      </head>
      <body {...(csrf && { "hx-headers:inherited": JSON.stringify({ "x-csrf-token": csrf }) })}>
        {children}
      </body>
    </html>
  );
}

function Navigation({ place, isSandbox }: { place: NavPlace; isSandbox: boolean }) {
  const groups: readonly { label: string | undefined; places: readonly Place[] }[] = isSandbox
    ? [...navigation, { label: "Sandbox", places: [sandboxPlace] }]
    : navigation;
  return (
    <>
      {groups.map(({ label, places }) => (
        <div class="group">
          {label && <h2>{label}</h2>}
          <ul>
            {places.map(({ id, path, name, icon }) => (
              <li>
                <a href={path} aria-current={id === place ? "page" : undefined}>
                  <Icon name={icon} />
                  {name}
                </a>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </>
  );
}

interface Place {
  id: NavPlace;
  path: string;
  name: string;
  icon: IconName;
}

/** Every place of the admin, for the command palette. */
export function placesOf(isSandbox: boolean): readonly Place[] {
  const places: readonly Place[] = navigation.flatMap((group): readonly Place[] => group.places);
  return isSandbox ? [...places, sandboxPlace] : places;
}

function TeamMenu({ team, teams, csrf }: ShellProps) {
  if (teams.length < 2) return <span class="team">{team.name}</span>;
  return (
    <>
      <button type="button" class="plain team" popovertarget="teams">
        {team.name}
      </button>
      <div id="teams" class="menu-list" popover="auto">
        <form method="post" action="/admin/team">
          <input type="hidden" name="csrf" value={csrf} />
          {teams.map(({ id, name }) => (
            <button type="submit" name="team" value={id} aria-current={id === team.id ? "true" : undefined}>
              {name}
            </button>
          ))}
        </form>
      </div>
    </>
  );
}

const themeNames = { system: "As the system", light: "Light", dark: "Dark" } as const;

export function ThemeSwitch({ theme }: { theme: ShellProps["theme"] }) {
  return (
    <>
      <button
        type="button"
        class="plain"
        popovertarget="themes"
        aria-label={`Colours: ${themeNames[theme].toLowerCase()}`}
      >
        <Icon name={theme} />
      </button>
      <div id="themes" class="menu-list" popover="auto">
        <form method="post" action="/admin/theme">
          {(["system", "light", "dark"] as const).map((each) => (
            <button
              type="submit"
              name="theme"
              value={each}
              aria-current={each === theme ? "true" : undefined}
            >
              <Icon name={each} />
              {themeNames[each]}
            </button>
          ))}
        </form>
      </div>
    </>
  );
}

function PersonMenu({ user, role, csrf }: ShellProps) {
  return (
    <>
      <button type="button" class="plain" popovertarget="person" aria-label={`Account of ${user.name}`}>
        <Icon name="person" />
      </button>
      <div id="person" class="menu-list" popover="auto">
        <p>
          <strong>{user.name}</strong>
          <br />
          <span class="quiet">
            {user.email}, {role}
          </span>
        </p>
        <a href="/admin/settings/account">Your account</a>
        <form method="post" action="/admin/sign-out">
          <input type="hidden" name="csrf" value={csrf} />
          <button type="submit">Sign out</button>
        </form>
      </div>
    </>
  );
}
