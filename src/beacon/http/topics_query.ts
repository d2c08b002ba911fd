/** How a node is told which topics are wanted. */

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
