import { describe, expect, test } from "bun:test";
import { asc } from "drizzle-orm";
import fc from "fast-check";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { type App, atomically } from "../app.ts";
import { guardFormula, unguardFormula } from "../csv/formula.ts";
import { readCsvRows } from "../csv/rows.ts";
import { counters, events } from "../events/schema.ts";
import { addSuppression } from "./add.ts";
import { addAll } from "./changes.ts";
import { exportSuppressions } from "./export.ts";
import { importSuppressions } from "./import.ts";
import { type SuppressionReason, suppressions } from "./schema.ts";

async function* whole(file: string) {
  yield Buffer.from(file);
}

const importing = (
  app: App,
  teamId: string,
  file: string,
  defaults: { reason: SuppressionReason; expiresAt: Date | null } = { reason: "manual", expiresAt: null },
) => importSuppressions(app, teamId, readCsvRows(whole(file)), defaults);
const stored = (app: App) => app.db.select().from(suppressions).orderBy(asc(suppressions.id));
const exported = async (app: App, teamId: string) =>
  (await Array.fromAsync(exportSuppressions(app, teamId))).join("");
const lines = (count: number) => Array.from({ length: count }, (_, n) => `${n}@recipient.test`);

eachTransport((_name, open) => {
  test("a file is added in batches, each address with its event, and once however often it is imported", async () => {
    const app = await testApp({ transport: await open() });
    const { teamId } = await testTeam(app);
    await addSuppression(app, teamId, "3@recipient.test", {});
    const file = ["email", ...lines(1_203), "7@RECIPIENT.test"].join("\n");
    expect(await importing(app, teamId, file)).toEqual({
      counts: { total: 1_204, created: 1_202, existing: 2, failed: 0 },
      errors: [],
    });
    expect(await importing(app, teamId, file)).toMatchObject({ counts: { created: 0, existing: 1_204 } });
    expect(await stored(app)).toHaveLength(1_203);
    expect(await app.db.select().from(events)).toHaveLength(1_203);
    expect(await app.db.select().from(counters)).toMatchObject([
      { event: "suppression.added", total: 1_203 },
    ]);
  });

  test("who dies half-way leaves whole batches, and the next import does the rest", async () => {
    const app = await testApp({ transport: await open() });
    const { teamId } = await testTeam(app);
    async function* dying() {
      yield Buffer.from(["email", ...lines(800)].join("\n"));
      throw new Error("the power went");
    }
    const rows = readCsvRows(dying(), "utf-8", 1_000);
    const dead = importSuppressions(app, teamId, rows, { reason: "manual", expiresAt: null });
    await expect(dead).rejects.toThrow("the power went");
    expect(await stored(app)).toHaveLength(500);
    expect(await importing(app, teamId, ["email", ...lines(800)].join("\n"))).toMatchObject({
      counts: { created: 300, existing: 500 },
    });
  });
});

describe("columns", async () => {
  const app = await testApp();
  const readOne = async (file: string, defaults?: Parameters<typeof importing>[3]) => {
    const { teamId } = await testTeam(app);
    const result = await importing(app, teamId, file, defaults);
    const [row] = (await stored(app)).filter((each) => each.teamId === teamId);
    return { ...result, row };
  };

  test.each(["email", "Email", " E-Mail ", "address", "Email Address", "EMAIL_ADDRESS", "recipient"])(
    "the column %p holds addresses, wherever it stands",
    async (name) => {
      const { row } = await readOne(`note,${name}\nx,Ada <ada@example.com>\n`);
      expect(row).toMatchObject({ address: "ada@example.com", reason: "manual", createdAt: app.now() });
    },
  );

  test("what a line says of a suppression is kept", async () => {
    const id = "0190d4b8-0000-7000-8000-000000000000";
    const { row } = await readOne(
      `email,Origin,source_id,created_at,expires_at\nada@example.com,Complaint,${id},2020-01-02 03:04:05+00,2030-01-01T00:00:00Z`,
    );
    expect(row).toMatchObject({
      reason: "complaint",
      sourceId: id,
      createdAt: new Date("2020-01-02T03:04:05Z"),
      expiresAt: new Date("2030-01-01T00:00:00Z"),
    });
  });

  test("what a line says nothing of is as the request has it", async () => {
    const expiresAt = new Date("2031-01-01T00:00:00Z");
    const defaults = { reason: "unsubscribe" as const, expiresAt };
    const { row } = await readOne("email,origin,expires_at\nada@example.com,,\n", defaults);
    expect(row).toMatchObject({ reason: "unsubscribe", expiresAt });
    const own = await readOne("email,origin,expires_at\na@b.cc,bounce,2030-01-01T00:00:00Z\n", defaults);
    expect(own.row).toMatchObject({ reason: "bounce", expiresAt: new Date("2030-01-01T00:00:00Z") });
  });

  test("a reason in other services' words is no origin of ours, and no mistake", async () => {
    const file = (reason: string) => `reason,email\n${reason},ada@example.com\n`;
    expect((await readOne(file('"550 5.1.1, unknown"'))).row).toMatchObject({ reason: "manual" });
    expect((await readOne(file("Bounce"))).row).toMatchObject({ reason: "bounce" });
  });

  test("a creation that another machine's clock has ahead of ours is now", async () => {
    const { row } = await readOne("email,created_at\nada@example.com,2029-01-01T00:00:00Z\n");
    expect(row).toMatchObject({ createdAt: app.now() });
  });

  test("a file without a header is a list of addresses", async () => {
    const { row, counts } = await readOne("\nada@example.com,x\nbob@example.com,y\n");
    expect(row).toMatchObject({ address: "ada@example.com" });
    expect(counts).toMatchObject({ total: 2, created: 2 });
  });

  test.each(["", "\n\n", "name,phone\nAda,1\n", "PK\u0003\u0004\u0000", '"email\n'])(
    "the file %p has no addresses and is refused",
    async (file) => {
      expect(readOne(file)).rejects.toMatchObject({
        code: "validation_error",
        message: "CSV missing required email column",
      });
    },
  );
});

test("bad lines are told of, each with its number, and never stop the rest", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const file = [
    "email,origin,created_at,expires_at",
    "a@example.com,bounce,,",
    "nobody,,,",
    ",manual,,",
    "",
    "b@example.com,spam,,",
    "c@example.com,,yesterday,",
    "d@example.com,,,2026-02-30T00:00:00Z",
    "e@example.com,,,2026-03-01T12:00:00Z",
    "j\ufffdrg@example.com,,,",
    `${"x".repeat(500)},,,`,
    "z@example.com",
  ].join("\r\n");
  const time = "is not an ISO 8601 time with its time zone, such as `2026-08-05T11:52:01Z`.";
  expect(await importing(app, teamId, file)).toEqual({
    counts: { total: 10, created: 2, existing: 0, failed: 8 },
    errors: [
      { line: 3, message: "`nobody` is not an email address: it must follow `email@example.com`." },
      { line: 4, message: "There is no address in the line." },
      { line: 6, message: "The origin `spam` is none of bounce, complaint, unsubscribe, manual." },
      { line: 7, message: `The created_at \`yesterday\` ${time}` },
      { line: 8, message: `The expires_at \`2026-02-30T00:00:00Z\` ${time}` },
      { line: 9, message: "It has expired already, at 2026-03-01T12:00:00Z." },
      { line: 10, message: "`j\ufffdrg@example.com` is not text in UTF-8: save the file as UTF-8." },
      {
        line: 11,
        message: `\`${"x".repeat(80)}…\` is not an email address: it must follow \`email@example.com\`.`,
      },
    ],
  });
  expect((await stored(app)).map(({ address }) => address)).toEqual(["a@example.com", "z@example.com"]);
});

test("a hundred bad lines are told of, and all are counted", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const { counts, errors } = await importing(app, teamId, `email\n${"nobody\n".repeat(250)}`);
  expect(counts).toEqual({ total: 250, created: 0, existing: 0, failed: 250 });
  expect(errors).toHaveLength(100);
  expect(errors.at(-1)!.line).toBe(101);
});

test("what is exported comes back as it was, also what a spreadsheet would run", async () => {
  const app = await testApp();
  const [from, to] = [await testTeam(app), await testTeam(app)];
  const starts = ["=", "+", "-", "'", "'=", "''+", "'a", "a", "\uff1d", "ä", "#"];
  const rows = starts.map((start, n) => ({
    address: `${start}cmd|'/c'!a0@x${n}.test`,
    reason: (["bounce", "complaint", "unsubscribe", "manual"] as const)[n % 4]!,
    sourceId: n % 2 ? "0190d4b8-0000-7000-8000-000000000000" : null,
    expiresAt: n % 3 ? new Date("2030-01-01T00:00:00.001Z") : null,
    createdAt: new Date(1_700_000_000_000 + n),
  }));
  await atomically(app, addAll(app, from.teamId, rows));
  const file = await exported(app, from.teamId);
  expect(file.split("\r\n")[0]).toBe("email,origin,source_id,created_at,expires_at");
  expect(file).not.toMatch(/^"?[=+\-@\t\uff1d]/m);
  const { counts } = await importing(app, to.teamId, file);
  expect(counts).toEqual({ total: rows.length, created: rows.length, existing: 0, failed: 0 });
  const mine = (await stored(app)).filter(({ teamId }) => teamId === to.teamId);
  expect(mine.map(({ id, teamId, ...row }) => row).reverse()).toEqual(rows);
});

test("any cell comes through the guard against formulas as it was", () => {
  const cell = fc.string({ unit: fc.constantFrom(..."=+-@\t\r'a＝＠") });
  fc.assert(
    fc.property(cell, (text) => {
      expect(unguardFormula(guardFormula(text))).toBe(text);
      expect(guardFormula(text)).not.toMatch(/^[=+\-@\t\r＝＋－＠]/);
    }),
  );
});

test("an export holds all of the team's own, slice by slice, and nothing that is over", async () => {
  const app = await testApp();
  const [mine, theirs] = [await testTeam(app), await testTeam(app)];
  await importing(app, mine.teamId, lines(2_500).join("\n"));
  await addSuppression(app, mine.teamId, "over@recipient.test", { expiresIn: "1h" });
  await addSuppression(app, theirs.teamId, "theirs@recipient.test", {});
  app.clock.advance(3_600_000);
  const pieces = await Array.fromAsync(exportSuppressions(app, mine.teamId));
  expect(pieces.length).toBeGreaterThan(3);
  const addresses = pieces
    .join("")
    .trim()
    .split("\r\n")
    .slice(1)
    .map((line) => line.split(",")[0]!);
  expect(addresses).toEqual(lines(2_500).reverse());
  expect(await exported(app, theirs.teamId)).toMatch(/^email[^\n]*\n^theirs@recipient.test,[^\n]*\n$/m);
});
