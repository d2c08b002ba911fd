/** How the query of a request names the wanted topics. */

/** One `topics` key with commas, or a `topics` key for each. */
export type TopicForm = "joined" | "repeated";

/** The query of a request for events. */
export function topicsQuery(
  topics: readonly string[],
  form: TopicForm,
): string {
  const names = topics.map(encodeURIComponent);
  return form === "joined"
    ? `topics=${names.join(",")}`
    : names.map((name) => `topics=${name}`).join("&");
}
