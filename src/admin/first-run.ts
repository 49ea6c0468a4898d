import { Elysia } from "elysia";
import { h } from "preact";
import {
  AccountPage,
  type AccountPageProps,
  DomainStepPage,
  EmailStepPage,
  type EmailStepProps,
  FirstEmail,
  FirstRecords,
  type FirstRecordsProps,
  KeyStepPage,
  MadeKeyStepPage,
  TokenPage,
} from "../../views/first-run.tsx";
import { takeAttempt } from "../accounts/attempts.ts";
import { isFirstRun, mayClaim } from "../accounts/first-run.ts";
import { type Account, createFirstAccount, type NewAccount, register } from "../accounts/service.ts";
import { findSignedIn, signIn } from "../accounts/sign-ins.ts";
import type { App } from "../app.ts";
import { type Connections, clientAddressReader, isAtThisMachine } from "../client-address.ts";
import { getDeliveries } from "../delivery/read.ts";
import { createDomain } from "../domains/create.ts";
import { isAskedFor, recordsOf } from "../domains/records.ts";
import { getDomain, listDomains } from "../domains/service.ts";
import { startVerification } from "../domains/verify.ts";
import { getEmail } from "../emails/read.ts";
import { sendEmail } from "../emails/send.ts";
import { Refusal } from "../errors.ts";
import { createKey, listTeamKeys } from "../keys/service.ts";
import { documentAnswer, leadTo } from "./answer.ts";
import { requireSameSite } from "./csrf.ts";
import { type Mistakes, mistakesOf } from "./mistakes.ts";
import { type Form, readForm } from "./request.ts";
import { readTheme } from "./theme.ts";
import { sessionCookieOf, sessionTokenOf, signedIn, type Visit } from "./visit.ts";

/**
 * From nothing to a delivered email. Each step has an address of its own and may be left out: what is done is seen from
 * what is there, and nobody is kept here.
 */
export const firstRunPages = (app: App) =>
  new Elysia().use(accountSteps(app)).use(domainSteps(app)).use(keySteps(app)).use(emailSteps(app));

const at = (step: string) => `/admin/first-run/${step}`;

interface Asking {
  request: Request;
  server: Connections | null;
}

const accountFields = ["name", "email", "password", "team_name"] as const;

/** The two pages that make an account: the server's first one, and one more where anybody may register. */
const accountSteps = (app: App) => {
  const clientAddress = clientAddressReader(app.config.server.trustedProxies);
  const page = ({ request }: Asking, props: Omit<AccountPageProps, "theme">, status = 200) =>
    documentAnswer(h(AccountPage, { ...props, theme: readTheme(request) }), status);

  /** Makes the account a form describes and signs its browser in; refused, the form again. */
  const make = async (
    asking: Asking,
    form: Form,
    kind: Pick<AccountPageProps, "isFirst" | "token">,
    create: (account: NewAccount) => Promise<Account>,
  ) => {
    const { request, server } = asking;
    const values = { name: form.text("name"), email: form.text("email"), team: form.text("team_name") };
    try {
      const address = clientAddress(request, server);
      takeAttempt(app, address);
      const { user, team } = await create({ ...values, password: form.raw("password") });
      const userAgent = request.headers.get("user-agent") ?? "";
      const token = await signIn(app, user, team.id, { address, userAgent });
      return leadTo(at("domain"), { "set-cookie": sessionCookieOf(app, token) });
    } catch (error) {
      const mistakes: Mistakes<(typeof accountFields)[number]> = mistakesOf(error, accountFields);
      return page(asking, { ...kind, values, mistakes }, 422);
    }
  };

  return new Elysia()
    .get("/first-run", async ({ request, server, query }) => {
      if (!(await isFirstRun(app))) return leadTo(await nextStep(app, request));
      const token = query.token ?? "";
      if (!mayClaim(app, isAtThisMachine(request, server), token)) {
        return documentAnswer(h(TokenPage, { isWrong: token !== "", theme: readTheme(request) }));
      }
      return page({ request, server }, { isFirst: true, token, values: noValues, mistakes: {} });
    })
    .post("/first-run", async ({ request, server }) => {
      requireSameSite(app, request);
      const form = await readForm(request, 10_000);
      if (!(await isFirstRun(app))) return leadTo("/admin/sign-in");
      const token = form.raw("token");
      if (!mayClaim(app, isAtThisMachine(request, server), token)) {
        takeAttempt(app, clientAddress(request, server));
        return documentAnswer(h(TokenPage, { isWrong: true, theme: readTheme(request) }), 403);
      }
      return make({ request, server }, form, { isFirst: true, token }, (account) =>
        createFirstAccount(app, account),
      );
    })
    .get("/register", async ({ request, server }) => {
      if (await isFirstRun(app)) return leadTo("/admin/first-run");
      requireOpen(app);
      return page({ request, server }, { isFirst: false, token: "", values: noValues, mistakes: {} });
    })
    .post("/register", async ({ request, server }) => {
      requireSameSite(app, request);
      const form = await readForm(request, 10_000);
      if (await isFirstRun(app)) return leadTo("/admin/first-run");
      requireOpen(app);
      return make({ request, server }, form, { isFirst: false, token: "" }, (account) =>
        register(app, account),
      );
    });
};

const noValues = { name: "", email: "", team: "" };

function requireOpen(app: App): void {
  if (app.config.auth.registration === "open") return;
  throw new Refusal(
    "not_permitted",
    "Registration is closed. Ask whoever runs this server for an account, or somebody of your team to invite you.",
  );
}

/** Where whoever comes back goes on: the first step that has nothing to show yet. */
async function nextStep(app: App, request: Request): Promise<string> {
  const token = sessionTokenOf(app, request);
  const who = token === undefined ? undefined : await findSignedIn(app, token);
  if (!who) return "/admin/sign-in";
  if (!(await newestDomain(app, who.team.id))) return at("domain");
  const [key] = await listTeamKeys(app, who.team.id, { limit: 1 });
  return at(key ? "email" : "key");
}

async function newestDomain(app: App, teamId: string) {
  return (await listDomains(app, teamId, { limit: 1 }))[0];
}

const domainSteps = (app: App) => {
  const recordsFor = async (teamId: string, id: string): Promise<FirstRecordsProps> => {
    const domain = await getDomain(app, teamId, id);
    return {
      domain,
      records: (await recordsOf(app, domain)).filter(isAskedFor),
      isSandbox: app.sandbox,
    };
  };
  const page = async (visit: Visit, given: { name: string; mistakes: Mistakes<"name"> }) => {
    const domain = await newestDomain(app, visit.teamId);
    return visit.page(
      {
        ...{ title: "A domain to send from", place: "overview" },
        ...(given.mistakes.name || given.mistakes.form ? { status: 422 } : {}),
        ...(domain && { live: `${at("domain/live")}?id=${domain.id}` }),
      },
      h(DomainStepPage, {
        ...{ csrf: visit.csrf, ...given },
        found: domain && (await recordsFor(visit.teamId, domain.id)),
      }),
    );
  };
  return new Elysia({ prefix: "/first-run/domain" })
    .use(signedIn(app))
    .get("", ({ visit }) => page(visit, { name: "", mistakes: {} }))
    .post("", async ({ visit }) => {
      const name = visit.form.text("name");
      visit.act(`Added the domain ${name}`, "");
      try {
        const { id } = await createDomain(app, visit.teamId, { name });
        await startVerification(app, visit.teamId, id);
        return visit.done(at("domain"));
      } catch (error) {
        return page(visit, { name, mistakes: mistakesOf(error, ["name"]) });
      }
    })
    .post("/check", async ({ visit }) => {
      const id = visit.form.text("id");
      visit.act("Had a domain's records looked at", id);
      await startVerification(app, visit.teamId, id);
      return visit.done(at("domain"), "The records are being looked up: this page shows what is found.");
    })
    .get("/live", async ({ visit, query }) => {
      const { id } = await getDomain(app, visit.teamId, query.id ?? "");
      return visit.live(async () => ({
        "first-records": h(FirstRecords, { ...(await recordsFor(visit.teamId, id)), csrf: visit.csrf }),
      }));
    });
};

const keySteps = (app: App) => {
  const page = async (visit: Visit, given: { name: string; mistakes: Mistakes<"name"> }) => {
    const [key] = await listTeamKeys(app, visit.teamId, { limit: 1 });
    const status = given.mistakes.name || given.mistakes.form ? { status: 422 } : {};
    return visit.page(
      { title: "An API key", place: "overview", ...status },
      h(KeyStepPage, { csrf: visit.csrf, known: key?.name, ...given }),
    );
  };
  return new Elysia({ prefix: "/first-run/key" })
    .use(signedIn(app))
    .get("", ({ visit }) => page(visit, { name: "My first key", mistakes: {} }))
    .post("", async ({ visit }) => {
      const name = visit.form.text("name");
      visit.act(`Created the API key “${name}”`, "");
      try {
        const { token } = await createKey(app, visit.teamId, { name, permission: "sending_access" });
        const domain = await newestDomain(app, visit.teamId);
        return await visit.page(
          { title: "An API key", place: "overview", status: 201 },
          h(MadeKeyStepPage, {
            ...{ name, token, publicUrl: app.config.server.publicUrl },
            from: `hello@${domain?.name ?? "example.com"}`,
            to: firstRecipient(app, visit),
          }),
        );
      } catch (error) {
        return page(visit, { name, mistakes: mistakesOf(error, ["name"]) });
      }
    });
};

/** In the sandbox, an address whose mail is taken. */
const firstRecipient = (app: App, { user }: Visit) => (app.sandbox ? "delivered@example.org" : user.email);

const emailSteps = (app: App) => {
  const emailFor = async (teamId: string, id: string) => {
    const { subject, lastEvent } = await getEmail(app, teamId, id);
    const [delivery] = await getDeliveries(app, teamId, id);
    return { id, subject, lastEvent, to: delivery?.delivery.recipient ?? "", status: delivery?.status ?? "" };
  };
  const page = async (
    visit: Visit,
    given: Pick<EmailStepProps, "to" | "mistakes">,
    sent: string | undefined,
  ) => {
    const domain = await newestDomain(app, visit.teamId);
    return visit.page(
      {
        ...{ title: "A first email", place: "overview" },
        ...(Object.keys(given.mistakes).length > 0 ? { status: 422 } : {}),
        ...(sent !== undefined && { live: `${at("email/live")}?sent=${sent}` }),
      },
      h(EmailStepPage, {
        ...{ csrf: visit.csrf, ...given },
        from: domain && `hello@${domain.name}`,
        isVerified: domain !== undefined && domain.verifiedAt !== null,
        isSandbox: app.sandbox,
        sent: sent === undefined ? undefined : await emailFor(visit.teamId, sent),
      }),
    );
  };
  return new Elysia({ prefix: "/first-run/email" })
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const sent = query.sent === undefined ? undefined : (await getEmail(app, visit.teamId, query.sent)).id;
      return page(visit, { to: firstRecipient(app, visit), mistakes: {} }, sent);
    })
    .post("", async ({ visit }) => {
      const to = visit.form.text("to");
      visit.act(`Sent a first email to ${to}`, "");
      try {
        const domain = await newestDomain(app, visit.teamId);
        if (!domain) throw new Refusal("validation_error", "Add a domain to send from first.");
        const { id } = await sendEmail(app, visit, firstEmail(`hello@${domain.name}`, to), visit.once);
        return visit.done(`${at("email")}?sent=${id}`);
      } catch (error) {
        return page(visit, { to, mistakes: mistakesOf(error, ["to"]) }, undefined);
      }
    })
    .get("/live", async ({ visit, query }) => {
      const { id } = await emailFor(visit.teamId, query.sent ?? "");
      return visit.live(async () => ({ "first-email": h(FirstEmail, await emailFor(visit.teamId, id)) }));
    });
};

const firstEmail = (from: string, to: string) => ({
  from: `MailIt <${from}>`,
  to: [to],
  ...{ cc: [], bcc: [], replyTo: [], headers: {}, tags: [], attachments: [] },
  subject: "Your MailIt server works",
  text: "This is the first email of your own server. It was composed, signed with your domain's DKIM key and handed to the recipient's mail server.\n",
  html: "<p>This is the first email of your own server.</p><p>It was composed, signed with your domain's DKIM key and handed to the recipient's mail server.</p>",
});
