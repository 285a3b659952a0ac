import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readConfig } from '../../src/main/config.ts';
import { faultsBy, MANIFESTS, read, readYaml } from '../support/deploy.ts';

const { kinds, definitions } = JSON.parse(read('test/schemas/kubernetes.json'));
const faultsByKind = new Map<string, (value: unknown) => string[]>(
  kinds.map((kind: string) => {
    const [{ group, version, kind: name }] = definitions[kind]['x-kubernetes-group-version-kind'];
    const apiVersion = group === '' ? version : `${group}/${version}`;
    return [`${apiVersion} ${name}`, faultsBy({ $ref: `#/definitions/${kind}`, definitions })];
  }),
);

const KUSTOMIZATION = 'deploy/kubernetes/kustomization.yaml';
const objects = MANIFESTS.filter((file) => file !== KUSTOMIZATION).flatMap((file) =>
  readYaml(file).map((object) => ({ file, object })),
);

// biome-ignore lint/suspicious/noExplicitAny: the schema is what checks its shape
function theOne(kind: string, name: string): any {
  const found = objects.filter(({ object }) => object.kind === kind && object.metadata.name === name);
  assert.equal(found.length, 1, `${kind} ${name}`);
  return found[0]?.object;
}

const config = theOne('ConfigMap', 'heddle').data as Record<string, string>;

describe('the manifests for Kubernetes', () => {
  for (const { file, object } of objects) {
    it(`are as its API has it: ${object.kind} ${object.metadata?.name} of ${file}`, () => {
      const faultsOf = faultsByKind.get(`${object.apiVersion} ${object.kind}`);
      assert.ok(faultsOf, `${object.apiVersion} ${object.kind} is no kind that is known here`);
      assert.deepEqual(faultsOf(object), []);
    });
  }

  it('would be refused with a slip of the pen', () => {
    const runner = structuredClone(theOne('Deployment', 'heddle-runner'));
    runner.spec.replica = 1;
    runner.spec.template.spec.containers[0].readinessProbe.httpGet.port = { name: 'health' };
    delete runner.spec.selector;
    assert.equal(faultsByKind.get('apps/v1 Deployment')?.(runner).length, 3);
  });

  it('are all named by the kustomization, but for what everybody makes in another way', () => {
    const [{ resources }] = readYaml(KUSTOMIZATION);
    const named = resources.map((name: string) => `deploy/kubernetes/${name}`);
    const apart = ['secret.example.yaml', 'migrate.yaml'].map((name) => `deploy/kubernetes/${name}`);
    assert.deepEqual([...named, ...apart, KUSTOMIZATION].sort(), [...MANIFESTS].sort());
  });

  it('configure what the configuration knows', () => {
    const secret = theOne('Secret', 'heddle').stringData as Record<string, string>;
    const { http, runner } = readConfig({ ...config, ...secret, HOST: '0.0.0.0' });
    assert.equal(http.tokens.length, 2);
    assert.equal(runner.stopGraceSeconds, Number(config.STOP_GRACE_SECONDS));
  });

  it('leave time to stop in', () => {
    const grace = (name: string) =>
      theOne('Deployment', name).spec.template.spec.terminationGracePeriodSeconds;
    assert.ok(grace('heddle-runner') >= Number(config.STOP_GRACE_SECONDS) + 10);
    assert.ok(grace('heddle-api') >= Number(config.DRAIN_SECONDS) + 10 + 5);
  });

  it('drain an API for longer than a probe takes to notice', () => {
    const { readinessProbe } = theOne('Deployment', 'heddle-api').spec.template.spec.containers[0];
    assert.ok(Number(config.DRAIN_SECONDS) > readinessProbe.periodSeconds * readinessProbe.failureThreshold);
  });

  it('update a runner by way of a standby, and an API without one less', () => {
    for (const name of ['heddle-api', 'heddle-runner']) {
      assert.deepEqual(theOne('Deployment', name).spec.strategy.rollingUpdate, {
        maxUnavailable: 0,
        maxSurge: 1,
      });
    }
    assert.equal(theOne('Deployment', 'heddle-runner').spec.replicas, 1);
    assert.equal(theOne('Deployment', 'heddle-api').spec.replicas, undefined, 'its autoscaler says how many');
  });

  it('have labels that select one another', () => {
    for (const component of ['api', 'runner']) {
      const deployment = theOne('Deployment', `heddle-${component}`);
      const { labels } = deployment.spec.template.metadata;
      assert.deepEqual(deployment.spec.selector.matchLabels, labels);
      assert.deepEqual(theOne('Service', `heddle-${component}`).spec.selector, labels);
      assert.deepEqual(
        theOne('PodDisruptionBudget', `heddle-${component}`).spec.selector.matchLabels,
        labels,
      );
    }
    assert.equal(theOne('HorizontalPodAutoscaler', 'heddle-api').spec.scaleTargetRef.name, 'heddle-api');
  });

  it('ask for health at ports that there are', () => {
    for (const name of ['heddle-api', 'heddle-runner']) {
      const [{ ports, readinessProbe, livenessProbe }] = theOne('Deployment', name).spec.template.spec
        .containers;
      const names = ports.map((port: { name: string }) => port.name);
      assert.deepEqual(
        [readinessProbe.httpGet.path, livenessProbe.httpGet.path],
        ['/health', '/health/live'],
      );
      for (const probe of [readinessProbe, livenessProbe]) assert.ok(names.includes(probe.httpGet.port));
    }
  });
});
