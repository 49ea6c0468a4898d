/** @jsxImportSource preact */
import type { ComponentChildren } from "preact";
import { Acting, useMayWrite } from "./acting.tsx";
import { TextField } from "./form.tsx";

interface PreviewProps {
  /** Where the form is sent to be shown; `…/frame` gives the document, also of what is saved. */
  action: string;
  /** The document of what is saved. */
  frame: string;
  /** What is said above it; replaced as one writes. */
  children: ComponentChildren;
  /** Whether it is part of a form, and follows what is written there. */
  isLive?: boolean;
}

/** What becomes of what is written, beside it: as a wide window, a phone, and a text program show it. */
export function PreviewPane({ action, frame, children, ...props }: PreviewProps) {
  const mayWrite = useMayWrite();
  const isLive = (props.isLive ?? true) && mayWrite; // who only looks writes nothing to follow
  return (
    <section class="preview" aria-label="Preview">
      <div class="preview-bar">
        <fieldset class="switch">
          <legend class="unseen">Width of the preview</legend>
          {(["Desktop", "Phone", "Text"] as const).map((name, index) => (
            <label>
              <input type="radio" name="preview_as" value={name.toLowerCase()} checked={index === 0} />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
        <span class="stretch" />
        {isLive && (
          <>
            <label class="quiet">
              <input type="checkbox" name="pictures" value="1" /> Load remote pictures
            </label>
            <button
              type="submit"
              class="small"
              formaction={`${action}/frame`}
              formtarget="preview"
              formnovalidate
              data-preview
            >
              Refresh
            </button>
          </>
        )}
      </div>
      <div
        id="preview-head"
        aria-live="polite"
        {...(isLive && {
          "hx-post": action,
          "hx-include": "closest form",
          "hx-trigger": "load, input from:'closest form' delay:350ms",
          "hx-swap": "innerMorph",
        })}
      >
        {children}
      </div>
      <div class="preview-frames">
        <iframe
          name="preview"
          class="mail"
          sandbox="allow-popups allow-popups-to-escape-sandbox"
          title="What a reader sees"
          src={frame}
        />
      </div>
    </section>
  );
}

/** Lines of the message's head, what is amiss, and its text part. */
export function PreviewHead({
  lines,
  warnings,
  text,
}: {
  lines: readonly (readonly [name: string, value: string | null | undefined])[];
  warnings: string[];
  text: string | null;
}) {
  return (
    <>
      <dl class="facts">
        {lines.map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>{value ? value : <span class="quiet">none</span>}</dd>
          </>
        ))}
      </dl>
      {warnings.map((warning) => (
        <p class="warning">{warning}</p>
      ))}
      <pre class="preview-text">{text || "No text part."}</pre>
    </>
  );
}

/** Why nothing can be shown of what is written now. */
export function PreviewProblem({ children }: { children: string }) {
  return (
    <p class="mistake" data-problem>
      {children}
    </p>
  );
}

/** Where the test one has sent is followed. */
export function TestSent({ emailId }: { emailId: string | undefined }) {
  if (emailId === undefined) return null;
  return (
    <p class="notice">
      The test is on its way: <a href={`/admin/emails/${emailId}`}>see what becomes of it</a>.
    </p>
  );
}

interface TestSendProps {
  to: string;
  mistake: string | undefined;
  /** What is sent. */
  hint: string;
}

/** The end of a form of something written: it saves, and sends one copy to whoever wrote it. */
export function TestSend({ to, mistake, hint }: TestSendProps) {
  return (
    <Acting>
      <fieldset class="try">
        <legend>Send a test</legend>
        <div class="stack">
          <TextField name="test_to" id="to" label="To" value={to} mistake={mistake} hint={hint} />
          <button type="submit" name="then" value="test">
            Save and send a test
          </button>
        </div>
      </fieldset>
    </Acting>
  );
}
