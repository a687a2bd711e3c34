/** The form of an endpoint. */
import { useTypeNames } from '../../api/event-types.js';
import type { Contract } from '../../api/shapes.js';
import { fieldErrors } from '../../form/errors.js';
import { Fold } from '../../form/fold.js';
import { SchemaForm } from '../../form/schema-form.js';
import { FormEnd, onlyFields, ReplaceSecrets, useEdit } from '../../form/use-edit.js';
import { isSet, type Values } from '../../form/values.js';
import { withGroups } from '../../pages/subscriptions/type-choices.js';
import { useWords } from '../../parts/words.js';
import styles from '../../pages/subscriptions/subscription-form.module.css';
import { endpointFields } from './endpoint-fields.js';

interface Props {
  readonly rules: Contract;
  /** The endpoint as it is; empty for a new one. */
  readonly before: Values;
  readonly submitLabel: string;
  readonly busy: boolean;
  readonly error: unknown;
  /** Gets the fields that were given or changed. */
  readonly submit: (changes: Values) => void;
}

export function EndpointForm({ rules, before, submitLabel, busy, error, submit }: Props) {
  const { main, more } = endpointFields(rules.subscriptionSchema, useWords(), rules.openCatalogue);
  const mainNames = Object.keys(main.properties ?? {});
  const moreNames = Object.keys(more.properties ?? {});
  const edit = useEdit({ properties: { ...main.properties, ...more.properties } }, before, submit);
  const { values, setValues, kept } = edit;
  const suggestions = { eventTypes: withGroups(useTypeNames(rules), rules.openCatalogue) };
  const errors = fieldErrors(error);
  const fields = { values, errors, suggestions, onChange: setValues };
  const isShown = (name: string) => !kept.includes(name);
  return (
    <form noValidate className={`panel stack ${styles.form}`} onSubmit={edit.onSubmit}>
      <SchemaForm schema={onlyFields(main, isShown)} {...fields} />
      <ReplaceSecrets edit={edit} names={mainNames} />
      {moreNames.length > 0 && (
        <Fold
          title="More settings"
          names={moreNames}
          errors={errors}
          isOpen={moreNames.some((name) => isSet(before[name]))}
        >
          <SchemaForm schema={onlyFields(more, isShown)} {...fields} />
          <ReplaceSecrets edit={edit} names={moreNames} />
        </Fold>
      )}
      <FormEnd {...{ submitLabel, busy, error, errors }} names={[...mainNames, ...moreNames]} />
    </form>
  );
}
