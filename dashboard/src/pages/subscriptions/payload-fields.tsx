/** The filter and the transformation of a subscription, each with a dry run. Nothing where the contract has neither. */
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Contract } from '../../api/shapes.js';
import type { FieldErrors } from '../../form/errors.js';
import { Fold } from '../../form/fold.js';
import { SchemaForm } from '../../form/schema-form.js';
import type { JsonSchema } from '../../form/schema.js';
import type { Values } from '../../form/values.js';
import { CodeBlock } from '../../parts/code-block.js';
import { counted } from '../../parts/format.js';
import { Failure } from '../../parts/page.js';
import { Moment } from '../../parts/time.js';

/** Fields that are shown here. */
export const payloadFields = ['filter', 'transformation'] as const;

/** Events of a dry run that are listed. */
const LISTED = 10;

interface Props {
  readonly accountId: string;
  readonly schema: JsonSchema;
  /** The event that a transformation is tried on. */
  readonly example: Contract['events'][number] | undefined;
  readonly values: Values;
  readonly errors: FieldErrors;
  readonly onChange: (values: Values) => void;
}

export function PayloadFields({ accountId, schema, example, values, errors, onChange }: Props) {
  const properties = Object.fromEntries(
    Object.entries(schema.properties ?? {}).filter(([name]) => (payloadFields as readonly string[]).includes(name)),
  );
  if (Object.keys(properties).length === 0) return null;
  const { filter, transformation } = values;
  return (
    <Fold
      title="Filter and transformation"
      names={payloadFields}
      errors={errors}
      isOpen={filter !== undefined || transformation !== undefined}
    >
      <SchemaForm schema={{ ...schema, properties }} values={values} errors={errors} onChange={onChange} />
      <FilterTest accountId={accountId} filter={filter} />
      {example && <TransformationTest accountId={accountId} expression={transformation} example={example} />}
    </Fold>
  );
}

function FilterTest({ accountId, filter }: { accountId: string; filter: unknown }) {
  const { client } = useSession();
  const test = useMutation({
    mutationFn: (tried: Record<string, unknown>) =>
      unwrap(
        client.POST('/v1/accounts/{id}/filters/test', { params: { path: { id: accountId } }, body: { filter: tried } }),
      ),
  });
  const found = test.data;
  return (
    <>
      <div className="row">
        <Button
          variant="default"
          disabled={typeof filter !== 'object' || filter === null}
          loading={test.isPending}
          onClick={() => test.mutate(filter as Record<string, unknown>)}
        >
          Try the filter
        </Button>
        {found && (
          <span role="status">
            {found.passed} of the last {counted(found.events.length, 'event', 'events')} would pass.
          </span>
        )}
      </div>
      {found && found.events.length > 0 && (
        <ul>
          {found.events.slice(0, LISTED).map(({ eventId, type, createdAt, passes }) => (
            <li key={eventId}>
              {type}, <Moment at={createdAt} />: {passes ? 'passes' : 'does not pass'}
            </li>
          ))}
        </ul>
      )}
      {test.error && <Failure error={test.error} />}
    </>
  );
}

interface TransformationTestProps {
  readonly accountId: string;
  readonly expression: unknown;
  readonly example: Contract['events'][number];
}

function TransformationTest({ accountId, expression, example: { type, example } }: TransformationTestProps) {
  const { client } = useSession();
  const test = useMutation({
    mutationFn: (tried: string) =>
      unwrap(
        client.POST('/v1/accounts/{id}/transformations/test', {
          params: { path: { id: accountId } },
          body: { expression: tried, event: { type, data: example } },
        }),
      ),
  });
  return (
    <>
      <div className="row">
        <Button
          variant="default"
          disabled={typeof expression !== 'string'}
          loading={test.isPending}
          onClick={() => test.mutate(String(expression))}
        >
          Try the transformation
        </Button>
        {test.data && <span role="status">{test.data.error ?? `The body for the example of ${type}:`}</span>}
      </div>
      {test.data?.body && <CodeBlock label="Transformed body" text={test.data.body} />}
      {test.error && <Failure error={test.error} />}
    </>
  );
}
