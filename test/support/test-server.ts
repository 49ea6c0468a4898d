import { afterAll } from "bun:test";
import { Resend } from "resend";
import { apiRoutes } from "../../src/api/routes.ts";
import type { App } from "../../src/app.ts";

export interface TestAnswer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is for each test to say
  body: any;
}

export interface TestServer {
  /** Asks without a socket. Bodies that are not strings are sent as JSON. */
  ask(
    method: string,
    path: string,
    options?: { key?: string; body?: unknown; headers?: Record<string, string> },
  ): Promise<TestAnswer>;
  /** The official SDK, over a real socket. */
  sdk(key: string): Resend;
  url: string;
}

/** The JSON door of an app, listening on a free loopback port. */
export function testServer(app: App): TestServer {
  const server = apiRoutes(app, "0.0.0-test").listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${server.server!.port}`;
  afterAll(() => server.stop(true).then(() => {}));
  return {
    url,
    async ask(method, path, { key, body, headers = {} } = {}) {
      const request = new Request(`http://mailit.test${path}`, {
        method,
        headers: {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
      });
      const response = await server.handle(request);
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text === "" ? undefined : JSON.parse(text),
      };
    },
    sdk: (key) => new Resend(key, { baseUrl: url }),
  };
}
