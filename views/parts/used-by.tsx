/** @jsxImportSource preact */

interface UsedByProps {
  /** The newest broadcasts that are not over. */
  broadcasts?: { id: string; name: string; status: string }[];
  /** Segments whose rules ask for it. */
  segments?: { id: string; name: string }[];
  /** What becomes of them. */
  broadcastsThen?: string;
  segmentsThen?: string;
}

/** What uses something that is to be deleted, and what becomes of it. */
export function UsedBy({ broadcasts = [], segments = [], broadcastsThen, segmentsThen }: UsedByProps) {
  return (
    <>
      {broadcasts.length > 0 && (
        <>
          <p>Broadcasts use it. {broadcastsThen}</p>
          <ul>
            {broadcasts.map(({ id, name, status }) => (
              <li>
                <a href={`/admin/broadcasts/${id}`}>{name}</a> <span class="quiet">{status}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      {segments.length > 0 && (
        <>
          <p>The rules of segments ask for it. {segmentsThen}</p>
          <ul>
            {segments.map(({ id, name }) => (
              <li>
                <a href={`/admin/segments/${id}`}>{name}</a>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
