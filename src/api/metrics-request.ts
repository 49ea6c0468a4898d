import { Refusal } from "../errors.ts";
import { readIds, readList, readTag, readTimezone } from "../metrics/asked.ts";
import { granularities, knownDimensions, knownMetrics, metricNames } from "../metrics/names.ts";
import type { MetricsQuery } from "../metrics/read.ts";

/**
 * Reads the query string by hand: lists come with commas, as repeated parameters or both, and some HTTP clients write
 * `email_id[]`. What is not known is ignored, as the contract has it.
 */
export function readMetricsRequest(url: string): MetricsQuery {
  const parameters = new URLSearchParams(/\?([^#]*)/.exec(url)?.[1]);
  const one = (name: string) => parameters.get(name)?.trim() || undefined;
  const given = (name: string) => [...parameters.getAll(name), ...parameters.getAll(`${name}[]`)];
  const many = (name: string) => readList(given(name));
  const metrics = known("metrics", many("metrics"), knownMetrics);
  return {
    startDate: one("start_date"),
    endDate: one("end_date"),
    timezone: readTimezone(one("timezone") ?? "UTC"),
    granularity: known("granularity", [one("granularity") ?? "daily"], granularities)[0]!,
    metrics: metrics.length > 0 ? metrics : [...metricNames],
    dimensions: known("dimensions", many("dimensions"), knownDimensions),
    domainIds: readIds("domain_id", given("domain_id")),
    emailIds: readIds("email_id", given("email_id")),
    broadcastIds: readIds("broadcast_id", given("broadcast_id")),
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
