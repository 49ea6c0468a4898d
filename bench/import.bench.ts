/**
 * A CSV file of 1 GB, made on the way, imported by HTTP into the executable: how much memory it takes meanwhile, and how
 * long. Some columns are imported, one is not, as in files that come from elsewhere; some rows are wrong.
 */
import { readFileSync } from "node:fs";
import { startBench } from "./account.ts";
import { report } from "./report.ts";

const bytesWanted = Number(process.env.BENCH_IMPORT_BYTES ?? 1_000_000_000);
const boundary = "----mailit-bench";
const chunkBytes = 256 * 1024;

const { key, mailit } = await startBench({ env: { MAILIT_SERVER_MAX_IMPORT_BYTES: "2GB" } });
const headers = { authorization: `Bearer ${key}` };
const url = `${mailit.url}/contacts/imports`;

let most = 0;
const idle = rss();
const watching = setInterval(() => {
  most = Math.max(most, rss());
}, 20);

let rows = 0;
let wrong = 0;
const uploadFrom = performance.now();
const form = { ...headers, "content-type": `multipart/form-data; boundary=${boundary}` };
const answer = await fetch(url, { method: "POST", headers: form, body: asStream(pieces()) });
const { id } = await answer.json();
if (answer.status !== 201) throw new Error(`the file was not taken: ${answer.status}`);
const uploadSeconds = (performance.now() - uploadFrom) / 1_000;
const mostOfUpload = most;

const importFrom = performance.now();
let row = { status: "", counts: { total: 0, created: 0, failed: 0 } };
while (row.status !== "completed") {
  await Bun.sleep(500);
  row = await (await fetch(`${url}/${id}`, { headers })).json();
  if (row.status === "failed") throw new Error(JSON.stringify(row));
}
const importSeconds = (performance.now() - importFrom) / 1_000;
clearInterval(watching);
const { total, created, failed } = row.counts;
if (total !== rows || failed !== wrong || created !== rows - wrong) {
  throw new Error(`of ${rows} rows, ${wrong} of them wrong, came ${JSON.stringify(row.counts)}`);
}
await mailit.stop();

report([
  { what: "memory, before", value: idle, unit: "MB" },
  {
    what: "memory at most, while the file comes in",
    value: mostOfUpload,
    unit: "MB",
    budget: { atMost: 400 },
  },
  { what: "memory at most, while it is worked on", value: most, unit: "MB", budget: { atMost: 400 } },
  { what: "the file comes in", value: bytesWanted / 1e6 / uploadSeconds, unit: "MB/s" },
  { what: "contacts imported", value: total / importSeconds, unit: "rows/s" },
  { what: "  all of them", value: importSeconds, unit: "s", note: `${total.toLocaleString("en")} rows` },
]);
process.exit(0);

/** In MB, as the system sees it. */
function rss(): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${mailit.pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1_024;
}

function asStream(made: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await made.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

/** The form, a piece at a time. */
async function* pieces(): AsyncGenerator<Uint8Array> {
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="contacts.csv"\r\ncontent-type: text/csv\r\n\r\n`;
  yield Buffer.from(`${head}email,first_name,last_name,notes\r\n`);
  const notes = `"Said ""hello"", and\r\n${"left again. ".repeat(70)}"`;
  for (let sent = 0; sent < bytesWanted; ) {
    let piece = "";
    while (piece.length < chunkBytes) {
      const isWrong = rows % 10_000 === 9_999;
      piece += `${isWrong ? "no address" : `user${rows}@domain${rows % 500}.test`},First${rows},Last,${notes}\r\n`;
      rows++;
      if (isWrong) wrong++;
    }
    sent += piece.length;
    yield Buffer.from(piece);
  }
  yield Buffer.from(`\r\n--${boundary}--\r\n`);
}
