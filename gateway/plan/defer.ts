/** `@defer` (the incremental delivery proposal, as clients speak it today: `deferSpec=20220824`). */
import { Kind, type SelectionNode } from 'graphql';

/** The label of a deferred fragment; undefined for everything else. */
export const deferLabelOf = (selection: SelectionNode): string | undefined => {
  const defer = selection.directives?.find(({ name }) => name.value === 'defer');
  const label = defer?.arguments?.find(({ name }) => name.value === 'label')?.value;
  return label?.kind === Kind.STRING ? label.value : undefined;
};
