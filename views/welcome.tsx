/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import { assetUrl } from "../assets/index.ts";
import { Layout } from "./layout.tsx";

export interface WelcomeProps {
  version: string;
  publicUrl: string;
  isSandbox: boolean;
  /** Whether nobody has an account yet and the first may be made in a browser. */
  isFirstRun: boolean;
}

/** What somebody sees who opens the server's address in a browser. */
export function WelcomePage({ version, publicUrl, isSandbox, isFirstRun }: WelcomeProps) {
  return (
    <Layout title="MailIt">
      <h1>
        <img src={assetUrl("logo.svg")} alt="" />
        MailIt is running
      </h1>
      <p class="quiet">
        Version {version}
        {isSandbox ? ", in sandbox mode: nothing leaves this machine" : ""}.
      </p>
      <dl>
        <dt>Admin</dt>
        <dd>
          <a href="/admin">/admin</a>
        </dd>
        <dt>API</dt>
        <dd>
          <code>{publicUrl}</code>
        </dd>
        <dt>Reference</dt>
        <dd>
          <a href="/openapi">/openapi</a>, <a href="/openapi/json">/openapi/json</a>
        </dd>
        <dt>Health</dt>
        <dd>
          <a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a>
        </dd>
        {isSandbox && (
          <>
            <dt>Delivered</dt>
            <dd>
              <code>GET /sandbox/messages</code>, with your API key
            </dd>
          </>
        )}
        <dt>First steps</dt>
        <dd>
          {isFirstRun ? (
            <>
              <a href="/admin/first-run">Make the first account</a>, or run <code>mailit setup</code>
            </>
          ) : (
            <>
              <a href="/admin/sign-in">Sign in</a> to the admin
            </>
          )}
        </dd>
      </dl>
    </Layout>
  );
}
