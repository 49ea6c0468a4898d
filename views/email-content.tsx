/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ComponentChildren } from "preact";
import { SelectField } from "./parts/form.tsx";
import { Empty } from "./parts/list.tsx";
import { Headers, MailFrame, type MailFrameProps, Raw, Unavailable } from "./parts/message.tsx";
import { Time } from "./parts/time.tsx";

export function HtmlTab({ frame }: { frame: MailFrameProps | undefined }) {
  if (frame) return <MailFrame {...frame} />;
  return (
    <Empty icon="email" title="No HTML">
      <p>This email has no HTML part.</p>
    </Empty>
  );
}

/** In the place of all that shows what it said. */
export function RemovedTab({ at }: { at: Date }) {
  return (
    <Unavailable>
      The content of this email was removed <Time at={at} />: <code>retention.content</code> says how long it
      is kept. What became of the email stays.
    </Unavailable>
  );
}

export interface ComposedProps {
  /** The page's own path. */
  path: string;
  /** To whom this copy goes, and who else gets one. */
  recipient: { id: string; recipient: string } | undefined;
  others: { id: string; recipient: string }[];
  /** Why there is none to be shown. */
  problem: string | undefined;
}

/** Each recipient gets a message of their own: its return path, links and signature are theirs alone. */
function Chooser({ path, recipient, others }: ComposedProps) {
  if (!recipient || others.length === 0) return null;
  return (
    <form method="get" action={path} class="filters">
      <SelectField
        name="delivery"
        label="The copy for"
        value={recipient.id}
        options={[recipient, ...others].map(({ id, recipient: to }) => [id, to] as const)}
      />
      <button type="submit">Show</button>
    </form>
  );
}

/** A copy, and what it is: nobody must take it for the bytes that went out. */
function Composed({ children, ...composed }: ComposedProps & { children: ComponentChildren }) {
  return (
    <>
      <Chooser {...composed} />
      {composed.problem === undefined ? (
        <>
          <p class="quiet">
            Composed and signed anew as you look: what was sent, or will be, differs in the signature and its
            time.
          </p>
          {children}
        </>
      ) : (
        <Unavailable>{composed.problem}</Unavailable>
      )}
    </>
  );
}

export function HeadersTab({
  fields,
  ...composed
}: ComposedProps & { fields: { name: string; value: string }[] }) {
  return (
    <Composed {...composed}>
      <Headers fields={fields} />
    </Composed>
  );
}

export function RawTab({
  raw,
  ...composed
}: ComposedProps & { raw: { text: string; isCut: boolean; download: string } }) {
  return (
    <Composed {...composed}>
      <Raw {...raw} />
    </Composed>
  );
}
