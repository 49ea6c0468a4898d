import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigFault } from "../errors.ts";
import { readConfigFile } from "./config-file.ts";
import { loadConfig } from "./load.ts";

const folder = mkdtempSync(join(tmpdir(), "mailit-config-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Reads a file of this source in a folder of its own. */
async function read(source: string, name = "mailit.config.ts") {
  const cwd = mkdtempSync(join(folder, "x-"));
  await Bun.write(join(cwd, name), source);
  const mistakes: string[] = [];
  return { given: await readConfigFile(name, cwd, mistakes), mistakes };
}

const faultOf = (reading: Promise<unknown>) =>
  reading.then(
    () => expect.unreachable("nothing was thrown"),
    (error: unknown) => {
      expect(error).toBeInstanceOf(ConfigFault);
      return (error as ConfigFault).message.replaceAll(/\/\S+\//g, "");
    },
  );

test("a type import that leads nowhere does not matter", async () => {
  const { given } = await read(`
    import type { MailItConfig } from "./src/config/schema.ts";
    import type { Other } from "no-such-package";
    export default { dkim: { selector: "s1" } } satisfies MailItConfig & Other;`);
  expect(given).toEqual([{ path: "dkim.selector", name: "In mailit.config.ts, dkim.selector", input: "s1" }]);
});

test("a file may work out its values, and leave keys undefined", async () => {
  const { given } = await read("export default { dataDir: undefined, smtpOutbound: { port: 20 + 5 } };");
  expect(given.map(({ path, input }) => [path, input])).toEqual([["smtpOutbound.port", 25]]);
});

test("without a file there is nothing to read", async () => {
  expect(await readConfigFile(undefined, mkdtempSync(join(folder, "empty-")), [])).toEqual([]);
});

test("mailit.config.ts is read where the program starts, and MAILIT_CONFIG or --config instead", async () => {
  const cwd = mkdtempSync(join(folder, "pick-"));
  for (const name of ["mailit.config.ts", "env.ts", "flag.ts"]) {
    await Bun.write(join(cwd, name), `export default { dkim: { selector: "${name}" } };`);
  }
  const selected = async (file?: string, env = {}) =>
    (await loadConfig({ file, env, cwd, sandbox: false, isRoot: false })).dkim.selector;
  expect(await selected()).toBe("mailit.config.ts");
  expect(await selected(undefined, { MAILIT_CONFIG: join(cwd, "env.ts") })).toBe("env.ts");
  expect(await selected("flag.ts", { MAILIT_CONFIG: "env.ts" })).toBe("flag.ts");
});

test.each([
  [
    "export default {\n  dataDir: ;\n};",
    "The configuration file mailit.config.ts can't be read: Unexpected ; (line 2, column 12).",
  ],
  [
    'import x from "no-such-package"; export default x;',
    /^The configuration file mailit.config.ts can't be read: Cannot find package 'no-such-package'.*\.$/,
  ],
  [
    'throw new Error("No secret\\nhere.");',
    "The configuration file mailit.config.ts can't be read: No secret.",
  ],
  ['throw "nothing";', "The configuration file mailit.config.ts can't be read: nothing."],
  ["throw undefined;", "The configuration file mailit.config.ts can't be read: undefined."],
  [
    'import { readFileSync } from "node:fs"; export default { dataDir: readFileSync("/no/such/file", "utf8") };',
    "The configuration file mailit.config.ts can't be read: ENOENT: no such file or directory, open 'file'.",
  ],
  [
    "export const dataDir = 1;",
    "The configuration file mailit.config.ts must have an object as its default export, not undefined.",
  ],
  [
    "export default [];",
    "The configuration file mailit.config.ts must have an object as its default export, not an empty list.",
  ],
  [
    "export default null;",
    "The configuration file mailit.config.ts must have an object as its default export, not null.",
  ],
])("a file of %j is one sentence, never a stack", async (source, sentence) => {
  expect(await faultOf(read(source))).toMatch(sentence);
});

test("a file that was named must be there", async () => {
  expect(await faultOf(readConfigFile("absent.ts", folder, []))).toBe(
    "The configuration file absent.ts can't be read: there is no such file.",
  );
});

test("a folder is no configuration file", async () => {
  mkdirSync(join(folder, "dir.ts"));
  expect(await faultOf(readConfigFile("dir.ts", folder, []))).toBe(
    "The configuration file dir.ts can't be read: it is no file.",
  );
});

test.each([
  ["{ dataDirectory: 1 }", "dataDirectory is no key; a file may have dataDir, server,"],
  ["{ datadir: 1 }", "datadir is no key; did you mean dataDir?"],
  ["{ smtpOutbound: { hostnme: 1 } }", "smtpOutbound.hostnme is no key; did you mean smtpOutbound.hostname?"],
  ["{ server: { http_addr: 1 } }", "server.http_addr is no key; did you mean server.httpAddr?"],
  ["{ hostname: 1 }", "hostname is no key; did you mean smtpOutbound.hostname?"],
  ["{ smtpOutbound: { relay: { user: 1 } } }", "smtpOutbound.relay.user is no key; "],
  ["{ dns: { zzzzzzzz: 1 } }", "dns.zzzzzzzz is no key; dns may have servers."],
  ["{ constructor: 1 }", "constructor is no key; "],
  ['{ ["__proto__"]: 1 }', "__proto__ is no key; "],
  ["{ dkim: 7 }", "dkim is no single value; it must be an object with selector, masterKey."],
  ['{ smtpOutbound: { relay: "smtps://u:p@h" } }', "smtpOutbound.relay is no single value; "],
  ["{ server: null }", "server is no single value; "],
  ["{ server: [] }", "server is no single value; "],
])("%s is a mistake", async (contents, sentence) => {
  const { given, mistakes } = await read(`export default ${contents};`);
  expect(given).toEqual([]);
  expect(mistakes).toHaveLength(1);
  expect(mistakes[0]).toStartWith(`In mailit.config.ts, ${sentence}`);
});

test("the value of an unknown key is not shown, as it may be a secret", async () => {
  const { mistakes } = await read('export default { auth: { jwtSecrt: "hunter2" } };');
  expect(mistakes).toEqual(["In mailit.config.ts, auth.jwtSecrt is no key; did you mean auth.jwtSecret?"]);
});
