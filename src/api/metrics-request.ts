import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { granularities, knownDimensions, knownMetrics, metricNames } from "../metrics/names.ts";
import { isTimezone } from "../metrics/range.ts";
import { type MetricsQuery, readTag } from "../metrics/read.ts";

const mostIds = 100;

/**
 * Reads the query string by hand: lists come with commas, as repeated parameters or both, and some HTTP clients write
 * `email_id[]`. What is not known is ignored, as the contract has it.
 */
export function readMetricsRequest(url: string): MetricsQuery {
  const parameters = new URLSearchParams(/\?([^#]*)/.exec(url)?.[1]);
  const one = (name: string) => parameters.get(name)?.trim() || undefined;
  const many = (name: string) => {
    const given = [...parameters.getAll(name), ...parameters.getAll(`${name}[]`)];
    const values = given.flatMap((list) => list.split(",")).map((value) => value.trim());
    return [...new Set(values.filter((value) => value !== ""))];
  };
  const timezone = one("timezone") ?? "UTC";
  if (!isTimezone(timezone)) {
    throw new Refusal(
      "validation_error",
      `Invalid \`timezone\` parameter. It must be the name of an IANA time zone, such as \`America/New_York\`.`,
    );
  }
  const metrics = known("metrics", many("metrics"), knownMetrics);
  return {
    startDate: one("start_date"),
    endDate: one("end_date"),
    timezone,
    granularity: known("granularity", [one("granularity") ?? "daily"], granularities)[0]!,
    metrics: metrics.length > 0 ? metrics : [...metricNames],
    dimensions: known("dimensions", many("dimensions"), knownDimensions),
    domainIds: ids("domain_id", many("domain_id")),
    emailIds: ids("email_id", many("email_id")),
    broadcastIds: ids("broadcast_id", many("broadcast_id")),
    ...withTag(many("tag")),
  };
}

function withTag(given: string[]): Pick<MetricsQuery, "tag"> {
  if (given.length > 1) {
    throw new Refusal(
      "validation_error",
      "The `tag` parameter takes one tag, a name or `name:value`: ask for the others in another request.",
    );
  }
  return given[0] === undefined ? {} : { tag: readTag(given[0]) };
}

function known<T extends string>(name: string, values: string[], allowed: readonly T[]): T[] {
  return values.map((value) => {
    const found = allowed.find((each) => each === value);
    if (found === undefined) {
      throw new Refusal(
        "validation_error",
        `Invalid \`${name}\` parameter. Allowed: ${allowed.map((each) => `\`${each}\``).join(", ")}.`,
      );
    }
    return found;
  });
}

function ids(name: string, values: string[]): string[] {
  if (values.length > mostIds) {
    throw new Refusal(
      "validation_error",
      `The \`${name}\` parameter takes ${mostIds} ids at most: ask for the others in another request.`,
    );
  }
  if (!values.every(isId)) throw new Refusal("invalid_parameter", `The \`${name}\` must be a valid UUID.`);
  return values.map((id) => id.toLowerCase());
}
