import { parser } from '@prometheus-io/lezer-promql';

/** What an expression reads: a metric, of which labels, with which values. */
export interface Selector {
  metric: string;
  matchers: { label: string; operator: string; value: string }[];
}

export interface Reads {
  selectors: Selector[];
  /** Of `by (…)`, `on (…)` and the like. */
  groupedBy: string[];
}

/** Reads a PromQL expression with Prometheus' own grammar. @throws Error when it is none */
export function readPromql(expression: string): Reads {
  const textOf = ({ from, to }: { from: number; to: number }) => expression.slice(from, to);
  const selectors: Selector[] = [];
  const groupedBy: string[] = [];
  parser.parse(expression).iterate({
    enter({ type, node }) {
      if (type.isError)
        throw new Error(`no PromQL from '${expression.slice(node.from, node.from + 20)}': ${expression}`);
      if (type.name === 'VectorSelector') selectors.push({ metric: '', matchers: [] });
      const selector = selectors.at(-1);
      if (type.name === 'Identifier' && node.parent?.type.name === 'VectorSelector' && selector)
        selector.metric = textOf(node);
      if (type.name === 'UnquotedLabelMatcher' && selector) {
        const [label, operator, value] = ['LabelName', 'MatchOp', 'StringLiteral'].map((name) => {
          const part = node.getChild(name);
          return part === null ? '' : textOf(part);
        }) as [string, string, string];
        selector.matchers.push({ label, operator, value: value.slice(1, -1) });
      }
      if (type.name === 'LabelName' && node.parent?.type.name === 'GroupingLabels')
        groupedBy.push(textOf(node));
    },
  });
  return { selectors, groupedBy };
}
