import { cookie, cookieOf } from "./request.ts";

const name = "mailit_theme";

/** How a browser wants its pages: as its system has it, or always one way. */
export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

export function readTheme(request: Request): Theme {
  return themes.find((theme) => theme === cookieOf(request, name)) ?? "system";
}

export function themeCookie(theme: Theme, isSecure: boolean): string {
  return cookie(name, theme, { maxAgeSeconds: 365 * 86_400, isSecure });
}
