import { ask } from "../dialog.js";
import { h } from "../node.js";
import { button, crumb, facts, panel, prose, viewHead } from "../parts.js";
import { to, toSubject } from "../router.js";
import { pill } from "../states.js";
import { instant, span, ticking } from "../time.js";
import { doerOf } from "./queue.js";

/** One task: what was posted, and who did it each time. */
export function taskView(app, { id }) {
  let task;
  const path = `/tasks/${encodeURIComponent(id)}`;

  async function load() {
    task = await app.api.get(path);
  }

  function draw() {
    const { status, objective, task: posted, tries, refused, takenBy, handledBy } = task;
    const isOver = status !== "open" && status !== "claimed";
    return [
      viewHead({
        title: h("span", { class: "long-title" }, objective),
        above: crumb(to("queue"), "Queue"),
        beside: pill(status),
        below: [
          refused ? h("p", { class: "reason tone-bad" }, refused.text) : undefined,
          takenBy ? h("p", { class: "reason" }, takenBy.text) : undefined,
          handledBy ? h("p", { class: "reason" }, "A person handled it by hand.") : undefined,
          facts([
            ["Id", h("span", { class: "code" }, id)],
            ["Posted by", posted.author.name],
            ["Posted", instant(posted.postedAt)],
          ]),
        ],
        actions: [
          isOver
            ? button(
                "Run again",
                () => app.act(() => app.api.post(`${path}/run-again`), "It is done once more"),
                { tone: "primary" },
              )
            : undefined,
          isOver ? undefined : button("Withdraw …", withdraw, { tone: "danger-quiet" }),
        ].filter(Boolean),
      }),
      posted.text === objective ? undefined : panel("As it was posted", { key: "text" }, prose(posted.text)),
      panel(
        tries.length === 1 ? "Done once" : "Tries",
        { key: "tries", count: tries.length > 1 ? tries.length : undefined },
        tries.length === 0
          ? h("p", { class: "muted" }, "Nobody has begun it yet.")
          : h("ol", { class: "tries" }, tries.toReversed().map(triedLine)),
      ),
    ];
  }

  function withdraw() {
    return ask({
      title: "Withdraw the task",
      text: "It leaves the queue, and what works on it is canceled.",
      fields: [{ name: "reason", label: "Reason", kind: "area" }],
      submit: "Withdraw",
      tone: "danger",
      act: async ({ reason }) => {
        await app.api.post(`${path}/withdraw`, reason.trim() ? { reason: reason.trim() } : {});
        app.reload();
      },
    });
  }

  return { title: () => task?.objective ?? id, load, draw, concerns: ({ stream }) => stream === id };
}

function triedLine(tried) {
  const { number, claimedAt, executor, child, outcome } = tried;
  const kind = { agent: "delegation", workflow: "run" }[executor.kind];
  return h(
    "li",
    { key: number, class: "try" },
    pill(outcome?.status ?? "claimed"),
    h(
      "span",
      {},
      `Try ${number} by `,
      child && kind
        ? h("a", { href: toSubject(child, kind), data: { row: "" } }, doerOf(tried))
        : doerOf(tried),
    ),
    h(
      "span",
      { class: "faint" },
      instant(claimedAt),
      outcome ? ` in ${span(outcome.at - claimedAt)}` : [" for ", ticking(claimedAt)],
    ),
  );
}
