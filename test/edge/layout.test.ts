import assert from "node:assert/strict";
import test from "node:test";
import { createLayouts } from "../../src/api/layout.ts";

function stepsOf(count: number, perWave: number) {
  return Array.from({ length: count }, (_, i) => ({
    id: `step-${i}`,
    wave: Math.floor(i / perWave),
    needs: i < perWave ? [] : [`step-${i - perWave}`, "a step that is not there"],
  }));
}

for (const [what, count, layout] of [
  ["a run that a person can follow is drawn with as few crossings as may be", 30, "dagre"],
  ["a large run stands in columns, so that nobody waits for its drawing", 3000, "waves"],
] as const) {
  test(what, async () => {
    const steps = stepsOf(count, 10);
    const drawn = await createLayouts()("run", steps);
    assert.equal(drawn.layout, layout);
    assert.equal(drawn.edges.length, count - 10);
    const taken = new Set<string>();
    for (const { id, needs } of steps) {
      const box = drawn.boxes.get(id);
      assert.ok(box, id);
      const place = `${box.x} ${box.y}`;
      assert.ok(!taken.has(place), `${id} stands on another one`);
      taken.add(place);
      assert.ok(box.x + box.width / 2 <= drawn.width && box.y + box.height / 2 <= drawn.height);
      for (const need of needs) {
        const before = drawn.boxes.get(need);
        if (before) assert.ok(before.x < box.x, `${id} stands before ${need}`);
      }
    }
  });
}

test("a drawing is made once for each run", async () => {
  const layouts = createLayouts();
  const steps = stepsOf(4, 2);
  const first = await layouts("run", steps);
  assert.equal(await layouts("run", steps), first);
  assert.notEqual(await layouts("other", steps), first);
});
