import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Dockerfile,
  DockerfileParser,
  type From,
  type Healthcheck,
  type JSONInstruction,
} from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { read } from '../support/deploy.ts';

const IMAGES = ['Dockerfile.api', 'Dockerfile.runner'] as const;

for (const file of IMAGES) {
  describe(file, () => {
    const text = read(file);
    const dockerfile = DockerfileParser.parse(text);
    const last = lastStage(dockerfile);

    it('is as Docker wants it', () => assert.deepEqual(faultsOf(text), []));

    it('needs no frontend from a registry', () => assert.deepEqual(dockerfile.getDirectives(), []));

    it('begins with one image, of a version and slim, in all its stages', () => {
      const bases = dockerfile.getFROMs().map((from: From) => from.getImage());
      assert.deepEqual([...new Set(bases)], ['node:24-bookworm-slim']);
    });

    it('installs without scripts, without what only development needs, and without a PostgreSQL', () => {
      assert.match(
        argumentsOf(dockerfile, 'RUN').join('\n'),
        /npm ci --omit=dev --omit=optional --ignore-scripts/,
      );
    });

    it('leaves nothing of apt in a layer', () => {
      for (const command of argumentsOf(dockerfile, 'RUN').filter((line) => line.includes('apt-get'))) {
        assert.match(
          command,
          /^apt-get update\s.*--no-install-recommends.*rm -rf \/var\/lib\/apt\/lists\/\*$/s,
        );
      }
    });

    it('runs as nobody who may do anything', () => {
      assert.deepEqual(argumentsOf(last, 'USER'), ['node']);
    });

    it('starts the program itself, which gets the signals', () => {
      for (const name of ['ENTRYPOINT', 'CMD']) {
        const [instruction] = instructionsOf(last, name) as JSONInstruction[];
        assert.ok(instruction?.getOpeningBracket(), `${name} is in exec form`);
      }
      assert.deepEqual(argumentsOf(last, 'STOPSIGNAL'), ['SIGTERM']);
    });

    it('asks for its health without a program of its own for that', () => {
      const [check] = instructionsOf(last, 'HEALTHCHECK') as Healthcheck[];
      assert.match(
        check?.getRawArgumentsContent() ?? '',
        /CMD \["sh", "-c", "exec node \/app\/scripts\/health-check\.mjs/,
      );
      assert.doesNotMatch(text, /curl|wget/);
    });

    it('has no secret', () => {
      assert.doesNotMatch(text, /TOKEN|PASSWORD|DATABASE_URL|SECRET/);
    });
  });
}

it('both images are built of the same stages', () => {
  const [api, runner] = IMAGES.map((file) => {
    const lines = read(file).split('\n');
    return lines.slice(
      lines.findIndex((line) => line.startsWith('FROM')),
      lines.lastIndexOf('FROM node:24-bookworm-slim'),
    );
  });
  assert.deepEqual(api, runner);
});

it('a Dockerfile with a fault would be refused', () => {
  assert.deepEqual(
    faultsOf('FROM node:24\nWORKDIR app\nHEALTHCHECK --intervall=5s CMD ["true"]\nCOPI a b\n'),
    [
      'line 2: WORKDIR paths should be absolute',
      'line 3: Unknown flag: intervall',
      'line 4: Unknown instruction: COPI',
    ],
  );
});

it('what goes to the builder is named one by one', () => {
  const lines = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  assert.equal(lines[0], '*');
  assert.ok(lines.includes('**/.env*'));
});

function faultsOf(text: string): string[] {
  return validate(text)
    .map(({ range, message }) => `line ${range.start.line + 1}: ${message}`)
    .filter((fault) => !/Unknown flag: (start-interval|chmod|mount)/.test(fault));
}

function lastStage(dockerfile: Dockerfile) {
  const stages = dockerfile.getFROMs();
  const { start } = (stages.at(-1) as From).getRange();
  return dockerfile
    .getInstructions()
    .filter((instruction) => instruction.getRange().start.line >= start.line);
}

type Instructions = ReturnType<Dockerfile['getInstructions']>;

function instructionsOf(from: Dockerfile | Instructions, name: string): Instructions {
  const all = Array.isArray(from) ? from : from.getInstructions();
  return all.filter((instruction) => instruction.getKeyword() === name);
}

/** Without what continues a line. */
function argumentsOf(from: Dockerfile | Instructions, name: string): string[] {
  return instructionsOf(from, name).map((instruction) => instruction.getArgumentsContent() ?? '');
}
