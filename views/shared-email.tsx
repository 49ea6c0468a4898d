/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import { Layout } from "./layout.tsx";
import { sizeInWords } from "./parts/message.tsx";

export interface SharedProps {
  subject: string;
  from: string;
  to: string[];
  cc: string[];
  date: Date;
  /** A whole document of a stranger's. */
  html: string | null;
  text: string | null;
  attachments: SharedAttachment[];
  expiresAt: Date;
  /** Of the link: what the page is asked for with. */
  token: string;
  hasRemotePictures: boolean;
  /** Whether the reader has asked for them. */
  showsPictures: boolean;
}

export interface SharedAttachment {
  name: string;
  /** In bytes. */
  size: number;
  url: string;
}

/** One email, as whoever was given a link to it sees it. */
export function SharedPage(props: SharedProps) {
  const { subject, from, to, cc, date, html, text, attachments, expiresAt } = props;
  return (
    <Layout title={subject}>
      <article class="email">
        <h1>{subject}</h1>
        <dl>
          <dt>From</dt>
          <dd>{from}</dd>
          <dt>To</dt>
          <dd>{to.join(", ")}</dd>
          {cc.length > 0 && (
            <>
              <dt>Cc</dt>
              <dd>{cc.join(", ")}</dd>
            </>
          )}
          <dt>Date</dt>
          <dd>
            <Time at={date} />
          </dd>
          {attachments.length > 0 && <Attachments attachments={attachments} />}
        </dl>
        {props.hasRemotePictures && <RemotePictures {...props} />}
        <Body html={html} text={text} />
        <p class="quiet">
          Whoever has this link can read this email, until <Time at={expiresAt} />.
        </p>
      </article>
    </Layout>
  );
}

/** Whoever wrote the email would see that it is read, and from where: its reader is asked first. */
function RemotePictures({ token, showsPictures }: Pick<SharedProps, "token" | "showsPictures">) {
  const link = new URLSearchParams({ token, ...(!showsPictures && { pictures: "1" }) });
  return (
    <p class="quiet">
      {showsPictures
        ? "Pictures from other hosts are shown; these hosts see that they are loaded. "
        : "Pictures from other hosts are not loaded. "}
      <a href={`/shared?${link}`} rel="nofollow">
        {showsPictures ? "Hide them" : "Show them"}
      </a>
    </p>
  );
}

/** Links open in a tab of their own; nothing else is allowed to what comes in the email. */
function Body({ html, text }: Pick<SharedProps, "html" | "text">) {
  if (html) {
    return (
      <iframe
        title="The email's content"
        sandbox="allow-popups allow-popups-to-escape-sandbox"
        srcdoc={`<!doctype html><base target="_blank">${html}`}
      />
    );
  }
  if (text) return <pre>{text}</pre>;
  const isRemoved = html === null && text === null;
  return (
    <p class="empty">
      {isRemoved ? "The content of this email is not kept any more." : "This email has no text."}
    </p>
  );
}

/** Above the content, whose end is out of sight. */
function Attachments({ attachments }: Pick<SharedProps, "attachments">) {
  return (
    <>
      <dt>Attached</dt>
      <dd>
        <ul class="files">
          {attachments.map(({ name, size, url }) => (
            <li>
              <a href={url} rel="nofollow">
                {name}
              </a>{" "}
              <span class="quiet">{sizeInWords(size)}</span>
            </li>
          ))}
        </ul>
      </dd>
    </>
  );
}

/** Where a link leads that is forged or has expired; what it once led to is not said. */
export function NothingSharedPage() {
  return (
    <Layout title="This link does not work any more">
      <h1>This link does not work any more</h1>
      <p class="quiet">
        Links to emails are good for 48 hours at most. See whether you have copied all of it, or ask whoever
        gave it to you for a new one.
      </p>
    </Layout>
  );
}

const timeFormat = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "long",
  timeStyle: "short",
  timeZone: "UTC",
});

function Time({ at }: { at: Date }) {
  return <time datetime={at.toISOString()}>{timeFormat.format(at)} UTC</time>;
}
