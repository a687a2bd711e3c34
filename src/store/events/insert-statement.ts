/** The statement that writes events, in the variants that its parts make. */
import { ORDERING_CLAIM } from '../deliveries/ordering.js';
import { collectDeliveries } from '../batches.js';
import { insertMessages } from '../messages/messages.js';

/** What some of the events have; the others do not pay for it. */
interface Parts {
  /** Times or a priority, deliveries that wait because of a pause, or callbacks. */
  readonly isTimed: boolean;
  readonly hasMessages: boolean;
  /** Deliveries with an ordering key. */
  readonly isOrdered: boolean;
  /** What the sender said of an event beside its payload. */
  readonly hasDetails: boolean;
  /** Payloads and bodies that are sealed. */
  readonly isSealed: boolean;
  /** Deliveries that wait for a batch; then the statement has the part for ordering keys too. */
  readonly isBatched: boolean;
}

/** The columns of deliveries, and the parameters with their values. */
interface DeliveryColumns {
  readonly names: string;
  readonly parameters: string;
  /** The values that are inserted, beside those of all deliveries. */
  readonly computed: { readonly names: string; readonly values: string };
  /** The values of `names` where some deliveries are blocked. */
  readonly whereBlocked: string;
}

const NO_TIMING: DeliveryColumns = {
  names: '',
  parameters: '',
  computed: { names: '', values: '' },
  whereBlocked: '',
};

/** A delivery that waits from the start counts as owned: no process is to start it. A blocked one waits for its head only. */
const TIMING: DeliveryColumns = {
  names: ', paused_for, deliver_at, expires_at, supersede_key, priority, on_delivered, on_exhausted',
  parameters:
    ', $29::text[], $30::timestamptz[], $31::timestamptz[], $32::text[], $33::smallint[], $34::text[], $35::text[]',
  computed: {
    names:
      ', state, state_reason, owned, next_attempt_at, deliver_at, expires_at, supersede_key, priority, on_delivered, ' +
      'on_exhausted',
    values: `, CASE WHEN paused_for IS NULL THEN 'pending' ELSE 'paused' END, paused_for, paused_for IS NOT NULL,
           CASE WHEN paused_for IS NULL THEN deliver_at END, deliver_at, expires_at, supersede_key, priority, on_delivered,
           on_exhausted`,
  },
  whereBlocked:
    ', CASE WHEN blocked.id IS NULL THEN paused_for END AS paused_for, deliver_at, expires_at, supersede_key, priority, ' +
    'on_delivered, on_exhausted',
};

/** Parts of the statement that ordering changes. */
interface Ordering {
  /** Before the deliveries. */
  readonly keys: string;
  /** The columns that are inserted. */
  readonly names: string;
  /** The rows of the deliveries. */
  readonly source: string;
  /** A column of the result, and its rows. */
  readonly result: { readonly column: string; readonly none: string; readonly rows: string };
}

const deliveryRows = ({ names, parameters }: DeliveryColumns): string => `
    FROM unnest($10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
                $18::boolean[], $22::text[]${parameters})
      AS delivery (id, event_id, account_id, subscription_id, provider, event_type, body_variant, direct,
                   sender_id${names})`;

const withoutOrdering = (columns: DeliveryColumns): Ordering => ({
  keys: '',
  names: '',
  source: deliveryRows(columns),
  result: { column: '', none: '', rows: '' },
});

/**
 * Locks the ordering keys of deliveries; the keys are the parameter with this number. A key without a head gets the first
 * delivery as its head, and all others are blocked. A blocked delivery is direct, so that a sender makes its attempt as
 * soon as it is released.
 */
const withOrdering = (
  { names, parameters, whereBlocked }: DeliveryColumns,
  parameter: number,
  limits?: number,
): Ordering => ({
  keys: `, ordered AS MATERIALIZED (
    SELECT id, subscription_id, ordering_key,
           row_number() OVER (PARTITION BY subscription_id, ordering_key ORDER BY number) AS rank,
           count(*) OVER (PARTITION BY subscription_id, ordering_key) AS total
    FROM unnest($10::text[], $11::text[], $13::text[], $${parameter}::text[]${limits === undefined ? '' : `, $${limits}::integer[]`})
      WITH ORDINALITY AS delivery (id, event_id, subscription_id, ordering_key${limits === undefined ? '' : ', max_events'}, number)
    WHERE ordering_key IS NOT NULL${limits === undefined ? '' : ' AND max_events IS NULL'} AND event_id NOT IN (SELECT id FROM not_written)
  ), locked AS (
    -- Sorted, so that two statements with the same keys do not deadlock.
    INSERT INTO ordering_keys AS key (subscription_id, ordering_key, head, last_position)
    SELECT subscription_id, ordering_key, id, total FROM ordered WHERE rank = 1
    ORDER BY subscription_id COLLATE "C", ordering_key COLLATE "C"
    ON CONFLICT (subscription_id, ordering_key) DO UPDATE SET last_position = key.last_position + excluded.last_position
    RETURNING subscription_id, ordering_key, head, last_position
  ), blocked AS MATERIALIZED (
    SELECT id, subscription_id, ordering_key, last_position - total + rank AS position
    FROM ordered JOIN locked USING (subscription_id, ordering_key) WHERE id <> head
  ), waiting AS (
    INSERT INTO ordering_waiting (subscription_id, ordering_key, position, delivery_id)
    SELECT subscription_id, ordering_key, position, id FROM blocked
  )${limits === undefined ? '' : collectDeliveries(parameter, limits)}`,
  names: ', ordering_key',
  source: `
    FROM (
      SELECT id, event_id, account_id, delivery.subscription_id, provider, event_type, body_variant,
             direct OR blocked.id IS NOT NULL AS direct,
             CASE WHEN blocked.id IS NULL THEN sender_id ELSE '${ORDERING_CLAIM}' END AS sender_id${whereBlocked},
             delivery.ordering_key${deliveryRows({
               ...NO_TIMING,
               names: `${names}, ordering_key`,
               parameters: `${parameters}, $${parameter}::text[]`,
             })}
      LEFT JOIN blocked USING (id)
    ) delivery`,
  result: {
    column: ', NULL AS blocked',
    none: ', NULL',
    rows: `
  UNION ALL
  SELECT NULL, NULL, id FROM blocked`,
  },
});

/** Columns of events that most events do not have, and the parameters with their values. */
interface DetailColumns {
  readonly names: string;
  readonly values: string;
  readonly parameters: string;
}

const NO_DETAILS: DetailColumns = { names: '', values: '', parameters: '' };

/** The columns of details; the first of their parameters has this number. */
const withDetails = (first: number): DetailColumns => ({
  names: ', uid, tags, verbatim, deliver_at, content_until',
  values: `, uid, CASE WHEN tags IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(tags)) END, verbatim, deliver_at,
           content_until`,
  parameters:
    `, $${first}::text[], $${first + 1}::jsonb[], $${first + 2}::boolean[], $${first + 3}::timestamptz[], ` +
    `$${first + 4}::timestamptz[]`,
});

/** Parameters are arrays, in the order of the values of `insertCurrentEvents` (events.ts). */
const insertEventsText = (
  { computed }: DeliveryColumns,
  ordering: Ordering,
  {
    messages,
    data,
    body,
    details,
  }: {
    readonly messages: string;
    readonly data: SealedColumn;
    readonly body: SealedColumn;
    readonly details: DetailColumns;
  },
): string => `
  WITH outdated AS MATERIALIZED (
    SELECT expected.account_id
    FROM unnest($20::text[], $21::uuid[]) AS expected (account_id, version)
    LEFT JOIN account_versions v ON v.account_id = expected.account_id
    WHERE v.version IS DISTINCT FROM expected.version
  ), claimed AS (
    -- Sorted, so that two statements with the same keys do not deadlock.
    INSERT INTO idempotency_keys (account_id, key, fingerprint, response)
    SELECT account_id, key, fingerprint, response
    FROM unnest($23::text[], $24::text[], $25::bytea[], $26::json[]) AS request (account_id, key, fingerprint, response)
    WHERE account_id NOT IN (SELECT account_id FROM outdated)
    ORDER BY account_id, key
    ON CONFLICT DO NOTHING
    RETURNING account_id, key
  ), not_written AS MATERIALIZED (
    SELECT id FROM unnest($1::text[], $2::text[], $27::text[]) AS event (id, account_id, key)
    WHERE account_id IN (SELECT account_id FROM outdated)
       OR (key IS NOT NULL AND (account_id, key) NOT IN (SELECT account_id, key FROM claimed))
  ), new_events AS (
    INSERT INTO events (id, account_id, type, occurred_at, channels, data, addressed, traceparent${data.name}${details.names})
    SELECT id, account_id, type, occurred_at,
           ARRAY(SELECT jsonb_array_elements_text(channels)), data, addressed, traceparent${data.name}${details.values}
    FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::jsonb[], $6::text[], $17::boolean[],
                $19::text[]${data.parameter}${details.parameters})
      AS event (id, account_id, type, occurred_at, channels, data, addressed, traceparent${data.name}${details.names})
    WHERE id NOT IN (SELECT id FROM not_written)
  ), new_bodies AS (
    INSERT INTO event_bodies (event_id, variant, body, error${body.name})
    SELECT event_id, variant, body, error${body.name}
    FROM unnest($7::text[], $8::text[], $9::text[], $28::text[]${body.parameter})
      AS body (event_id, variant, body, error${body.name})
    WHERE event_id NOT IN (SELECT id FROM not_written)
  )${ordering.keys}, new_deliveries AS (
    INSERT INTO deliveries (id, event_id, account_id, subscription_id, provider, event_type, body_variant, direct,
                            sender_id${computed.names}${ordering.names})
    SELECT id, event_id, account_id, subscription_id, provider, event_type, body_variant, direct, sender_id${computed.values}${ordering.names}${ordering.source}
    WHERE event_id NOT IN (SELECT id FROM not_written)
  )${messages}
  SELECT account_id, NULL AS key${ordering.result.column} FROM outdated
  UNION ALL
  SELECT account_id, key${ordering.result.none} FROM unnest($23::text[], $24::text[]) AS request (account_id, key)
  WHERE (account_id, key) NOT IN (SELECT account_id, key FROM claimed)${ordering.result.rows}`;

/** A column of bytes that is written where payloads are sealed, and its parameter. */
interface SealedColumn {
  readonly name: string;
  readonly parameter: string;
}

const NOT_SEALED: SealedColumn = { name: '', parameter: '' };
const sealedColumn = (parameter: number): SealedColumn => ({
  name: ', sealed',
  parameter: `, $${parameter}::bytea[]`,
});

/**
 * The parameters after those of every statement: of times, priority and callbacks, then of messages, then the ordering
 * keys, then what is sealed of events and of bodies, then the details of events, then the limits of batches.
 */
const FIRST_PARAMETER = 29;
const TIMING_PARAMETERS = 7;
const MESSAGE_PARAMETERS = 3;
const SEALED_PARAMETERS = 2;
const DETAIL_PARAMETERS = 5;

interface Statement {
  readonly name: string;
  readonly text: string;
}

function statementOf({ isTimed, hasMessages, isOrdered, isSealed, hasDetails, isBatched }: Parts): Statement {
  const columns = isTimed ? TIMING : NO_TIMING;
  const messages = FIRST_PARAMETER + (isTimed ? TIMING_PARAMETERS : 0);
  const keys = messages + (hasMessages ? MESSAGE_PARAMETERS : 0);
  const sealed = keys + (isOrdered ? 1 : 0);
  const details = sealed + (isSealed ? SEALED_PARAMETERS : 0);
  const limits = details + (hasDetails ? DETAIL_PARAMETERS : 0);
  const kinds = [
    ...[isTimed && '-timed', isOrdered && '-ordered', isSealed && '-sealed', hasDetails && '-named'],
    isBatched && '-batched',
  ];
  return {
    name: `insert${kinds.filter(Boolean).join('')}-events${hasMessages ? '-and-messages' : ''}`,
    text: insertEventsText(
      columns,
      isOrdered ? withOrdering(columns, keys, isBatched ? limits : undefined) : withoutOrdering(columns),
      {
        messages: hasMessages ? insertMessages(messages) : '',
        data: isSealed ? sealedColumn(sealed) : NOT_SEALED,
        body: isSealed ? sealedColumn(sealed + 1) : NOT_SEALED,
        details: hasDetails ? withDetails(details) : NO_DETAILS,
      },
    ),
  };
}

const statements = new Map<string, Statement>();

/** The smallest statement that writes what the events have; it has a name of its own. */
export function insertStatement(parts: Parts): Statement {
  const { isTimed, hasMessages, isOrdered, isSealed, hasDetails, isBatched } = parts;
  const id = [isTimed, hasMessages, isOrdered, isSealed, hasDetails, isBatched].join();
  let statement = statements.get(id);
  if (!statement) statements.set(id, (statement = statementOf(parts)));
  return statement;
}
