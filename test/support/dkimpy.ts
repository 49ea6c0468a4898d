/** python3-dkim, the implementation of DKIM that Debian has: it shares no line with ours or with mailauth. */

const script = `
import base64, json, sys, dkim
given = json.load(sys.stdin)
records = {name + ".": text for name, text in given["records"].items()}
def verify(raw):
    message = base64.b64decode(raw)
    check = dkim.DKIM(message, minkey=1024)
    count = sum(line.lower().startswith(b"dkim-signature:") for line in message.split(b"\\r\\n\\r\\n")[0].split(b"\\r\\n"))
    def answer(name, timeout=5):
        name = name.decode() if isinstance(name, bytes) else name
        return records.get(name, "").encode()
    results = []
    for index in range(count):
        try:
            results.append(check.verify(idx=index, dnsfunc=answer))
        except dkim.DKIMException as error:
            results.append(str(error))
    return results
print(json.dumps([verify(raw) for raw in given["messages"]]))
`;

/** For each message what each of its signatures came to: true, false, or why it could not be read. */
export type DkimpyVerdicts = (boolean | string)[][];

export type Dkimpy = (messages: Uint8Array[], records: Record<string, string>) => Promise<DkimpyVerdicts>;

/** Undefined where the machine has no Python with dkim and nacl (for Ed25519); the check installs them where it may. */
export function findDkimpy(): Dkimpy | undefined {
  const python = ["python3", "/usr/bin/python3"].find((path) => Bun.which(path) && knows(path));
  if (!python) return undefined;
  return async (messages, records) => {
    const given = { messages: messages.map((message) => Buffer.from(message).toString("base64")), records };
    const child = Bun.spawn([python, "-c", script], {
      stdin: Buffer.from(JSON.stringify(given)),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    if (code !== 0) throw new Error(`python3-dkim failed: ${err}`);
    return JSON.parse(out) as DkimpyVerdicts;
  };
}

const knows = (python: string): boolean =>
  Bun.spawnSync([python, "-c", "import dkim, nacl"], { stdout: "ignore", stderr: "ignore" }).exitCode === 0;
