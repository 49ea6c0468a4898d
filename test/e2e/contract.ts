import { afterAll } from "bun:test";
import { rm } from "node:fs/promises";
import { type ErrorResponse, Resend } from "resend";
import { type Inbound, inboundOf } from "./hand-in.ts";
import { newFolder, startMailit } from "./mailit.ts";
import { type Api, account, apiOf, type Setup, setUp, verify } from "./story.ts";

/** What a field of an answer must be. */
export type Check = (value: unknown) => boolean;
export type Shape = Record<string, Check>;

export const text: Check = (value) => typeof value === "string";
export const filled: Check = (value) => typeof value === "string" && value !== "";
export const flag: Check = (value) => typeof value === "boolean";
export const count: Check = (value) => Number.isInteger(value) && (value as number) >= 0;
export const uuid: Check = (value) =>
  typeof value === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
export const time: Check = (value) =>
  typeof value === "string" && /^\d{4}-\d\d-\d\d[T ]/.test(value) && !Number.isNaN(Date.parse(value));
export const url: Check = (value) => typeof value === "string" && URL.canParse(value);
export const is =
  (...allowed: unknown[]): Check =>
  (value) =>
    allowed.includes(value);
export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
export const each =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
export const like =
  (shape: Shape, superset: string[] = []): Check =>
  (value) =>
    differences(value, shape, superset).length === 0;

/**
 * What keeps an answer from being the contract's, key by key: a key is missing, holds something else, or is there
 * although neither the contract nor `superset` (what this server tells besides) names it.
 */
export function differences(value: unknown, shape: Shape, superset: string[] = []): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [`an object was expected: ${JSON.stringify(value)}`];
  }
  const given = value as Record<string, unknown>;
  return [
    ...Object.entries(shape).flatMap(([key, check]) =>
      !Object.hasOwn(given, key)
        ? [`${key} is missing`]
        : check(given[key])
          ? []
          : [`${key} is ${JSON.stringify(given[key])}`],
    ),
    ...Object.keys(given)
      .filter((key) => !Object.hasOwn(shape, key) && !superset.includes(key))
      .map((key) => `${key} is not in the contract`),
  ];
}

/** A list, its pages marked as the contract has them and every item of one shape. */
export function listDifferences(value: unknown, item: Shape, superset: string[] = []): string[] {
  const outside = differences(value, { object: is("list"), has_more: flag, data: Array.isArray }, ["next"]);
  if (outside.length > 0) return outside;
  const { data } = value as { data: unknown[] };
  return data.flatMap((each, index) =>
    differences(each, item, superset).map((difference) => `data[${index}]: ${difference}`),
  );
}

type SdkAnswer<T> = { data: T | null; error: ErrorResponse | null };

/** What the SDK gave; fails with what the server said instead. */
export function ok<T>({ data, error }: SdkAnswer<T>): T {
  if (error) throw new Error(`${error.statusCode} ${error.name}: ${error.message}`);
  return data!;
}

/** The refusal the SDK gave, in one line; every refusal has exactly the contract's three keys. */
export function refused({ data, error }: SdkAnswer<unknown>): string {
  if (!error) throw new Error(`not refused: ${JSON.stringify(data)}`);
  const odd = differences(error, { statusCode: count, name: filled, message: filled });
  if (odd.length > 0) throw new Error(odd.join(", "));
  return `${error.statusCode} ${error.name}: ${error.message}`;
}

export interface ContractServer {
  url: string;
  /** Where it takes mail. */
  inbound: Inbound;
  setup: Setup;
  api: Api;
  /** The official SDK with full access. */
  resend: Resend;
  sdk(key: string): Resend;
  /** Another team's SDK, by a token of a person of that team. */
  stranger: Resend;
}

/** The compiled executable in sandbox mode with a verified domain, for all the tests of a file. */
export async function startContractServer(): Promise<ContractServer> {
  const folder = await newFolder();
  const setup = await setUp(folder);
  const env = { MAILIT_AUTH_REGISTRATION: "open", MAILIT_RATE_LIMIT_REQUESTS_PER_SECOND: "1000" };
  const mailit = await startMailit({ folder, env });
  afterAll(async () => {
    await mailit[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  const api = apiOf(mailit, setup.api_key);
  await verify(api, setup.domain.id);
  const sdk = (key: string) => new Resend(key, { baseUrl: mailit.url });
  const registered = await fetch(`${mailit.url}/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      email: "mallory@example.org",
      password: account.password,
      name: "Mallory",
      team_name: "Another team",
    }),
  });
  const { token } = (await registered.json()) as { token: string };
  const inbound = await inboundOf(mailit);
  return { url: mailit.url, inbound, setup, api, sdk, resend: sdk(setup.api_key), stranger: sdk(token) };
}
