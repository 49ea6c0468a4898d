import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

/** A running MailIt: the compiled executable, in a folder of its own. `await using` ends it with the test. */
export interface Mailit extends AsyncDisposable {
  pid: number;
  /** Where it answers HTTP, e.g. `http://127.0.0.1:40123`. */
  url: string;
  /** The folder it was started in; its data is in `data/` there. */
  folder: string;
  stdout(): string;
  stderr(): string;
  /** Waits until standard output has something that matches; throws if the program ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Asks it to end (SIGTERM), as a service manager does, and gives its exit code. */
  stop(): Promise<number>;
  /** Ends it as a power cut would; its folder stays, to be given to the next start. */
  kill9(): Promise<void>;
}

interface Surroundings {
  env?: Record<string, string>;
  /** An existing folder, which then stays; without it a new one that goes when the program has ended. */
  folder?: string;
}

interface Start extends Surroundings {
  args?: string[];
  /** No file may grow beyond this: what a full disk is to the program that writes, without filling one. */
  maxFileBytes?: number;
}

/** Starts `mailit serve --sandbox` on free ports, or what `args` say, and waits for its address. */
export async function startMailit(options: Start = {}): Promise<Mailit> {
  const { args = ["serve", "--sandbox"], env = {} } = options;
  const folder = options.folder ?? (await newFolder());
  const limit = options.maxFileBytes === undefined ? [] : limited(options.maxFileBytes);
  const child = Bun.spawn([...limit, executable(), ...args], {
    cwd: folder,
    env: { ...cleanEnvironment(folder), ...freePorts, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stdout = gather(child.stdout);
  const stderr = gather(child.stderr);

  const printed = async (pattern: RegExp) => {
    const found = await stdout.matching(pattern);
    if (found) return found;
    await stderr.ended;
    throw new Error(`mailit ended before it printed ${pattern}:\n${stdout.text()}${stderr.text()}`);
  };
  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    child.kill(signal);
    // A program that doesn't end when asked must not outlive its test; the exit code then says it was killed.
    const lastResort = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await child.exited;
    clearTimeout(lastResort);
    return child.exitCode ?? 128 + 9;
  };
  const dispose = async () => {
    await end("SIGKILL");
    if (!options.folder) await rm(folder, { recursive: true, force: true });
  };

  try {
    const [url] = await printed(/https?:\/\/[\w.[\]:-]+:\d+/);
    return {
      pid: child.pid,
      url,
      folder,
      stdout: stdout.text,
      stderr: stderr.text,
      printed,
      stop: () => end("SIGTERM"),
      kill9: async () => void (await end("SIGKILL")),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (fault) {
    await dispose();
    throw fault;
  }
}

/** Runs one command to its end. */
export async function runMailit(
  args: string[],
  options: Surroundings & { stdin?: string } = {},
): Promise<Answer> {
  const folder = options.folder ?? (await newFolder());
  try {
    const child = Bun.spawn([executable(), ...args], {
      cwd: folder,
      env: { ...cleanEnvironment(folder), ...options.env },
      stdin: new Blob([options.stdin ?? ""]),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, stdout, stderr };
  } finally {
    if (!options.folder) await rm(folder, { recursive: true, force: true });
  }
}

/** A new empty folder, for a test that starts the program more than once on the same data. */
export async function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "mailit-e2e-"));
}

/** `check` names a copy of the executable; by hand, the one that `bun run build` made. */
function executable(): string {
  const built = new URL("../../dist/mailit", import.meta.url).pathname;
  const path = process.env.MAILIT_TEST_EXECUTABLE ?? built;
  if (!existsSync(path)) throw new Error(`There is no ${path}: make it with \`bun run build\`.`);
  return path;
}

/** A command that runs another under a limit (RLIMIT_FSIZE) as errors: the signal that would end it is ignored. */
const limited = (bytes: number) => [
  "/bin/sh",
  "-c",
  `trap '' XFSZ; ulimit -f ${Math.ceil(bytes / 512)}; exec "$@"`, // POSIX counts blocks of 512 bytes
  "sh",
];

/** Nothing of the developer's: no settings, no home, no time zone. */
const cleanEnvironment = (folder: string) => ({ PATH: "/usr/bin:/bin", HOME: folder, TZ: "UTC" });

const freePorts = {
  MAILIT_SERVER_HTTP_ADDR: "127.0.0.1:0",
  MAILIT_SMTP_INBOUND_ADDR: "127.0.0.1:0",
  MAILIT_SMTP_SUBMISSION_ADDR: "127.0.0.1:0",
  MAILIT_SMTP_SUBMISSION_TLS_ADDR: "127.0.0.1:0",
};

/** Reads a stream all along, so that the program never waits for its reader, and tells who asks when a text appears. */
function gather(stream: ReadableStream<Uint8Array>) {
  let text = "";
  let more = Promise.withResolvers<void>();
  let hasEnded = false;

  const ended = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true });
      more.resolve();
      more = Promise.withResolvers();
    }
    hasEnded = true;
    more.resolve();
  })();

  return {
    ended,
    text: () => text,
    async matching(pattern: RegExp): Promise<RegExpExecArray | null> {
      for (;;) {
        const found = pattern.exec(text);
        if (found || hasEnded) return found;
        await more.promise;
      }
    },
  };
}
