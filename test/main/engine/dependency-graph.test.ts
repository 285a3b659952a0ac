import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cycleAmong } from '../../../src/main/engine/dependency-graph.ts';
import { plans } from '../../support/plans.ts';

const graphs = plans(30, ['completed']).map(
  (plan) => new Map(plan.map(({ dependsOn }, at) => [`${at}`, dependsOn.map(String)])),
);

test('tasks that only depend on earlier ones are in no circle, in whatever order they are looked at', () => {
  fc.assert(fc.property(graphs, (graph) => cycleAmong(new Map([...graph].toReversed())) === null));
});

test('a circle is found when there is one, each of it depending on the next', () => {
  const withCircle = fc.tuple(graphs, fc.nat(), fc.nat()).map(([graph, one, other]) => {
    const [low, high] = [one % graph.size, other % graph.size].sort((a, b) => a - b) as [number, number];
    const add = (from: number, to: number) => graph.get(`${from}`)?.push(`${to}`);
    add(high, low);
    add(low, high);
    return graph;
  });
  fc.assert(
    fc.property(withCircle, (graph) => {
      const cycle = cycleAmong(graph) ?? assert.fail('none was found');
      for (const [at, id] of cycle.entries()) {
        assert.ok(graph.get(id)?.includes(cycle[(at + 1) % cycle.length] as string));
      }
    }),
  );
});

test('what was there before is in none', () => {
  assert.equal(cycleAmong(new Map([['new', ['old', 'old']]])), null);
});
