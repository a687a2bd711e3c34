/** Checking a request that arrived somewhere against the contract's signature. */
import { Alert, Button, Textarea, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Contract } from '../../api/shapes.js';
import { Failure } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { readHeaders } from './read-headers.js';

export function VerifyTool({ contract: { provider, signature } }: { contract: Contract }) {
  const { client } = useSession();
  const [secret, setSecret] = useState('');
  const [headers, setHeaders] = useState('');
  const [body, setBody] = useState('');
  const [url, setUrl] = useState('');
  const check = useMutation({
    mutationFn: () =>
      unwrap(
        client.POST('/v1/contracts/{provider}/verify', {
          params: { path: { provider } },
          body: { secret, headers: readHeaders(headers), body, ...(url.trim() ? { url: url.trim() } : {}) },
        }),
      ),
  });
  return (
    <Section title="Verify a signature">
      <p className="muted">Paste a request as it arrived. Nothing of it is stored or logged.</p>
      <form
        noValidate
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          check.mutate();
        }}
      >
        <TextInput
          label="Secret"
          autoComplete="off"
          value={secret}
          onChange={(event) => setSecret(event.currentTarget.value)}
        />
        <Textarea
          label="Headers"
          description="One on each line, as Name: value"
          placeholder={signature.headers.map((name) => `${name}: …`).join('\n')}
          rows={Math.max(3, signature.headers.length)}
          value={headers}
          onChange={(event) => setHeaders(event.currentTarget.value)}
        />
        <Textarea
          label="Body"
          description="Exactly as it arrived, not formatted"
          rows={4}
          value={body}
          onChange={(event) => setBody(event.currentTarget.value)}
        />
        <TextInput
          label="URL"
          description="The URL it was sent to, if the signature covers it"
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
        />
        <div>
          <Button type="submit" loading={check.isPending}>
            Verify
          </Button>
        </div>
      </form>
      {check.error && <Failure error={check.error} />}
      {check.data && (
        <Alert
          variant="light"
          role="status"
          color={check.data.valid ? 'green' : 'red'}
          title={check.data.valid ? 'The signature is valid' : 'The signature is not valid'}
        >
          {check.data.reason}
        </Alert>
      )}
    </Section>
  );
}
