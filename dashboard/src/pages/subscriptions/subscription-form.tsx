/** The fields of a subscription, by its contract. */
import { useTypeNames } from '../../api/event-types.js';
import type { Contract } from '../../api/shapes.js';
import { fieldErrors } from '../../form/errors.js';
import { Fold } from '../../form/fold.js';
import { SchemaForm } from '../../form/schema-form.js';
import type { JsonSchema } from '../../form/schema.js';
import { FormEnd, onlyFields, ReplaceSecrets, useEdit } from '../../form/use-edit.js';
import type { Values } from '../../form/values.js';
import { Section } from '../../parts/section.js';
import { withGroups } from './type-choices.js';
import { payloadFields, PayloadFields } from './payload-fields.js';
import styles from './subscription-form.module.css';

interface Props {
  readonly accountId: string;
  readonly contract: Contract;
  /** The subscription as it is; empty for a new one. */
  readonly before: Values;
  readonly submitLabel: string;
  readonly busy: boolean;
  readonly error: unknown;
  /** Gets the fields that were given or changed. */
  readonly submit: (changes: Values) => void;
}

export function SubscriptionForm({ accountId, contract, before, submitLabel, busy, error, submit }: Props) {
  const schema = contract.subscriptionSchema as JsonSchema;
  const edit = useEdit(schema, before, submit, before.id === undefined ? { enabled: true } : {});
  const { values, setValues, kept } = edit;
  const suggestions = withGroups(useTypeNames(contract), contract.openCatalogue);
  const errors = fieldErrors(error);
  const names = Object.keys(schema.properties ?? {}).filter((name) => !kept.includes(name));
  const own = names.filter((name) => !(payloadFields as readonly string[]).includes(name));
  const advanced = own.filter((name) => schema.properties?.[name]?.['x-advanced'] === true);
  const form = { values, errors, suggestions: { eventTypes: suggestions }, onChange: setValues };
  return (
    <form noValidate className={styles.form} onSubmit={edit.onSubmit}>
      <Section title={contract.title} beside={<span className="muted">{contract.summary}</span>}>
        <SchemaForm {...form} schema={onlyFields(schema, (name) => own.includes(name) && !advanced.includes(name))} />
        <PayloadFields
          accountId={accountId}
          schema={schema}
          example={contract.events[0]}
          values={values}
          errors={errors}
          onChange={setValues}
        />
        {advanced.length > 0 && (
          <Fold title="Advanced" names={advanced} errors={errors}>
            <SchemaForm {...form} schema={onlyFields(schema, (name) => advanced.includes(name))} />
          </Fold>
        )}
        <ReplaceSecrets edit={edit} />
        <FormEnd {...{ submitLabel, busy, error, errors, names }} />
      </Section>
    </form>
  );
}
