import { describe, expect, test } from "bun:test";
import { basename } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { type Import, importsOf, readSources, type Source } from "./support/sources.ts";

/** The product's nouns; each may use those before it. */
const rooms = [
  ...[
    "events",
    "logs",
    "audit",
    "accounts",
    "keys",
    "domains",
    "suppressions",
    "templates",
    "contacts",
    "emails",
    "inbound",
    "invitations",
  ],
  ...["broadcasts", "delivery", "tracking", "sandbox", "webhooks", "metrics", "people"],
];
const doors = ["api", "admin", "public", "listeners"];

/**
 * The places from left to right; a file imports from its own place and from places further right. Places in one group
 * stand side by side and don't know each other.
 */
const order: string[][] = [
  ["main"],
  ["cli"],
  ["open-app"],
  ["work", ...doors],
  ["views"],
  ...rooms.toReversed().map((room) => [room]),
  ["jobs"],
  ["app"],
  ["threads"],
  ["http"],
  ["smtp", "dns", "blobs", "mail", "csv"],
  ["db"],
  ["config"],
  ["signed-link"],
  ["secrets", "log", "meters"],
  [
    "errors",
    "ids",
    "roles",
    "client-address",
    "sync-folder",
    "byte-budget",
    "per-app",
    "html-of",
    "short-memory",
    "migrations",
    "assets",
    "package.json",
  ],
];
const rank = new Map(order.flatMap((group, index) => group.map((place) => [place, index] as const)));

/** Of the libraries the wire is written with, threads know `mail/` alone and `http/` asks `dns/`; `mail/` is bytes in, bytes out. */
const onlyKnows: Record<string, string[]> = {
  mail: ["errors", "ids"],
  http: ["dns"],
  threads: ["mail", "config", "secrets", "log", "errors", "ids"],
};

const sources = (await readSources()).filter(({ path }) => !path.endsWith(".d.ts"));
const program = sources.filter(({ isTest }) => !isTest);

/** `src/emails/send.ts` is in emails, `src/app.ts` in app, `views/layout.tsx` in views. */
function placeOf(path: string): string {
  const [top, next = ""] = path.split("/");
  return top === "src" ? next.replace(/\.ts$/, "") : (top ?? "");
}

/** Why an import is not as the order has it; undefined when it is. */
function objection(from: string, { to, isOurs, isTypeOnly }: Import): string | undefined {
  if (!isOurs) return undefined;
  const [here, there] = [placeOf(from), placeOf(to)];
  if (here === there) return undefined;
  if (here === "views" && rooms.includes(there) && !isTypeOnly) return "views take only types from rooms";
  if (here === "views" && there !== "assets" && !rooms.includes(there))
    return "views know nothing but rooms' types and what is served beside them";
  if (there === "views" && here !== "admin" && here !== "public") return "views hang off admin and public";
  const knows = onlyKnows[here];
  if (knows && !knows.includes(there)) return `${here} knows only ${knows.join(", ")}`;
  const [left, right] = [rank.get(here), rank.get(there)];
  if (left === undefined || right === undefined) return "one of them has no place in the order";
  return left < right ? undefined : "the arrow runs back";
}

/** One line for everything in `files` that `look` objects to. */
function complaints(files: Source[], look: (source: Source) => string[]): string[] {
  return files.flatMap((source) => look(source).map((complaint) => `${source.path}: ${complaint}`));
}

test("every file of the program has a place in the order", () => {
  const homeless = program.map(({ path }) => path).filter((path) => !rank.has(placeOf(path)));
  expect(homeless).toEqual([]);
});

test("no import runs back", () => {
  const backwards = complaints(program, ({ path, imports }) =>
    imports.flatMap((each) => {
      const why = objection(path, each);
      return why ? [`${each.to}: ${why}`] : [];
    }),
  );
  expect(backwards).toEqual([]);
});

describe("the order", () => {
  const says = (path: string, text: string) => importsOf(path, text).map((each) => objection(path, each));

  test("lets a room use an earlier room and not a later one, not even its types", () => {
    expect(says("src/emails/send.ts", 'import { suppress } from "../suppressions/service.ts";')).toEqual([
      undefined,
    ]);
    expect(
      says("src/suppressions/service.ts", 'import type {\n  Email,\n} from "../emails/schema.ts";'),
    ).toEqual(["the arrow runs back"]);
    expect(says("src/events/record.ts", 'export { send } from "../emails/send.ts";')).toEqual([
      "the arrow runs back",
    ]);
  });

  test("sees what is imported or started at run time", () => {
    expect(says("src/db/open.ts", 'const app = await import("../app.ts");')).toEqual(["the arrow runs back"]);
    expect(says("src/app.ts", 'new Worker(new URL("./threads/message-worker.ts", import.meta.url))')).toEqual(
      [undefined],
    );
  });

  test("keeps doors apart, and views from everything but the types of rooms", () => {
    expect(says("src/api/emails.ts", 'import { page } from "../admin/page.ts";')).toEqual([
      "the arrow runs back",
    ]);
    expect(says("views/emails.tsx", 'import { type Email } from "../src/emails/schema.ts";')).toEqual([
      undefined,
    ]);
    expect(says("views/emails.tsx", 'import { emails } from "../src/emails/schema.ts"; emails;')).toEqual([
      "views take only types from rooms",
    ]);
  });

  test("keeps mail pure", () => {
    expect(says("src/mail/dkim.ts", 'import { openDb } from "../db/open.ts"; openDb();')).toEqual([
      "mail knows only errors, ids",
    ]);
  });
});

test("what turns bytes into bytes asks no clock, network, disk or database", () => {
  const impure = /^(node:)?(net|tls|http|https|dns|fs|dgram|child_process)(\/|$)|^bun(:sqlite)?$/;
  const asking = /\bDate\.now\(|\bnew Date\(\)|\bfetch\(|\bBun\.(file|connect|listen|spawn)\b/;
  const mail = program.filter(({ path }) => placeOf(path) === "mail");
  expect(
    complaints(mail, ({ imports, text }) => [
      ...imports.filter(({ to }) => impure.test(to)).map(({ to }) => `imports ${to}`),
      ...(asking.exec(text) ?? []).slice(0, 1),
    ]),
  ).toEqual([]);
});

test("the program imports nothing of its tests and no package that isn't its own dependency", () => {
  const packages = Object.keys(manifest.dependencies);
  const isDependency = (name: string) =>
    packages.some((each) => name === each || name.startsWith(`${each}/`));
  expect(
    complaints(program, ({ imports }) =>
      imports
        .filter(({ to, isOurs }) =>
          isOurs ? /^(test|bench)\/|\.test\.tsx?$/.test(to) : to === "bun:test" || !isGiven(to, isDependency),
        )
        .map(({ to }) => `imports ${to}`),
    ),
  ).toEqual([]);
});

/** Bun's and Node's own modules are asked for by their prefix, so that no package can stand in for one. */
function isGiven(name: string, isDependency: (name: string) => boolean): boolean {
  return name === "bun" || name.startsWith("bun:") || name.startsWith("node:") || isDependency(name);
}

test("no file is called after nothing in particular", () => {
  const vague = /^(utils?|helpers?|common|types|misc|shared)(\.|$)/;
  const named = sources.filter(({ path }) => path.split("/").some((part) => vague.test(part)));
  expect(named.map(({ path }) => path)).toEqual([]);
});

test("file names are kebab-case", () => {
  const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*\.tsx?$/;
  const named = sources.filter(({ path }) => !kebab.test(basename(path).replace(/^\d+_/, "")));
  expect(named.map(({ path }) => path)).toEqual([]);
});

test("exports have names", () => {
  const unnamed = program.filter(({ text }) => /^export default\b/m.test(text));
  expect(unnamed.map(({ path }) => path)).toEqual([]);
});

test("only commands write to the terminal", () => {
  const talkative = program.filter(
    ({ path, text }) => placeOf(path) !== "cli" && /^\s*console\./m.test(text),
  );
  expect(talkative.map(({ path }) => path)).toEqual([]);
});
