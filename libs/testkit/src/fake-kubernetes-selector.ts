import { badRequest } from './fake-kubernetes-status.js';

type Labels = Readonly<Record<string, string>>;

/** Whether labels are as a selector wants them: `a=b`, `a!=b`, `a`, `!a`, `a in (b,c)`, `a notin (b,c)`, all of them. @throws KubernetesFault */
export function selects(selector: string, labels: Labels): boolean {
  return requirementsOf(selector).every((requirement) => meets(requirement, labels));
}

/** The parts between the commas that stand in no brackets. */
const requirementsOf = (selector: string): string[] =>
  [...selector.matchAll(/(?:[^,(]|\([^)]*\))+/g)].map(([part]) => part.trim()).filter((part) => part !== '');

function meets(requirement: string, labels: Labels): boolean {
  const set = /^(\S+) (in|notin) \(([^)]*)\)$/.exec(requirement);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const isIn = list.split(',').some((value) => value.trim() === labels[key]);
    return operator === 'in' ? isIn : !isIn;
  }
  const equality = /^([^!=\s]+)\s*(==?|!=)\s*(\S*)$/.exec(requirement);
  if (equality) {
    const [, key = '', operator, value] = equality;
    return operator === '!=' ? labels[key] !== value : labels[key] === value;
  }
  const presence = /^(!?)([^!=\s]+)$/.exec(requirement);
  if (!presence) throw badRequest(`unable to parse requirement: ${requirement}`);
  const [, not, key = ''] = presence;
  return (labels[key] === undefined) === (not === '!');
}
