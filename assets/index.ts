import sse from "htmx.org/dist/ext/hx-sse.min.js" with { type: "text" };
import htmx from "htmx.org/dist/htmx.min.js" with { type: "text" };
import adminJs from "./admin.client.js" with { type: "text" };
import adminCss from "./admin.css" with { type: "text" };
import css from "./app.css" with { type: "text" };
import { editorScript } from "./editor-bundle.ts" with { type: "macro" };
import logo from "./logo.svg" with { type: "text" };
import audienceCss from "./pages/audience.css" with { type: "text" };
import broadcastCss from "./pages/broadcasts.css" with { type: "text" };
import chartCss from "./pages/chart.css" with { type: "text" };
import codeCss from "./pages/code.css" with { type: "text" };
import domainsCss from "./pages/domains.css" with { type: "text" };
import editCss from "./pages/editor.css" with { type: "text" };
import messageCss from "./pages/message.css" with { type: "text" };
import overviewCss from "./pages/overview.css" with { type: "text" };
import paletteCss from "./pages/palette.css" with { type: "text" };
import referenceCss from "./pages/reference.css" with { type: "text" };
import settingsCss from "./pages/settings.css" with { type: "text" };
import webhooksCss from "./pages/webhooks.css" with { type: "text" };

export interface Asset {
  body: string;
  type: string;
}

const script = (body: string): Asset => ({ body, type: "text/javascript; charset=utf-8" });
const sheet = (body: string): Asset => ({ body, type: "text/css; charset=utf-8" });

/** The sheets of single pages, behind the one of all. */
const pages = [
  audienceCss,
  broadcastCss,
  chartCss,
  codeCss,
  domainsCss,
  editCss,
  messageCss,
  overviewCss,
  paletteCss,
  referenceCss,
  settingsCss,
  webhooksCss,
];

/** What is served under `/assets/`; part of the executable. */
const named: Record<string, Asset> = {
  "app.css": sheet(css),
  "admin.css": sheet([adminCss, ...pages].join("\n")),
  "admin.js": script(adminJs),
  "editor.js": script(editorScript()),
  // One script: htmx begins with what it knows a moment after it has run, and where the extension came later than that, a
  // page was never live (https://github.com/bigskysoftware/htmx/issues/3693).
  "htmx.js": script([htmx, sse].map(withoutMap).join("\n;")),
  "logo.svg": { body: logo, type: "image/svg+xml" },
};

const urls = new Map<string, string>();
const served = new Map<string, Asset>();
for (const [name, asset] of Object.entries(named)) {
  const hash = new Bun.CryptoHasher("sha256").update(asset.body).digest("hex").slice(0, 12);
  const fingerprinted = name.replace(/(\.\w+)$/, `.${hash}$1`);
  urls.set(name, `/assets/${fingerprinted}`);
  served.set(fingerprinted, asset);
}

/** Where an asset is served: a name that changes with what is in it, so that browsers may keep it for good. */
export function assetUrl(name: string): string {
  const url = urls.get(name);
  if (!url) throw new Error(`there is no asset ${name}`);
  return url;
}

/** The asset of a name in `assetUrl`. */
export function findAsset(fingerprinted: string): Asset | undefined {
  return served.get(fingerprinted);
}

/** What we don't serve must not be asked for. */
function withoutMap(text: string): string {
  return text.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "");
}
