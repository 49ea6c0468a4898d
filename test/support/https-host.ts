import { once } from "node:events";
import http, { type IncomingMessage, type RequestListener } from "node:http";
import https from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type CertificateFlaw, issueCertificate, testAuthority } from "./authority.ts";

export interface HttpsHostOptions {
  /** Whom the certificate is for. */
  names?: string[];
  certificate?: CertificateFlaw;
  /** Without TLS. */
  isPlain?: boolean;
}

export interface SeenRequest {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export interface HttpsHost extends AsyncDisposable {
  port: number;
  /** For a client that is to trust this host and find it behind port 443, or 80. */
  client: { ca: string; ports: Record<number, number> };
  /** Every request that came, oldest first. */
  requests: SeenRequest[];
  /** How many connections were ever opened. */
  readonly connections: number;
  /** Answers requests from now on; 404 until it is called. */
  answer(how: RequestListener): void;
  /** Resolves once no connection is open. */
  waitUntilIdle(): Promise<void>;
}

/** A web server on real sockets at 127.0.0.1, whose certificate a test authority has signed. */
export async function startHttpsHost(options: HttpsHostOptions = {}): Promise<HttpsHost> {
  const { ca } = await testAuthority();
  const requests: SeenRequest[] = [];
  let answer: RequestListener = (_request, response) => response.writeHead(404).end();
  const listener: RequestListener = async (request, response) => {
    const { method = "", url: path = "", headers } = request;
    const seen = { method, path, headers, body: "" };
    requests.push(seen);
    for await (const chunk of request) seen.body += chunk;
    answer(request, response);
  };
  const server = options.isPlain
    ? http.createServer(listener)
    : https.createServer(await issueCertificate(options.names ?? [], options.certificate), listener);
  const host = await listen(server);
  return {
    ...host,
    get connections() {
      return host.connections;
    },
    client: { ca, ports: { [options.isPlain ? 80 : 443]: host.port } },
    requests,
    answer: (how) => {
      answer = how;
    },
  };
}

export type RawHost = Pick<HttpsHost, "port" | "connections" | "waitUntilIdle"> & AsyncDisposable;

/** A host that speaks whatever bytes the test gives, as soon as a request has begun to come. */
export async function startRawHost(speak: (socket: Socket) => void): Promise<RawHost> {
  return listen(createServer((socket) => socket.once("data", () => speak(socket))));
}

async function listen(server: Server): Promise<RawHost> {
  const sockets = new Set<Socket>();
  const idle = new Set<() => void>();
  let connections = 0;
  server.on("connection", (socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {}); // the client may hang up at any time: that is what we are here for
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0) for (const resolve of idle) resolve();
    });
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    waitUntilIdle: () =>
      new Promise((resolve) => {
        if (sockets.size === 0) resolve();
        else idle.add(resolve);
      }),
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
