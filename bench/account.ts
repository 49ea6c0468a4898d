import { rmSync } from "node:fs";
import { newFolder, runMailit, startMailit } from "../test/e2e/mailit.ts";

/** An account with one verified domain, and the program that serves it. */
export interface Bench {
  folder: string;
  key: string;
  mailit: Awaited<ReturnType<typeof startMailit>>;
}

export interface DnsEntry {
  type: string;
  name: string;
  value: string;
  priority?: number;
}

/** Sets up `example.com`, lets `publish` put its records into DNS, starts the program and waits until it is verified. */
export async function startBench(
  options: { args?: string[]; env?: Record<string, string>; publish?(records: DnsEntry[]): void } = {},
): Promise<Bench> {
  const folder = await newFolder();
  process.on("exit", () => rmSync(folder, { recursive: true, force: true })); // gigabytes, after a million emails
  const env = { MAILIT_LOGGING_LEVEL: "warn", MAILIT_RATE_LIMIT_ENABLED: "false", ...options.env };
  const account = ["--email", "bench@example.com", "--password", "bench password", "--domain", "example.com"];
  const setup = await runMailit(["setup", "--json", "--data", "data", ...account], { folder, env });
  const { api_key: key, domain } = JSON.parse(setup.stdout);
  options.publish?.(domain.records);

  const mailit = await startMailit({ args: options.args, folder, env });
  const headers = { authorization: `Bearer ${key}` };
  const url = `${mailit.url}/domains/${domain.id}`;
  await fetch(`${url}/verify`, { method: "POST", headers });
  while ((await (await fetch(url, { headers })).json()).status !== "verified") await Bun.sleep(20);
  return { folder, key, mailit };
}
