import { expect, test } from "bun:test";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { importFile } from "./import.ts";
import { beginImport, discardImport, keyFor, previewImport, uploadImport } from "./import-steps.ts";
import { forgetImports, getImport, IncomingFile } from "./imports.ts";
import { createProperty } from "./properties.ts";
import { getContact } from "./read.ts";

async function upload(app: TestApp, teamId: string, csv: string) {
  const file = await IncomingFile.open(app);
  try {
    await file.write(Buffer.from(csv));
    return await uploadImport(app, teamId, file);
  } finally {
    await file.discard();
  }
}

async function work(app: TestApp, id: string) {
  const ending = await importFile(app, id, new AbortController().signal);
  await atomically(app, ending.writes);
}

const csv = "E-Mail;Vorname;Seats;first_name\r\nada@example.com;Ada;12;Nobody\r\nbob@example.com;Bob;;\r\n";

eachTransport((_, open) => {
  const start = async () => {
    const app = await testApp({ transport: await open() });
    return { app, ...(await testTeam(app)) };
  };

  test("a file that has come is shown, and imported as somebody says", async () => {
    const { app, teamId } = await start();
    await createProperty(app, teamId, { key: "seats", type: "number" });
    const row = await upload(app, teamId, csv);
    expect(await previewImport(app, row)).toEqual({
      columns: [
        { name: "E-Mail", field: "email" },
        { name: "Vorname", field: undefined },
        { name: "Seats", field: "properties.seats" },
        { name: "first_name", field: "first_name" },
      ],
      rows: [
        ["ada@example.com", "Ada", "12", "Nobody"],
        ["bob@example.com", "Bob", "", ""],
      ],
    });
    const map = {
      ...{ email: "E-Mail", first_name: "Vorname", last_name: "" },
      properties: { seats: { column: "Seats", type: "number" } },
    };
    await beginImport(app, teamId, row.id, { column_map: JSON.stringify(map) });
    await work(app, row.id);
    expect(await getImport(app, teamId, row.id)).toMatchObject({
      status: "completed",
      created: 2,
      failed: 0,
    });
    expect(await getContact(app, teamId, "ada@example.com")).toMatchObject({
      ...{ firstName: "Ada", lastName: null, properties: { seats: 12 } },
    });
  });

  test("nothing is done with a file before somebody says so, and it begins once", async () => {
    const { app, teamId } = await start();
    const row = await upload(app, teamId, "email\nada@example.com\n");
    expect(
      await app.transport.query("select count(*) from jobs where id = ?", [row.id], "values"),
    ).toMatchObject({
      rows: [[0]],
    });
    await beginImport(app, teamId, row.id, {});
    await expect(beginImport(app, teamId, row.id, {})).rejects.toThrow("has begun already");
    await expect(discardImport(app, teamId, row.id)).rejects.toThrow("has begun already");
  });

  test("a file begins only with a column of addresses, and only for its own team", async () => {
    const { app, teamId } = await start();
    const other = await testTeam(app);
    const row = await upload(app, teamId, csv);
    await expect(beginImport(app, teamId, row.id, {})).rejects.toThrow("missing required email column");
    await expect(beginImport(app, other.teamId, row.id, {})).rejects.toThrow("not found");
    await expect(discardImport(app, other.teamId, row.id)).rejects.toThrow("not found");
    expect(await getImport(app, teamId, row.id)).toMatchObject({ status: "uploaded" });
  });

  test("a file that is taken back is gone, and one that nobody begins is given up after a week", async () => {
    const { app, teamId } = await start();
    const [taken, left] = [
      await upload(app, teamId, "email\na@x.test\n"),
      await upload(app, teamId, "email\nb@x.test\n"),
    ];
    await discardImport(app, teamId, taken.id);
    await expect(getImport(app, teamId, taken.id)).rejects.toThrow("not found");
    app.clock.advance(6 * 24 * 3_600_000);
    await forgetImports(app);
    expect(await getImport(app, teamId, left.id)).toMatchObject({ status: "uploaded" });
    app.clock.advance(2 * 24 * 3_600_000);
    await forgetImports(app);
    expect(await getImport(app, teamId, left.id)).toMatchObject({ status: "failed", blobHash: null });
  });
});

test("what has no header is no file of contacts", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  for (const text of ["", "\n \n", ",,\n"]) {
    await expect(upload(app, teamId, text)).rejects.toThrow("whose first line names its columns");
  }
});

test("a column's name becomes a key", () => {
  expect(["Company size", "Größe (cm)", "__x__", "名前"].map(keyFor)).toEqual([
    "company_size",
    "gro_e_cm",
    "x",
    "",
  ]);
});
