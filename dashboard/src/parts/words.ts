/** The words for what pages show. The customer portal replaces them with those of its platform. */
import { createContext, useContext } from 'react';
import { counted } from './format.js';

export interface Words {
  /** Whose pages these are. */
  readonly product: string;
  readonly endpoint: string;
  readonly endpoints: string;
  readonly event: string;
  readonly events: string;
  readonly delivery: string;
  readonly deliveries: string;
}

export const USUAL_WORDS: Words = {
  product: 'Pigeonpost',
  endpoint: 'receiver',
  endpoints: 'receivers',
  event: 'event',
  events: 'events',
  delivery: 'delivery',
  deliveries: 'deliveries',
};

export const WordsContext = createContext(USUAL_WORDS);

export function useWords(): Words {
  return useContext(WordsContext);
}

/** A word as the first of a title. */
export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** A text of the API about a subscription, in the words of the pages. */
export function inWords(text: string, { endpoint, endpoints }: Words): string {
  return text.replaceAll(/\bsubscription(s?)\b/g, (_, many: string) => (many ? endpoints : endpoint));
}

/** `1 delivery`, `2 deliveries`, in the words of the pages. */
export function deliveriesOf({ delivery, deliveries }: Words, count: number): string {
  return counted(count, delivery, deliveries);
}
