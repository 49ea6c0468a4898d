/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import { assetUrl } from "../assets/index.ts";
import { Layout } from "./layout.tsx";

export interface WelcomeProps {
  version: string;
  publicUrl: string;
  isSandbox: boolean;
}

/** What somebody sees who opens the server's address in a browser. */
export function WelcomePage({ version, publicUrl, isSandbox }: WelcomeProps) {
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
          <code>mailit setup</code> makes an account, a sending domain and an API key
        </dd>
      </dl>
    </Layout>
  );
}
