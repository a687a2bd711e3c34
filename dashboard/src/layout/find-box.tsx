/** The search box of every page; the key `/` moves to it. */
import { TextInput } from '@mantine/core';
import { useEffect, useRef, useState, type SubmitEvent } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import styles from './find-box.module.css';
import { isForText } from './shortcuts.js';

export function FindBox() {
  const [location, navigate] = useLocation();
  const [search] = useSearchParams();
  const shown = location === '/find' ? (search.get('q') ?? '') : '';
  return <Box key={shown} shown={shown} find={(text) => navigate(`/find?${new URLSearchParams({ q: text })}`)} />;
}

function Box({ shown, find }: { shown: string; find: (text: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(shown);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key !== '/' || isForText(event)) return;
      event.preventDefault();
      input.current?.select();
    };
    document.addEventListener('keydown', focus);
    return () => document.removeEventListener('keydown', focus);
  }, []);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (text.trim() !== '') find(text.trim());
  };
  return (
    <form role="search" className={styles.box} onSubmit={submit}>
      <TextInput
        ref={input}
        type="search"
        size="xs"
        aria-label="Find"
        aria-keyshortcuts="/"
        placeholder="Find: id, URL, name, payload"
        title="An id, a message id, an event type, URL, account or a value in the payload"
        maxLength={200}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        rightSection={<kbd className={styles.key}>/</kbd>}
      />
    </form>
  );
}
