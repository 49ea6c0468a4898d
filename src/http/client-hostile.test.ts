import { describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { dnsTable } from "../../test/support/dns-table.ts";
import { startRawHost } from "../../test/support/https-host.ts";
import { type HttpAnswer, type HttpRequest, makeHttpClient } from "./client.ts";

/** Asks a host that speaks as the test says, and waits until it has been hung up on. */
async function ask(speak: (socket: Socket) => void, wish: Partial<HttpRequest> = {}): Promise<HttpAnswer> {
  await using host = await startRawHost(speak);
  const client = makeHttpClient({
    dns: dnsTable({ "hook.test A": "127.0.0.1" }),
    allowPrivateAddresses: () => true,
    ports: { 80: host.port, 443: host.port },
  });
  const answer = await client.request({
    url: "http://hook.test/",
    timeoutMs: 5_000,
    maxBytes: 1000,
    ...wish,
  });
  await host.waitUntilIdle();
  return answer;
}

/** Writes these bytes again and again until the other side hangs up. */
function endlessly(socket: Socket, bytes: string): void {
  const block = bytes.repeat(Math.ceil(200_000 / bytes.length)); // more than a socket buffers: 'drain' follows
  const write = () => void (socket.writable && socket.write(block));
  socket.on("drain", write);
  write();
}

/** Writes the bytes, and then the same few bytes whenever a moment has passed. */
function drip(socket: Socket, start: string, drop: string): void {
  socket.write(start);
  const timer = setInterval(() => socket.writable && socket.write(drop), 2);
  socket.once("close", () => clearInterval(timer));
}

const ok = "HTTP/1.1 200 OK\r\n";
const failed = (reason: string) => ({ kind: "failed", reason }) as const;

describe("time runs out for a host", () => {
  const soon = { timeoutMs: 60 };
  const late = failed(expect.stringMatching(/^no (complete )?answer within 0.06 s$/));

  test("that says nothing", async () => {
    expect(await ask(() => {}, soon)).toEqual(late);
  });

  test("that never shakes hands", async () => {
    expect(await ask(() => {}, { ...soon, url: "https://hook.test/" })).toEqual(late);
  });

  test("whose headers drip", async () => {
    expect(await ask((socket) => drip(socket, ok, "a:b\r\n"), soon)).toEqual(late);
  });

  test("whose body drips", async () => {
    const speak = (socket: Socket) => drip(socket, `${ok}Content-Length: 900\r\n\r\n`, "a");
    expect(await ask(speak, soon)).toEqual(late);
  });

  test("that stops in the middle of its body", async () => {
    const speak = (socket: Socket) => void socket.write(`${ok}Content-Length: 10\r\n\r\nhello`);
    expect(await ask(speak, soon)).toEqual(late);
  });
});

describe("a body", () => {
  const endless = (socket: Socket) => {
    socket.write(`${ok}X-A: b\r\n\r\n`);
    endlessly(socket, "x");
  };
  const tooBig = failed("the answer is larger than 1000 bytes");

  test("without end is too large", async () => {
    expect(await ask(endless)).toEqual(tooBig);
  });

  test("without end is cut off where the caller wants no more", async () => {
    const answer = await ask(endless, { onTooBig: "cut" });
    expect(answer).toMatchObject({ kind: "answered", status: 200, isCut: true });
    expect(answer.kind === "answered" && answer.body.length).toBe(1000);
  });

  test("without end is cut off where the caller has no more room, and no byte is kept without being asked for", async () => {
    let room = 100_000; // less than the host writes before it waits for us
    const mayKeep = (bytes: number) => {
      if (bytes > room) return false;
      room -= bytes;
      return true;
    };
    const answer = await ask(endless, { onTooBig: "cut", maxBytes: 1_000_000, mayKeep });
    expect(answer).toMatchObject({ kind: "answered", isCut: true });
    expect(answer.kind === "answered" && answer.body.length).toBe(100_000 - room);
  });

  test("in chunks without end is too large", async () => {
    const chunks = (socket: Socket) => {
      socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n`);
      endlessly(socket, `80\r\n${"x".repeat(128)}\r\n`);
    };
    expect(await ask(chunks)).toEqual(tooBig);
  });

  test("that is announced as too large is not waited for", async () => {
    expect(await ask((socket) => void socket.write(`${ok}Content-Length: 1001\r\n\r\n`))).toEqual(tooBig);
  });

  test("of exactly the largest size is whole", async () => {
    const speak = (socket: Socket) => void socket.end(`${ok}Content-Length: 1000\r\n\r\n${"x".repeat(1000)}`);
    expect(await ask(speak)).toMatchObject({ kind: "answered", isCut: false });
  });

  test("that ends too early is no answer", async () => {
    const speak = (socket: Socket) => void socket.end(`${ok}Content-Length: 10\r\n\r\nhello`);
    expect(await ask(speak)).toEqual(failed("the connection broke off"));
  });
});

describe("no answer is", () => {
  const large = failed("the headers of the answer are larger than 16 KiB");

  test("a header without end", async () => {
    const speak = (socket: Socket) => {
      socket.write(`${ok}X-A: `);
      endlessly(socket, "a");
    };
    expect(await ask(speak)).toEqual(large);
  });

  test("headers without end", async () => {
    const speak = (socket: Socket) => {
      socket.write(ok);
      endlessly(socket, "X-A: b\r\n");
    };
    expect(await ask(speak)).toEqual(large);
  });

  test("interim answers without end", async () => {
    const reason = "the answer is preceded by too many interim ones";
    expect(await ask((socket) => endlessly(socket, "HTTP/1.1 103 Early Hints\r\n\r\n"))).toEqual(
      failed(reason),
    );
  });

  test("a change to another protocol", async () => {
    const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    expect(await ask((socket) => void socket.write(switching))).toEqual(
      failed("the answer asks for another protocol than HTTP"),
    );
  });

  test.each([
    "220 mx.hook.test ESMTP\r\n",
    "hello\r\n",
    `${ok}Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi`,
    `${ok}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
  ])("what HTTP does not allow: %j", async (bytes) => {
    expect(await ask((socket) => void socket.write(bytes))).toEqual(failed("the answer is not HTTP"));
  });

  test("a connection that is closed or reset", async () => {
    const broken = failed("the connection broke off");
    expect(await ask((socket) => socket.destroy())).toEqual(broken);
    expect(await ask((socket) => socket.resetAndDestroy())).toEqual(broken);
  });

  test("plain text where TLS should be", async () => {
    const answer = await ask((socket) => void socket.end(`${ok}\r\n`), { url: "https://hook.test/" });
    expect(answer).toEqual(failed("no encrypted connection could be made"));
  });
});
