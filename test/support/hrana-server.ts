import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HranaStream, type StreamRequest, sqlFault } from "./hrana-stream.ts";

export interface HranaServer {
  url: string;
  close(): Promise<void>;
}

export interface HranaServerOptions {
  /** Run on every connection, e.g. `pragma max_page_count = 20` for a full disk. */
  setUp?: string[];
}

interface PipelineRequest {
  baton?: string | null;
  requests: StreamRequest[];
}

/**
 * A libSQL server for tests: Hrana over HTTP, versions 2 and 3 in JSON, on a SQLite file of its own. As in sqld each
 * stream has a connection and with it a transaction of its own; a write that meets another's is answered SQLITE_BUSY
 * at once, where sqld waits first.
 */
export async function startHranaServer({ setUp = [] }: HranaServerOptions = {}): Promise<HranaServer> {
  const folder = mkdtempSync(join(tmpdir(), "mailit-hrana-"));
  const streams = new Map<string, HranaStream>();
  const idle: Database[] = [];

  function connect(): Database {
    const database = new Database(join(folder, "server.db"), { create: true, safeIntegers: true });
    for (const sql of ["pragma journal_mode = wal", "pragma synchronous = off", "pragma busy_timeout = 0"]) {
      database.run(sql);
    }
    for (const sql of ["pragma foreign_keys = on", ...setUp]) database.run(sql);
    return database;
  }

  /** The stream a baton stands for; each baton is good for one request. */
  function take(baton: string): HranaStream | undefined {
    const stream = streams.get(baton);
    streams.delete(baton);
    return stream;
  }

  function release(stream: HranaStream): void {
    stream.rollBack();
    idle.push(stream.database);
  }

  function answer(stream: HranaStream, request: StreamRequest) {
    try {
      return { type: "ok", response: { type: request.type, ...stream.answer(request) } };
    } catch (error) {
      return { type: "error", error: sqlFault(error) };
    }
  }

  function runPipeline({ baton, requests }: PipelineRequest): Response {
    const stream = baton ? take(baton) : new HranaStream(idle.pop() ?? connect());
    if (!stream)
      return Response.json({ message: "Received an invalid baton", code: "BATON_INVALID" }, { status: 400 });
    const results = requests.map((request) => answer(stream, request));
    if (requests.some(({ type }) => type === "close")) {
      release(stream);
      return Response.json({ baton: null, base_url: null, results });
    }
    const next = crypto.randomUUID();
    streams.set(next, stream);
    return Response.json({ baton: next, base_url: null, results });
  }

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (request.method === "GET" && /^\/v[23]\/?$/.test(pathname)) return new Response("");
      if (request.method === "POST" && /^\/v[23]\/pipeline$/.test(pathname)) {
        return runPipeline((await request.json()) as PipelineRequest);
      }
      return new Response("not found", { status: 404 });
    },
  });

  return {
    url: `http://127.0.0.1:${server.port}`,
    async close() {
      await server.stop(true);
      for (const stream of streams.values()) release(stream);
      for (const database of idle) database.close();
      rmSync(folder, { recursive: true });
    },
  };
}
