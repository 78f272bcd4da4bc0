import type { WorkItem } from "./work-view.ts";

/** The items and who waits for whom as a mermaid flowchart. What is named and not listed is drawn without a status. */
export function graphOfWork(newestFirst: readonly WorkItem[]): string {
  const items = newestFirst.toReversed();
  const names = new Map<string, string>();
  const nameOf = (slug: string) => {
    const known = names.get(slug);
    if (known !== undefined) return known;
    const name = `n${names.size}`;
    names.set(slug, name);
    return name;
  };
  const status = new Map(items.map(({ slug, lifecycle }) => [slug, lifecycle.status]));
  for (const { slug } of items) nameOf(slug);
  const edges = items.flatMap(({ slug, dependencies }) =>
    dependencies.blockers.map((blocker) => `  ${nameOf(blocker)} --> ${nameOf(slug)}`),
  );
  const nodes = [...names].map(([slug, name]) => {
    const said = status.get(slug);
    return `  ${name}["${slug}${said === undefined ? "" : `<br/>${said}`}"]`;
  });
  return ["flowchart LR", ...nodes, ...edges, ""].join("\n");
}
