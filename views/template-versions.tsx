/** @jsxImportSource preact */
import type { Template, TemplateVersion } from "../src/templates/schema.ts";
import type { VersionSummary } from "../src/templates/store.ts";
import { Badge, State } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { More, Table } from "./parts/list.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { PreviewPane } from "./parts/preview.tsx";
import { Ago } from "./parts/time.tsx";
import { TemplatePreview, type TemplatePreviewProps } from "./template-edit.tsx";

interface VersionsProps {
  template: Template;
  versions: VersionSummary[];
  next: string | undefined;
  now: Date;
}

const columns = ["Version", "Subject", "Made"];

export function VersionsPage(props: VersionsProps) {
  const { template } = props;
  return (
    <>
      <PageHead
        title="Versions"
        lead="Every save that changed what it says. The last 100 are kept, and the published one."
        up={{ path: `/admin/templates/${template.id}`, name: template.name }}
      />
      <Table label="Versions" columns={columns}>
        <VersionRows {...props} />
      </Table>
    </>
  );
}

export function VersionRows({ template, versions, next, now }: VersionsProps) {
  const path = `/admin/templates/${template.id}/versions`;
  return (
    <>
      {versions.map(({ id, number, subject, createdAt }) => (
        <tr>
          <td>
            <a href={`${path}/${id}`}>
              <strong>Version {number}</strong>
            </a>{" "}
            <VersionState template={template} id={id} />
          </td>
          <td class="long">{subject ?? <span class="quiet">no subject</span>}</td>
          <td class="quiet">
            <Ago at={createdAt} now={now} />
          </td>
        </tr>
      ))}
      {next && <More href={`${path}?after=${next}`} columns={columns.length} />}
    </>
  );
}

function VersionState({ template, id }: { template: Template; id: string }) {
  return (
    <>
      {template.publishedVersionId === id && <State name="published" />}{" "}
      {template.currentVersionId === id && <Badge tone="info">current</Badge>}
    </>
  );
}

export function VersionPage({
  csrf,
  template,
  version,
  preview,
}: {
  csrf: string;
  template: Template;
  version: TemplateVersion;
  preview: TemplatePreviewProps;
}) {
  const path = `/admin/templates/${template.id}`;
  const isCurrent = template.currentVersionId === version.id;
  return (
    <>
      <PageHead
        title={`Version ${version.number}`}
        up={{ path: `${path}/versions`, name: `Versions of ${template.name}` }}
        lead={<VersionState template={template} id={version.id} />}
      >
        {!isCurrent && (
          <Confirm
            id="restore"
            csrf={csrf}
            action={`${path}/versions/${version.id}/restore`}
            label="Restore"
            title={`Restore version ${version.number}?`}
            act="Restore the version"
            isDestructive={false}
            buttonClass="primary"
          >
            <p>
              The template says again what it said then. What it says now stays among the versions, and what
              is sent changes only when it is published.
            </p>
          </Confirm>
        )}
      </PageHead>
      <div class="compose">
        <section class="card">
          <h2>HTML</h2>
          <pre>{version.html || "Empty."}</pre>
          {version.text !== null && (
            <>
              <h2>Text part</h2>
              <pre>{version.text || "None is sent."}</pre>
            </>
          )}
        </section>
        <PreviewPane action={path} frame={`${path}/frame?version=${version.id}`} isLive={false}>
          <TemplatePreview {...preview} />
        </PreviewPane>
      </div>
    </>
  );
}
