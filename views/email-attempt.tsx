/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { Attempt } from "../src/delivery/schema.ts";
import type { TimelineProps } from "./email-timeline.tsx";
import { State } from "./parts/badge.tsx";
import { Time } from "./parts/time.tsx";

export function AttemptDetails({
  attempt,
  commandOf,
}: {
  attempt: Attempt;
  commandOf: TimelineProps["commandOf"];
}) {
  const { number, position, outcome, host, address, localAddress, tls, limiter, said, steps, reused } =
    attempt;
  const took = attempt.endedAt.getTime() - attempt.startedAt.getTime();
  return (
    <details class="attempt" id={`attempt-${attempt.deliveryId}-${number}-${position}`}>
      <summary>
        <span>
          Try {number}
          {position > 0 && `, host ${position + 1}`}
        </span>
        <State name={outcome} />
        <span class="said">{said}</span>
        <span class="quiet">{host ?? "no host"}</span>
      </summary>
      <dl class="facts">
        <dt>When</dt>
        <dd>
          <Time at={attempt.startedAt} />, for {took} ms
        </dd>
        {host && (
          <>
            <dt>Host</dt>
            <dd>
              {host} {address && <code>{address}</code>}{" "}
              {reused && <span class="quiet">over an open connection</span>}
            </dd>
          </>
        )}
        {localAddress && (
          <>
            <dt>From address</dt>
            <dd>
              <code>{localAddress}</code>
            </dd>
          </>
        )}
        {tls && (
          <>
            <dt>Encryption</dt>
            <dd>
              {tls.version ? `${tls.version} ${tls.cipher ?? ""}` : "none"}
              <span class="quiet">
                {`, wanted: ${tls.wanted}`}
                {tls.certificate && `, certificate: ${tls.certificate}`}
                {tls.problem && `; ${tls.problem}`}
              </span>
            </dd>
          </>
        )}
        {attempt.class && (
          <>
            <dt>About</dt>
            <dd>{attempt.class.replaceAll("_", " ")}</dd>
          </>
        )}
        {limiter && (
          <>
            <dt>Limited by</dt>
            <dd>{limiter}</dd>
          </>
        )}
      </dl>
      {steps.length > 0 && (
        <section aria-label={`Transcript of try ${number}`} tabindex={0} class="transcript">
          <table>
            <thead class="unseen">
              <tr>
                <th scope="col">After</th>
                <th scope="col">Who</th>
                <th scope="col">Said</th>
              </tr>
            </thead>
            <tbody>
              {steps.map((step) => (
                <Step step={step} command={commandOf(step)} tls={tls} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}

function Step({
  step: { step, ms, reply },
  command,
  tls,
}: {
  step: Attempt["steps"][number];
  command: string | undefined;
  tls: Attempt["tls"];
}) {
  const ours =
    command ??
    {
      connect: "(connected)",
      handshake: `(TLS begins${tls?.version ? `: ${tls.version}` : ""})`,
      message: "(the message and its final dot)",
    }[step];
  return (
    <>
      {ours !== undefined && (
        <tr>
          <td class="number quiet">{reply === undefined ? `${ms} ms` : ""}</td>
          <td class="quiet">we</td>
          <td>
            <code>{ours}</code>
          </td>
        </tr>
      )}
      {reply !== undefined && (
        <tr>
          <td class="number quiet">{ms} ms</td>
          <td class="quiet">host</td>
          <td>
            <code class={/^[45]/.test(reply) ? "refused" : undefined}>{reply}</code>
          </td>
        </tr>
      )}
    </>
  );
}
