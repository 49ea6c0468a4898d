import { expect, test } from "bun:test";
import { withResults } from "./results.ts";

const ours =
  "Authentication-Results: mail.mailit.test;\r\n spf=pass\r\n\tsmtp.mailfrom=a.test;\r\n dkim=none\r\nReceived-SPF: pass (mail.mailit.test: ok)\r\n client-ip=192.0.2.1;\r\n";

test("our results stand before others' in one line each, and the other headers stay", () => {
  expect(
    withResults(
      { subject: "hi", "authentication-results": "mx.other.test; spf=fail", "received-spf": "softfail" },
      ours,
      "mail.mailit.test",
    ),
  ).toEqual({
    "authentication-results":
      "mail.mailit.test; spf=pass smtp.mailfrom=a.test; dkim=none\nmx.other.test; spf=fail",
    "received-spf": "pass (mail.mailit.test: ok) client-ip=192.0.2.1;\nsoftfail",
    subject: "hi",
  });
});

test.each([
  "mail.mailit.test; dkim=pass",
  "MAIL.MailIt.Test; dkim=pass",
  "mail.mailit.test 1; dkim=pass",
  '"mail.mailit.test"; dkim=pass',
  "(so (they) say) mail.mailit.test; dkim=pass",
  "mail.mailit.test",
])("results that came with the message and claim to be ours are left out: %s", (forged) => {
  const headers = { "authentication-results": forged, "received-spf": "pass receiver=mail.mailit.test;" };
  expect(withResults(headers, "", "mail.mailit.test")).toEqual({});
});
