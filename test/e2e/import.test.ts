/** A file of contacts that is larger than the memory the executable may take, made on its way. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { startSandbox, storyMs, until } from "./story.ts";

setDefaultTimeout(storyMs);

const rows = 10_000;
const budgetMb = 400;
const boundary = "----mailit-test";

/** The form, a piece at a time: 300 MB, most of it in a column that is not imported. */
async function* pieces(): AsyncGenerator<Uint8Array> {
  const part = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="contacts.csv"\r\n`;
  yield Buffer.from(`${part}content-type: text/csv\r\n\r\nemail,first_name,notes\r\n`);
  const notes = `"${'Said ""hello"",\r\nand left. '.repeat(1_150)}"`;
  for (let n = 0; n < rows; n++) {
    yield Buffer.from(`${n % 1_000 === 999 ? "no address" : `user${n}@lane.test`},First${n},${notes}\r\n`);
  }
  yield Buffer.from(`--${boundary}--\r\n`);
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

test("a file of 300 MB is taken and worked on in less memory than it has", async () => {
  await using story = await startSandbox();
  const { mailit, setup, api } = story;
  /** The most that the program has ever had in memory, in MB. */
  const most = () =>
    Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${mailit.pid}/status`, "utf8"))![1]) / 1_024;
  const answer = await fetch(`${mailit.url}/contacts/imports`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${setup.api_key}`,
      "content-type": `multipart/form-data; boundary=${boundary}`,
    },
    body: asStream(pieces()),
  });
  expect(answer.status).toBe(201);
  const { id } = (await answer.json()) as { id: string };
  const done = await until(
    "it is imported",
    async () => {
      const { body } = await api.get(`/contacts/imports/${id}`);
      return body.status === "completed" || body.status === "failed" ? body : undefined;
    },
    120,
  );
  expect(done).toMatchObject({ status: "completed", error: null, progress: 1 });
  expect(done.counts).toMatchObject({ total: rows, created: rows - 10, failed: 10 });
  expect(most()).toBeLessThan(budgetMb);
}, 180_000);
