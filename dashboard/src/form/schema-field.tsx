/** One field of a form, by its schema. What is emptied is undefined: not given. */
import { Checkbox, MultiSelect, NativeSelect, TagsInput, Textarea, TextInput } from '@mantine/core';
import { errorAt, type FieldErrors } from './errors.js';
import { GroupField, ItemsField } from './group-field.js';
import { JsonField } from './json-field.js';
import { RecordField } from './record-field.js';
import { fieldOf, type JsonSchema } from './schema.js';

export interface FieldProps {
  readonly name: string;
  readonly path: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
  readonly value: unknown;
  readonly errors: FieldErrors;
  readonly suggestions?: readonly string[];
  readonly onChange: (value: unknown) => void;
}

/** What the inputs of all kinds have. */
interface InputProps extends Pick<FieldProps, 'required' | 'value' | 'onChange'> {
  readonly label: string;
  readonly description: string | undefined;
  readonly error: string | undefined;
}

export function SchemaField(props: FieldProps) {
  const { name, path, schema, required, value, errors, suggestions, onChange } = props;
  const field = fieldOf(schema);
  const common = {
    label: labelOf(schema.title ?? name),
    description: helpOf(schema.description),
    error: errorAt(errors, path),
    required,
  };
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  switch (field.kind) {
    case 'text':
      return <TextField {...common} long={field.long} value={text} onChange={onChange} />;
    case 'number':
      return (
        <TextInput
          {...common}
          type="number"
          min={field.minimum}
          max={field.maximum}
          step={field.integer ? 1 : 'any'}
          value={text}
          onChange={({ currentTarget: { value: given } }) => onChange(given === '' ? undefined : Number(given))}
        />
      );
    case 'flag':
      return (
        <Checkbox
          {...common}
          required={false}
          checked={(value ?? schema.default) === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case 'choice':
      return (
        <NativeSelect
          {...common}
          value={text}
          data={[...(required ? [] : [{ value: '', label: 'not set' }]), ...field.choices]}
          onChange={({ currentTarget: { value: given } }) => onChange(given === '' ? undefined : given)}
        />
      );
    case 'list':
      return (
        <ListField {...common} value={value} choices={field.choices} suggestions={suggestions} onChange={onChange} />
      );
    case 'record':
      return <RecordField {...common} value={value} onChange={onChange} />;
    case 'group':
      return <GroupField {...props} label={common.label} schema={field.schema} />;
    case 'items':
      return <ItemsField {...props} label={common.label} item={field.item} />;
    case 'json':
      return <JsonField {...common} value={value} onChange={onChange} />;
  }
}

function TextField({ long, onChange, ...input }: InputProps & { readonly value: string; readonly long: boolean }) {
  const set = (given: string) => onChange(given === '' ? undefined : given);
  return long ? (
    <Textarea {...input} autosize={false} rows={4} onChange={(event) => set(event.currentTarget.value)} />
  ) : (
    <TextInput {...input} autoComplete="off" onChange={(event) => set(event.currentTarget.value)} />
  );
}

interface ListProps extends InputProps {
  /** The only values of the list; any text when absent. */
  readonly choices?: readonly string[];
  readonly suggestions?: readonly string[];
}

function ListField({ value, choices, suggestions = [], onChange, ...common }: ListProps) {
  const list = Array.isArray(value) ? value.map(String) : [];
  const input = { ...common, value: list, onChange: (given: string[]) => onChange(given), clearable: true };
  return choices ? (
    <MultiSelect {...input} data={[...choices]} searchable placeholder={list.length === 0 ? 'Choose' : undefined} />
  ) : (
    <TagsInput
      {...input}
      data={[...suggestions]}
      placeholder={list.length === 0 ? 'Type, and press Enter' : undefined}
      acceptValueOnBlur
      splitChars={[',', ' ']}
    />
  );
}

/** A description without what null means: that is for programs, and in a form the field is emptied. */
export function helpOf(description: string | undefined): string | undefined {
  return description?.replace(/; null for [^.;]+/g, '');
}

/** A name as people write it: `ratePerSecond` is `Rate per second`, and `maxWaitMs` is `Max wait (ms)`. */
export function labelOf(name: string): string {
  const words = name
    .replace(/(?<=[a-z])(Ms|S)$/, (unit) => ` (${unit.toLowerCase()})`)
    .replace(/([a-z])([A-Z])/g, (_, end: string, start: string) => `${end} ${start.toLowerCase()}`);
  return (words.charAt(0).toUpperCase() + words.slice(1)).replace(/^(Url|Http|Tls|Id)\b/, (word) => word.toUpperCase());
}
