/** How a receiver verifies that a request is genuine. */
import { NativeSelect } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';
import { useContracts } from '../../api/accounts.js';
import type { Contract } from '../../api/shapes.js';
import { CodeBlock } from '../../parts/code-block.js';
import { CopyText } from '../../parts/copy.js';
import { Fact, Facts } from '../../parts/facts.js';
import { Failure, Loading, PageHead } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { inWords, useWords } from '../../parts/words.js';
import { useCan, useRules } from '../access.js';
import { messagePrefix } from './scheme.js';
import { languages, snippet, type Language } from './snippets.js';
import styles from './verify-page.module.css';

export function VerifyPage() {
  const rules = useRules();
  const { error } = useContracts();
  const prefix = messagePrefix(rules?.signature.headers ?? []);
  return (
    <div className="stack">
      <PageHead title="Verify" />
      {!rules && (error ? <Failure error={error} /> : <Loading lines={8} />)}
      {rules && <HowTo rules={rules} />}
      {prefix !== undefined && <Snippet prefix={prefix} />}
    </div>
  );
}

function HowTo({ rules: { signature, accepted } }: { rules: Contract }) {
  const words = useWords();
  const { endpoint, events } = words;
  const maySee = useCan('show_secrets', 'view_secrets');
  return (
    <Section title={`Check that ${events} are genuine`}>
      <p>
        Anyone may send requests to your URL. Before you trust one, check its{' '}
        {signature.headers.length === 1 ? 'header' : 'headers'}
        {maySee ? (
          <>
            {' '}
            with the secret of the {endpoint}, which <Link href="/endpoints">its page</Link> shows.
          </>
        ) : (
          ` with the secret of the ${endpoint}.`
        )}{' '}
        Use the body as it arrived: parsed and written again it is another one.
      </p>
      <Facts>
        {signature.headers.length > 0 && (
          <Fact name={signature.headers.length === 1 ? 'Header' : 'Headers'}>
            <span className="mono">{signature.headers.join(', ')}</span>
          </Fact>
        )}
        <Fact name="Signature">{inWords(signature.description, words)}</Fact>
        <Fact name="Accepted">{inWords(accepted, words)}</Fact>
      </Facts>
    </Section>
  );
}

function Snippet({ prefix }: { prefix: string }) {
  const [language, setLanguage] = useState<Language>(languages[0]!);
  const text = snippet(language, prefix);
  return (
    <Section title="Code to copy" beside={<CopyText label="Copy" value={text} />}>
      <NativeSelect
        className={styles.language}
        label="Language"
        value={language}
        onChange={(event) => setLanguage(event.currentTarget.value as Language)}
        data={languages}
      />
      <CodeBlock label={`Verification in ${language}`} text={text} whole />
      <p className="muted">
        For secrets that begin with whsec_. With a public key, whpk_, use a library of{' '}
        <a href="https://github.com/standard-webhooks/standard-webhooks" target="_blank" rel="noreferrer">
          Standard Webhooks
        </a>
        .
      </p>
    </Section>
  );
}
