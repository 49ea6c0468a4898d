import { expect, test } from "bun:test";
import { type Environment, readEnvironment } from "./environment.ts";
import { namedKeys } from "./schema.ts";

function read(env: Environment) {
  const mistakes: string[] = [];
  return { given: readEnvironment(env, mistakes), mistakes };
}

test("the variable of a key is its path in capitals", () => {
  const variables = new Map(namedKeys.map(({ path, env }) => [path, env]));
  expect(variables.get("dataDir")).toBe("MAILIT_DATA_DIR");
  expect(variables.get("smtpOutbound.hostname")).toBe("MAILIT_SMTP_OUTBOUND_HOSTNAME");
  expect(variables.get("storage.s3.accessKeyId")).toBe("MAILIT_STORAGE_S3_ACCESS_KEY_ID");
});

test("no two keys share a variable", () => {
  const names = namedKeys.flatMap(({ env, key }) => [env, ...(key.alias === undefined ? [] : [key.alias])]);
  expect(new Set(names).size).toBe(names.length);
});

test.each([
  ["MAILIT_DOMAIN", "smtpOutbound.hostname"],
  ["DKIM_MASTER_KEY", "dkim.masterKey"],
])("%s is short for %s", (name, path) => {
  expect(read({ [name]: "x" })).toEqual({ given: [{ path, name, input: "x" }], mistakes: [] });
});

test("two names of one setting may be set only to the same", () => {
  expect(read({ MAILIT_DOMAIN: "a", MAILIT_SMTP_OUTBOUND_HOSTNAME: "a" }).mistakes).toEqual([]);
  expect(read({ MAILIT_DOMAIN: "a", MAILIT_SMTP_OUTBOUND_HOSTNAME: "b" }).mistakes).toEqual([
    "MAILIT_SMTP_OUTBOUND_HOSTNAME and MAILIT_DOMAIN are two names of one setting, but their values differ; set only one of them.",
  ]);
});

test("an empty variable counts as none", () => {
  expect(read({ MAILIT_TLS_MODE: "", MAILIT_DATA_DIR: "  ", MAILIT_WHATEVER: "" })).toEqual({
    given: [],
    mistakes: [],
  });
});

test.each([
  ["MAILIT_SMTP_OUTBOUND_RETRY_DELAY", "did you mean MAILIT_SMTP_OUTBOUND_RETRY_DELAYS?"],
  ["MAILIT_SMTPOUTBOUND_HOSTNAME", "did you mean MAILIT_SMTP_OUTBOUND_HOSTNAME?"],
  ["MAILIT_LOG_LEVEL", "did you mean MAILIT_LOGGING_LEVEL?"],
  ["MAILIT_JWT_SECRET", "did you mean MAILIT_AUTH_JWT_SECRET?"],
  ["MAILIT_DOMAINS", "did you mean MAILIT_DOMAIN?"],
  ["MAILIT_COFFEE_STRENGTH", "README lists the ones there are."],
  [`MAILIT_${"X".repeat(10_000)}`, "README lists the ones there are."],
])("the unknown variable %.40s is a mistake: %s", (name, advice) => {
  expect(read({ [name]: "hunter2" }).mistakes).toEqual([
    `${name} is no variable that MailIt knows; ${advice}`,
  ]);
});

test("a variable's name can't write to the terminal", () => {
  expect(read({ "MAILIT_\u001b[2J": "x" }).mistakes[0]).toStartWith('"MAILIT_\\u001b[2J" is no variable');
});

test.each([
  "MAILIT_RELEASE_URL",
  "MAILIT_CONFIG",
  "MAILIT_TEST_EXECUTABLE",
  "PATH",
  "mailit_x",
  "MAILITX",
  "DKIM_X",
])("%s is left alone", (name) => {
  expect(read({ [name]: "x" })).toEqual({ given: [], mistakes: [] });
});

test("a Kubernetes service that is called mailit does not stop the start", () => {
  const env = {
    MAILIT_SERVICE_HOST: "10.0.0.1",
    MAILIT_SERVICE_PORT: "8080",
    MAILIT_SERVICE_PORT_HTTP: "8080",
    MAILIT_PORT: "tcp://10.0.0.1:8080",
    MAILIT_PORT_8080_TCP: "tcp://10.0.0.1:8080",
    MAILIT_PORT_8080_TCP_PROTO: "tcp",
    MAILIT_PORT_8080_TCP_PORT: "8080",
    MAILIT_PORT_8080_TCP_ADDR: "10.0.0.1",
  };
  expect(read(env)).toEqual({ given: [], mistakes: [] });
});
