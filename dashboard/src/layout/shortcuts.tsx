/** Keyboard shortcuts of every page, and the dialog that lists them. */
import { Button, Modal } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { Fact, Facts } from '../parts/facts.js';

/** How long after `g` a letter still goes to a page, in milliseconds. */
const SEQUENCE_MS = 1_500;

/** A page that `g` and a letter go to. */
export interface Shortcut {
  readonly key: string;
  readonly href: string;
  readonly label: string;
}

export function Shortcuts({ pages }: { pages: readonly Shortcut[] }) {
  const [, navigate] = useLocation();
  const [shown, setShown] = useState(false);
  const wentAt = useRef(-Infinity);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (isForText(event)) return;
      if (event.key === '?') return setShown(true);
      const isSecond = event.timeStamp - wentAt.current < SEQUENCE_MS;
      wentAt.current = event.key === 'g' && !isSecond ? event.timeStamp : -Infinity;
      const page = isSecond ? pages.find(({ key }) => key === event.key) : undefined;
      if (page) navigate(page.href);
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [pages, navigate]);
  return (
    <>
      <Button variant="subtle" size="xs" aria-keyshortcuts="?" onClick={() => setShown(true)}>
        Keyboard shortcuts
      </Button>
      {shown && (
        <Modal
          opened
          title="Keyboard shortcuts"
          onClose={() => setShown(false)}
          closeButtonProps={{ 'aria-label': 'Close' }}
        >
          <Facts>
            <Fact name="Find">
              <kbd>/</kbd>
            </Fact>
            <Fact name="This list">
              <kbd>?</kbd>
            </Fact>
            <Fact name="Close a dialog">
              <kbd>Esc</kbd>
            </Fact>
            {pages.map(({ key, label }) => (
              <Fact key={key} name={label}>
                <kbd>g</kbd> then <kbd>{key}</kbd>
              </Fact>
            ))}
          </Facts>
        </Modal>
      )}
    </>
  );
}

/** Whether a key is text, or belongs to the browser. */
export function isForText({ target, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey) return true;
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
