import css from "./app.css" with { type: "text" };
import logo from "./logo.svg" with { type: "text" };

export interface Asset {
  body: string;
  type: string;
}

/** What is served under `/assets/`, by name; part of the executable. */
export const assets: Record<string, Asset> = {
  "app.css": { body: css, type: "text/css; charset=utf-8" },
  "logo.svg": { body: logo, type: "image/svg+xml" },
};
