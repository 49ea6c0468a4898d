/** @jsxImportSource preact */
import type { ComponentChildren } from "preact";
import { Empty } from "./list.tsx";

/** Ways to look at one message, each an address of its own. */
export function Tabs({
  label,
  tabs,
  current,
}: {
  label: string;
  tabs: readonly { path: string; name: string }[];
  /** The path of the one that is shown. */
  current: string;
}) {
  return (
    <nav aria-label={label}>
      <ul class="tabs">
        {tabs.map(({ path, name }) => (
          <li>
            <a href={path} aria-current={path === current ? "page" : undefined}>
              {name}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

export interface MailFrameProps {
  /** The address of the document. */
  src: string;
  /** The address of this page, without what was asked of it. */
  path: string;
  hasRemotePictures: boolean;
  /** Whether the reader has asked for them. */
  showsPictures: boolean;
}

/** A stranger's HTML: it runs nothing, and loads nothing from elsewhere unless the reader asks. */
export function MailFrame({ src, path, hasRemotePictures, showsPictures }: MailFrameProps) {
  return (
    <>
      {hasRemotePictures && (
        <p class="row mail-note">
          <span class="quiet">
            {showsPictures
              ? "Pictures from other hosts are shown; these hosts see that they are loaded."
              : "Pictures from other hosts are not loaded."}
          </span>
          <a class="button small" href={showsPictures ? path : `${path}?pictures=1`}>
            {showsPictures ? "Hide them" : "Show them"}
          </a>
        </p>
      )}
      <iframe
        class="mail"
        sandbox="allow-popups allow-popups-to-escape-sandbox"
        title="The email’s content"
        src={showsPictures ? `${src}?pictures=1` : src}
        loading="lazy"
      />
    </>
  );
}

export function MailText({ text, isMade = false }: { text: string | null; isMade?: boolean }) {
  if (text) {
    return (
      <>
        {isMade && <p class="quiet">Made from the HTML: it was sent without a text of its own.</p>}
        <pre class="mail-text">{text}</pre>
      </>
    );
  }
  return (
    <Empty icon="email" title="No text">
      <p>This message has no text part.</p>
    </Empty>
  );
}

/** The fields of a message's head. */
export function Headers({ fields }: { fields: { name: string; value: string }[] }) {
  return (
    <section class="table" aria-label="Headers" tabindex={0}>
      <table class="headers">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          {fields.map(({ name, value }) => (
            <tr>
              <th scope="row">{name}</th>
              <td>
                <code>{value}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The message as it is, and where all of it is to be had. */
export function Raw({ text, isCut, download }: { text: string; isCut: boolean; download: string }) {
  return (
    <>
      <p class="row">
        <a class="button" href={download}>
          Download .eml
        </a>
        {isCut && <span class="quiet">Only the beginning is shown here; the file has all of it.</span>}
      </p>
      {/* What scrolls must be reachable by keyboard: WCAG 2.1.1. */}
      <pre class="raw" tabindex={0}>
        {text}
      </pre>
    </>
  );
}

export interface ShownFile {
  name: string | null;
  type: string;
  /** In bytes. */
  size: number;
  href: string;
  /** Whether the HTML shows it. */
  isInline: boolean;
}

export function Files({ files }: { files: ShownFile[] }) {
  if (files.length === 0) {
    return (
      <Empty icon="archive" title="No attachments">
        <p>Nothing is attached to this message.</p>
      </Empty>
    );
  }
  return (
    <section class="table" aria-label="Attachments" tabindex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Type</th>
            <th scope="col" class="number">
              Size
            </th>
            <th scope="col">
              <span class="unseen">Acts</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {files.map(({ name, type, size, href, isInline }) => (
            <tr>
              <td>
                {name || "(no name)"} {isInline && <span class="quiet">shown in the message</span>}
              </td>
              <td class="quiet">{type}</td>
              <td class="number quiet">{sizeInWords(size)}</td>
              <td class="act">
                <a
                  class="button small"
                  href={href}
                  aria-label={`Download ${name || "the file without a name"}`}
                >
                  Download
                </a>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** A message as its reader sees it: its HTML, or its text where it has none. */
export function MailBody({ frame, text }: { frame: MailFrameProps | undefined; text: string | null }) {
  return frame ? <MailFrame {...frame} /> : <MailText text={text} />;
}

/** What is not to be had, and why. */
export function Unavailable({ children }: { children: ComponentChildren }) {
  return (
    <Empty icon="warning" title="It can’t be shown">
      <p>{children}</p>
    </Empty>
  );
}

export function sizeInWords(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  if (bytes < 999_500) return `${Math.round(bytes / 1_000)} KB`;
  if (bytes < 999_500_000) return `${rounded(bytes / 1_000_000)} MB`;
  return `${rounded(bytes / 1_000_000_000)} GB`;
}

const rounded = (amount: number) => amount.toFixed(1).replace(/\.0$/, "");
