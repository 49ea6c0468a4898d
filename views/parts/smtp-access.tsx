/** @jsxImportSource preact */

/** Where programs hand in mail, without ports that the system chooses at each start. */
export interface SmtpAccess {
  host: string;
  startTls: number | undefined;
  tls: number | undefined;
  isSelfSigned: boolean;
}

/** What a program says of a certificate that nobody else vouches for, and what to do about it. */
export function SelfSigned() {
  return (
    <p class="hint">
      The server’s certificate vouches for itself, so programs refuse it unless they are told not to check it:{" "}
      <code>--insecure</code> for curl, <code>tls: {"{ rejectUnauthorized: false }"}</code> for nodemailer.
      Whoever runs the server ends that with <code>tls.mode: "files"</code> and a certificate of an authority.
    </p>
  );
}
