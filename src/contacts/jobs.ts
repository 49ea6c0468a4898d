import { Type as t } from "@sinclair/typebox";
import { defineJob } from "../jobs/job.ts";

/** Works on a file of contacts; the lane is the team, whose files are worked on one after the other. */
export const importContacts = defineJob("import_contacts", t.Object({ importId: t.String() }), {
  permits: 4,
  permitsPerLane: 1,
});

/** Takes the values of a property that was deleted from a team's contacts. */
export const clearProperty = defineJob(
  "clear_property",
  t.Object({ teamId: t.String(), id: t.String(), key: t.String() }),
  { permits: 2, permitsPerLane: 1 },
);

/** Removes the members of a segment that was deleted. */
export const clearSegment = defineJob("clear_segment", t.Object({ segmentId: t.String() }), { permits: 2 });

/** Removes what contacts said of a topic that was deleted. */
export const clearTopic = defineJob("clear_topic", t.Object({ topicId: t.String() }), { permits: 2 });
