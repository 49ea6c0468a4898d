import type { Command } from "commander";
import { isFirstRun, setupToken } from "../accounts/first-run.ts";
import { closeLive } from "../admin/live.ts";
import { adminRoutes } from "../admin/routes.ts";
import { periodMetricsRoutes } from "../api/period-metrics.ts";
import { apiRoutes } from "../api/routes.ts";
import { atomically } from "../app.ts";
import { parseListenAddress } from "../config/listen-address.ts";
import { loadConfig, withHttpPort } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { lockDataFolder } from "../db/lock.ts";
import { closeSites } from "../delivery/sites.ts";
import { ConfigFault } from "../errors.ts";
import { startDispatcher } from "../jobs/dispatcher.ts";
import { flushKeyUse } from "../keys/authenticate.ts";
import { listenInbound } from "../listeners/inbound.ts";
import { listenForSubmission, type SubmissionDoor } from "../listeners/submission.ts";
import { flushLogs } from "../logs/record.ts";
import { makeDataFolder, nodeName, type OpenApp, openApp } from "../open-app.ts";
import { downloadRoutes } from "../public/downloads.ts";
import { healthRoutes, type Lifecycle } from "../public/health.ts";
import { scrapeAnswer } from "../public/metrics.ts";
import { referenceRoutes } from "../public/reference.ts";
import { sharedRoutes } from "../public/shared-email.ts";
import { trackingRoutes } from "../public/tracking.ts";
import { unsubscribeRoutes } from "../public/unsubscribe.ts";
import { welcomeRoutes } from "../public/welcome.ts";
import { sandboxResolver } from "../sandbox/internet.ts";
import { listenAsInternet } from "../sandbox/listen.ts";
import type { Listener } from "../smtp/listener.ts";
import { flushVisits } from "../tracking/visits.ts";
import { handlers, recurringWork } from "../work.ts";
import { claimDataFolder } from "./data-mode.ts";
import { mayBindLowPorts } from "./privileges.ts";
import { startSweeping } from "./sweep.ts";
import { version } from "./version.ts";

interface ServeOptions {
  config?: string;
  data?: string;
  sandbox?: boolean;
}

export const serveCommand = (program: Command): void => {
  program
    .command("serve")
    .description("run everything in one process: API, queue and delivery engine")
    .option("--config <file>", "the configuration file (default: mailit.config.ts, where there is one)")
    .option("--data <dir>", "the data folder (default: MAILIT_DATA_DIR, else ./data)")
    .option("--sandbox", "deliver everything to a mail server inside this process instead of the internet")
    .action(async (options: ServeOptions) => {
      const server = await serve(options);
      process.stdout.write(`${greeting(server)}\n`);
      await stopSignal();
      await server.stop();
    });
};

interface Server {
  url: string;
  /** Where mail for our domains is taken; absent when none is. */
  inbound?: string;
  submission: SubmissionDoor;
  dataDir: string;
  sandbox: boolean;
  /** Where the first account is made; absent once there is one. */
  setupUrl?: string;
  stop(): Promise<void>;
}

/** Starts everything. What it opened is closed again, in the opposite order, by `stop` or when the start fails. */
async function serve(options: ServeOptions): Promise<Server> {
  const sandbox = options.sandbox === true;
  const config = await loadConfig({
    file: options.config,
    dataDir: options.data,
    env: process.env,
    cwd: process.cwd(),
    sandbox,
    isRoot: mayBindLowPorts(),
  });
  const closers: (() => unknown)[] = [];
  const close = async () => {
    const faults: unknown[] = [];
    for (const closer of closers.splice(0).reverse()) {
      // What stays open keeps the process alive, so that one that fails must not spare the others.
      await Promise.try(closer).catch((fault: unknown) => faults.push(fault));
    }
    if (faults.length > 0) throw faults[0];
  };
  try {
    await makeDataFolder(config);
    // With a libSQL server too: the node's name lives in the folder, and two nodes of one name would free each other's jobs.
    const lock = lockDataFolder(config.dataDir);
    closers.push(() => lock.release());
    await claimDataFolder(config.dataDir, sandbox);
    const app = await openApp(config);
    closers.push(() => app.close());
    closers.push(startSweeping());
    closers.push(() => closeSites(app));
    if (sandbox) closers.push(await enterSandbox(app));

    const inbound = config.smtpInbound.enabled ? await listenInbound(app) : undefined;
    closers.push(() => inbound?.close());
    const lifecycle: Lifecycle = { isStopping: false };
    const http = await listenHttp(app, config, lifecycle);
    closers.push(() => http.stop()); // what still listens would keep a start that failed alive
    closers.push(() =>
      flushKeyUse(app).catch((err) => app.log.warn({ err }, "the last use of keys could not be written")),
    );
    closers.push(() => flushLogs(app));
    const submission = await listenForSubmission(app);
    closers.push(() => submission.close());
    closers.push(() => flushVisits(app));
    await atomically(
      app,
      recurringWork.flatMap(({ ensure }) => ensure(app)),
    );
    const dispatcher = await startDispatcher(app, handlers, { node: await nodeName(config) });
    app.log.info({ url: http.url, dataDir: config.dataDir, sandbox, version }, "MailIt is ready");
    const setupUrl = (await isFirstRun(app)) ? setupUrlOf(app, http.url) : undefined;
    return {
      url: http.url,
      ...(setupUrl && { setupUrl }),
      ...(inbound && { inbound: shownAddress(inbound) }),
      submission,
      dataDir: config.dataDir,
      sandbox,
      stop: async () => {
        lifecycle.isStopping = true;
        closeLive(app);
        app.log.info("stopping: finishing what is under way");
        // Side by side, to be done within 10 s: what a last request accepts is on disk and waits there for the next start.
        const closing = [submission.close(), inbound?.close()];
        await Promise.all([http.stop(), dispatcher.stop(), ...closing]).finally(close);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Puts the sandbox's internet in place of the real one. */
async function enterSandbox(app: OpenApp): Promise<() => Promise<void>> {
  app.sandbox = true;
  app.dns = sandboxResolver();
  const listener: Listener = await listenAsInternet(app);
  const { smtpOutbound } = app.config;
  app.config = {
    ...app.config,
    smtpOutbound: {
      ...smtpOutbound,
      port: listener.port,
      allowPrivateAddresses: true,
      // Either would lead out of the sandbox, or keep it from being reached.
      relay: { ...smtpOutbound.relay, host: undefined },
      localAddresses: [],
    },
  };
  return () => listener.close();
}

interface HttpServer {
  url: string;
  stop(): Promise<void>;
}

const stopRequestsMs = 5_000;

async function listenHttp(app: OpenApp, config: Config, lifecycle: Lifecycle): Promise<HttpServer> {
  const { hostname = "0.0.0.0", port } = parseListenAddress(config.server.httpAddr);
  const kinds = handlers.map(({ kind }) => kind.name);
  const api = apiRoutes(app, version);
  const routes = api
    .use(referenceRoutes(api))
    .use(healthRoutes(app, lifecycle))
    .use(periodMetricsRoutes(app, scrapeAnswer(app, kinds, version)))
    .use(downloadRoutes(app))
    .use(sharedRoutes(app))
    .use(trackingRoutes(app))
    .use(unsubscribeRoutes(app))
    .use(adminRoutes(app))
    .use(welcomeRoutes(app, version));
  // Bun's own limit answers with nothing; ours, in `readJson`, says what is wrong before a byte is read.
  const maxRequestBodySize = Number.MAX_SAFE_INTEGER;
  routes.listen({ hostname, port, tls: certificateOf(config), maxRequestBodySize });
  const server = routes.server!;
  app.config = withHttpPort(app.config, server.port!);
  return {
    url: `${config.tls.mode === "off" ? "http" : "https"}://${shownAddress({ hostname, port: server.port! })}`,
    async stop() {
      void server.stop(false); // accepts nothing new; alone it would wait for clients that keep idle connections
      const deadline = Date.now() + stopRequestsMs;
      while (server.pendingRequests > 0 && Date.now() < deadline) await Bun.sleep(10);
      await server.stop(true);
    },
  };
}

/** The link is for whoever sees what this process prints, and good for as long as it runs. */
function setupUrlOf(app: OpenApp, url: string): string {
  if (app.sandbox) return `${url}/admin/first-run`;
  return `${app.config.server.publicUrl}/admin/first-run?token=${setupToken(app)}`;
}

function shownAddress({ hostname, port }: { hostname: string; port: number }): string {
  if (hostname === "0.0.0.0" || hostname === "::") return `localhost:${port}`;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

function certificateOf({ tls }: Config) {
  if (tls.mode === "off") return undefined;
  if (tls.mode === "acme") {
    throw new ConfigFault(
      'tls.mode "acme" is not in this version yet; use "files", or "off" behind a proxy with TLS',
    );
  }
  return { cert: Bun.file(tls.certFile!), key: Bun.file(tls.keyFile!) }; // both asked for by the configuration's rules
}

function greeting({ url, inbound, submission, dataDir, sandbox, setupUrl }: Server): string {
  const lines = [
    `MailIt ${version} is ready at ${url}`,
    `Data folder: ${dataDir}`,
    `Mail is taken by SMTP at ${shownAddress(submission.starttls)} (STARTTLS) and ${shownAddress(submission.tls)} (TLS)`,
  ];
  if (inbound) lines.push(`Mail for your domains is taken at ${inbound} (SMTP)`);
  if (sandbox) {
    lines.push(
      'Sandbox: nothing leaves this machine. Domains verify without DNS; what is "delivered" is at /sandbox/messages.',
      "Steer the outcome by recipient: delivered@, bounced@, bounced-later@, deferred@, complained@, suppressed@ of any domain.",
    );
  }
  if (setupUrl) lines.push(`Nobody has an account yet: make the first one at ${setupUrl}`);
  return lines.join("\n");
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}
