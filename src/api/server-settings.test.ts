import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";

test("a program is told where to hand in mail by SMTP, and how the server is set", async () => {
  const app = await testApp({ config: { smtpSubmission: { addr: ":2587" } } });
  const { key } = await testTeam(app);
  const { status, body } = await testServer(app).ask("GET", "/server", { key });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    ...{ object: "server", url: app.config.server.publicUrl, sandbox: false },
    smtp: { host: app.config.smtpOutbound.hostname, starttls_port: 2587, self_signed: true },
  });
  expect(body.settings).toContainEqual({
    ...{ key: "auth.registration", variable: "MAILIT_AUTH_REGISTRATION" },
    ...{ value: app.config.auth.registration, description: expect.any(String) },
  });
});
