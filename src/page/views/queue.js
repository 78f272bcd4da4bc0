import { h } from "../node.js";
import { createPaged } from "../paged.js";
import { button, code, empty, viewHead } from "../parts.js";
import { to } from "../router.js";
import { rows } from "../rows.js";
import { instant, ticking } from "../time.js";
import { filters } from "./runs.js";

const FILTERS = [
  ["", "All"],
  ["open,claimed", "Not done"],
  ["done", "Done"],
  ["failed", "Failed"],
  ["withdrawn", "Withdrawn"],
];

/** The tasks of the queue, newest first. */
export function queueView(app, { query }) {
  let status = query.status ?? "";
  const list = createPaged(app, "/tasks");

  const trigger = () =>
    app.act(async () => {
      const { messages, open, claimed } = await app.api.post("/tasks/trigger");
      app.tell(
        `${messages} ${messages === 1 ? "message" : "messages"} read: ${open} open, ${claimed} being done`,
      );
    });

  function draw() {
    return [
      viewHead({ title: "Queue", actions: [button("Read the channel now", trigger)] }),
      filters("queue", FILTERS, status),
      list.items().length === 0
        ? empty(
            status ? "No task is like that." : "The queue is empty.",
            status
              ? h("a", { href: to("queue") }, "Show all tasks")
              : h(
                  "span",
                  {},
                  "Post one as a message in ",
                  code("#task-queue"),
                  ", or from a shell: ",
                  code('hq submit "Compare Zerodur and ULE"'),
                ),
          )
        : h("div", { class: "panel panel-bare", key: "list" }, rows("Tasks", list.items(), line)),
      list.hasOlder() ? button("Show older ones", list.older) : undefined,
    ];
  }

  return {
    title: () => "Queue",
    load: () => list.load({ status }),
    draw,
    concerns: ({ type }) => type.startsWith("task.") || type.startsWith("worker."),
    arrived: (now) => {
      status = now.status ?? "";
      list.again();
    },
  };
}

export function doerOf({ executor }) {
  if (executor.kind === "agent") return executor.agent;
  return executor.kind === "worker" ? `worker ${executor.worker}` : `workflow ${executor.workflow}`;
}

function line({ id, status, objective, task, tries, refused, takenBy, handledBy }) {
  const last = tries.at(-1);
  return {
    key: id,
    href: to("queue", id),
    state: status,
    title: objective,
    sub: [
      `posted by ${task.author.name}`,
      last ? doerOf(last) : undefined,
      tries.length > 1 ? `${tries.length} tries` : undefined,
    ]
      .filter(Boolean)
      .join(" · "),
    note: refused?.text ?? takenBy?.text ?? (handledBy ? "handled by hand" : undefined),
    noteTone: refused ? "tone-bad" : "",
    end: [
      status === "open" || status === "claimed"
        ? ticking(task.postedAt)
        : instant(last?.outcome?.at ?? task.postedAt),
    ],
  };
}
