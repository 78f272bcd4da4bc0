import { h } from "../node.js";
import { crumb, facts, panel, prose, viewHead } from "../parts.js";
import { to } from "../router.js";
import { pill } from "../states.js";

/** One work item, with whatever is known of it. */
export function workView(app, { id }) {
  let item;
  async function load() {
    item = await app.api.get(`/work/items/${encodeURIComponent(id)}`);
  }
  function draw() {
    const { title, status, ...rest } = item;
    const plain = Object.entries(rest).filter(
      ([, value]) => typeof value === "string" || typeof value === "number",
    );
    const lists = Object.entries(rest).filter(([, value]) => Array.isArray(value) && value.length > 0);
    return [
      viewHead({
        title: title ?? id,
        above: crumb(to("search", undefined, { kind: "work" }), "Work items"),
        beside: pill(status),
        below: facts(
          plain.map(([name, value]) => [name.replaceAll("_", " "), prose(String(value), { long: 300 })]),
        ),
      }),
      lists.map(([name, values]) =>
        panel(
          name.replaceAll("_", " "),
          { key: name, count: values.length },
          h(
            "ul",
            { class: "missing" },
            values.map((value, at) =>
              h("li", { key: at }, typeof value === "string" ? value : JSON.stringify(value)),
            ),
          ),
        ),
      ),
    ];
  }
  return { title: () => item?.title ?? id, load, draw, concerns: ({ type }) => type.startsWith("work.") };
}
