import { Elysia } from "elysia";
import { h } from "preact";
import { type Operation, ReferencePage, type ReferenceProps } from "../../views/reference.tsx";
import { htmlOf } from "../html-of.ts";

interface Described {
  info: { version: string };
  paths: Record<string, Record<string, Operation>>;
}

/** Nothing but our own sheet and logo: the page must work where there is no internet, and tell nobody who reads it. */
const policy =
  "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Whoever answers for the API's document, without a network between. */
interface Api {
  handle(request: Request): Promise<Response> | Response;
}

/** The OpenAPI document as a page. It is the same for everybody and made once, when it is first asked for. */
export const referenceRoutes = (api: Api) => {
  let page: Promise<string> | undefined;
  const readDocument = async () =>
    (await api.handle(new Request("http://localhost/openapi/json"))).json() as Promise<Described>;
  return new Elysia({ detail: { hide: true } }).get("/openapi", async () => {
    page ??= readDocument().then((document) => {
      return `<!doctype html>${htmlOf(h(ReferencePage, propsOf(document)))}`;
    });
    return new Response(await page, {
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
      },
    });
  });
};

function propsOf({ info, paths }: Described): ReferenceProps {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...{ method, path, operation },
      id: `${method}${path.replace(/[^a-z0-9]+/gi, "-")}`,
    })),
  );
  const groups = Map.groupBy(operations, ({ operation }) => operation.tags?.[0] ?? "Other");
  return {
    version: info.version,
    groups: [...groups].map(([tag, inGroup]) => ({ tag, operations: inGroup })),
  };
}
