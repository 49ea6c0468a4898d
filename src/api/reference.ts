import { Elysia } from "elysia";
import { h } from "preact";
import { render } from "preact-render-to-string";
import { type Operation, ReferencePage, type ReferenceProps } from "../../views/reference.tsx";

interface Described {
  info: { version: string };
  paths: Record<string, Record<string, Operation>>;
}

/** Nothing but our own sheet and logo: the page must work where there is no internet, and tell nobody who reads it. */
const policy =
  "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The OpenAPI document as a page. It is the same for everybody and made once, when it is first asked for. */
export const referenceRoutes = (readDocument: () => Promise<unknown>) => {
  let page: Promise<string> | undefined;
  return new Elysia({ detail: { hide: true } }).get("/openapi", async () => {
    page ??= readDocument().then((document) => {
      const props = propsOf(document as Described);
      return `<!doctype html>${render(h(ReferencePage, props))}`;
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
