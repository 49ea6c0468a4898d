import { signIn } from "../../src/accounts/sign-ins.ts";
import { adminRoutes } from "../../src/admin/routes.ts";
import type { TestApp, TestTeam } from "./test-app.ts";

/** Somebody who is signed in to the admin, and fills in its forms as a browser without scripts does. */
export async function adminForms(app: TestApp, { teamId, user }: Pick<TestTeam, "teamId" | "user">) {
  const server = adminRoutes(app);
  const cookie = `mailit_session=${await signIn(app, user, teamId, { address: "192.0.2.1", userAgent: "" })}`;
  const look = async (path: string): Promise<string> =>
    (await server.handle(new Request(`http://mailit.test${path}`, { headers: { cookie } }))).text();
  return {
    look,
    /** What the form of a page at its own address holds when it is opened. */
    opened: async (path: string) => hiddenIn(await look(path)),
    async send(path: string, fields: Record<string, string>): Promise<{ status: number; page: string }> {
      app.clock.advance(1);
      const body = new URLSearchParams(fields).toString();
      const headers = {
        ...{ cookie, "content-type": "application/x-www-form-urlencoded" },
        "content-length": String(body.length),
      };
      const answer = await server.handle(
        new Request(`http://mailit.test${path}`, { method: "POST", headers, body }),
      );
      return { status: answer.status, page: await answer.text() };
    },
  };
}

export function hiddenIn(page: string): Record<string, string> {
  const fields = page.matchAll(/type="hidden" name="(csrf|seen|shown)" value="([^"]*)"/g);
  return Object.fromEntries([...fields].map(([, name, value]) => [name!, plain(value!)]));
}

/** What is wrong, by the id of the field; at the head of a form by `form`. */
export function mistakesIn(page: string): Record<string, string> {
  const mistakes = page.matchAll(/<p class="mistake" (?:id="([^"]+)-mistake"|role="alert")>([^<]*)/g);
  return Object.fromEntries([...mistakes].map(([, id = "form", text]) => [id, plain(text!)]));
}

const plain = (text: string) =>
  text.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&amp;", "&");
