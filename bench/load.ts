/** A load of HTTP requests over kept connections, light enough to leave the CPU to the server. */

export interface LoadResult {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  failures: number;
}

export interface Load {
  port: number;
  connections: number;
  requests: number;
  /** The bytes of the n-th request, head and body. */
  request(n: number): Uint8Array;
}

/** Sends `requests` requests, each connection one at a time, and waits for every answer. */
export async function load({ port, connections, requests, request }: Load): Promise<LoadResult> {
  const latencies = new Float64Array(requests);
  let sent = 0;
  let answered = 0;
  let failures = 0;
  const made = madeBeforehand(requests, request);
  const started = performance.now();
  await new Promise<void>((resolve, reject) => {
    const next = (socket: { write(data: Uint8Array): number; data: Connection }) => {
      if (sent === requests) return;
      socket.data.n = sent++;
      socket.data.startedAt = performance.now();
      const bytes = made?.[socket.data.n] ?? request(socket.data.n);
      const written = socket.write(bytes);
      socket.data.rest = written < bytes.length ? bytes.subarray(written) : undefined;
    };
    for (let i = 0; i < connections; i++) {
      void Bun.connect<Connection>({
        hostname: "127.0.0.1",
        port,
        data: { n: 0, startedAt: 0, heard: undefined, rest: undefined },
        socket: {
          open: next,
          drain(socket) {
            if (!socket.data.rest) return;
            const written = socket.write(socket.data.rest);
            socket.data.rest =
              written < socket.data.rest.length ? socket.data.rest.subarray(written) : undefined;
          },
          data(socket, bytes) {
            const { heard } = socket.data;
            const all = heard ? Buffer.concat([heard, bytes]) : bytes;
            const status = completeStatus(all);
            socket.data.heard = status === undefined ? all : undefined;
            if (status === undefined) return;
            if (status !== 200) failures++;
            latencies[socket.data.n] = performance.now() - socket.data.startedAt;
            if (++answered === requests) return resolve();
            next(socket);
          },
          error: (_socket, error) => reject(error),
          close() {
            if (answered < requests) reject(new Error("the server closed a connection"));
          },
        },
      }).catch(reject);
    }
  });
  const seconds = (performance.now() - started) / 1000;
  latencies.sort();
  return {
    requestsPerSecond: requests / seconds,
    p50Ms: latencies[Math.floor(requests * 0.5)]!,
    p99Ms: latencies[Math.floor(requests * 0.99)]!,
    failures,
  };
}

interface Connection {
  n: number;
  startedAt: number;
  /** The beginning of an answer, where it comes in pieces. */
  heard: Buffer | undefined;
  rest: Uint8Array | undefined;
}

/** The status of an answer once all of it is there. */
function completeStatus(heard: Buffer): number | undefined {
  const end = heard.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const head = heard.toString("latin1", 0, end);
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return heard.length >= end + 4 + length ? Number(head.slice(9, 12)) : undefined;
}

/** The bytes of a JSON request with a key. */
export function jsonRequest(
  path: string,
  key: string,
  body: unknown,
  headers: Record<string, string> = {},
): Uint8Array {
  const text = JSON.stringify(body);
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n${more.join("")}\r\n${text}`,
  );
}

export function getRequest(path: string, key: string): Uint8Array {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${key}\r\n\r\n`);
}

const mostMadeBytes = 200_000_000;

/** To make requests while the clock runs costs the cores that the server shares with us; large ones would not fit into memory. */
function madeBeforehand(count: number, request: Load["request"]): Uint8Array[] | undefined {
  if (request(0).length * count > mostMadeBytes) return undefined;
  return Array.from({ length: count }, (_, n) => request(n));
}
